// The reader of training checkpoints on arbitrary bytes.
#include <cstddef>
#include <cstdint>
#include <span>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/byte_source.hpp"
#include "twintrack/tensor/training_checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    twintrack::read_training_checkpoint(twintrack::SpanSource("input", std::as_bytes(std::span(data, size))));
  } catch (const twintrack::InputError&) {
    return 0;
  }
  return 0;
}

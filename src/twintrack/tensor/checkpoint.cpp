#include "twintrack/tensor/checkpoint.hpp"

#include <utility>

#include "twintrack/tensor/checkpoint_fields.hpp"

namespace twintrack {

Checkpoint read_checkpoint(const ByteSource& source) {
  TorchArchive archive(source);
  const pickle::Document& document = archive.document();
  Checkpoint checkpoint;
  checkpoint.weights = load_network_weights(archive).parameters;
  checkpoint.trainer_name = find_text(archive, document.root(), "trainer_name");
  checkpoint.mirroring_axes = find_mirroring_axes(archive);
  const auto arguments = document.find(document.root(), "init_args");
  if (arguments && document.kind(*arguments) == pickle::Kind::dictionary) {
    checkpoint.configuration = find_text(archive, *arguments, "configuration");
  }
  return checkpoint;
}

Checkpoint read_checkpoint(const std::filesystem::path& path) { return read_checkpoint(FileSource(path)); }

}  // namespace twintrack

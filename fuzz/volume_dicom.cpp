// A DICOM file of arbitrary bytes: its structure, its attributes and functional groups, where its frames lie, and the
// pixels of the first one. Codecs are not fuzzed: they run in a process of their own.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/dicom_stack.hpp"

namespace {

using namespace twintrack;
using namespace twintrack::volume_io;

// A file in memory, for readers that want a path.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(::memfd_create("dicom", 0)) {
    if (descriptor_ < 0 || ::write(descriptor_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void require_within(const Slice& slice, std::size_t size) {
  for (const PixelFragment& part : slice.pixels.fragments) {
    if (part.offset > size || part.bytes > size - part.offset) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  try {
    std::vector<Slice> slices = slices_of(DicomInstance(read_dicom_header(file.path())));
    for (const Slice& slice : slices) require_within(slice, size);
    const Slice& first = slices.front();
    if (!first.pixels.compressed) {
      std::vector<float> pixels(static_cast<std::size_t>(first.pixels.rows * first.pixels.columns));
      read_pixels(first.file, first.pixels, pixels);
    }
    std::vector<std::string> warnings;
    const Stack stack = stack_of(
        std::move(slices), file.path(), [](const Slice&, const Slice&) { return true; }, warnings);
    if (!stack.places.empty() && stack.places.size() != stack.slices.size()) std::abort();
  } catch (const Error&) {
    return 0;
  }
  return 0;
}

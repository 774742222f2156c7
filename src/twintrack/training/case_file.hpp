// A preprocessed training case in a file that is used where it lies in memory.
//
// A file is 8 bytes of magic, version and length of the header (32 bits each), the header (JSON), image, labels, share
// of raters, foreground and annotated positions, each aligned to 64 bytes with zeros between, and 64 bits of checksum.
#pragma once

#include "twintrack/core/shape.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

// Axes are those of the preprocessed image (z, y, x after transpose_forward). The spans point into the file that the
// case was read from, and live as long as it is mapped.
struct CachedCase {
  std::string name;
  Shape3 shape{};
  std::int64_t channels = 1;
  std::span<const float> image;          // (channels, shape), normalised and resampled
  std::span<const std::int16_t> labels;  // (shape)
  std::span<const float> soft;           // empty, or (shape): share of raters who mark the voxel

  // nnU-Net's class_locations: indices of voxels, ascending, drawn uniformly without repetition among those of the
  // class (10 000, or 1 % of them if that is more, or all). One entry per foreground class in the order of the
  // network's channels: plain labels 1, 2, ...; regions 0, 1, ... Empty where the case has no such voxel.
  std::vector<std::span<const std::int64_t>> foreground;
  // The same among voxels that do not have the ignore label; empty when the dataset has none.
  std::span<const std::int64_t> annotated;
};

// What a file is made of. For people to read besides: `spacing_mm` of the voxels and `box` of the volume.
struct CaseContents {
  std::string name;
  std::string identity;
  Shape3 shape{};
  std::int64_t channels = 1;
  Spacing3 spacing_mm{};
  Box3 box;
  std::vector<float> image;
  std::vector<std::int16_t> labels;
  std::vector<float> soft;
  std::vector<std::string> classes;
  std::vector<std::vector<std::int64_t>> foreground;  // one per class
  std::vector<std::int64_t> annotated;
};

// A file's bytes, read-only in memory. Whoever shortens the file meanwhile ends the process (SIGBUS); our own files are
// replaced, never changed.
class MappedFile {
 public:
  // Throws InputError when the file cannot be read.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

struct OpenedCase {
  MappedFile file;
  CachedCase item;
};

// Writes the file, complete or not at all. Throws ResourceError.
void write_case_file(const std::filesystem::path& path, const CaseContents& contents);

// Maps the file and compares its checksum; nothing when there is no such file, or one of another identity or version.
// Throws InputError when it is damaged.
std::optional<OpenedCase> open_case_file(const std::filesystem::path& path, const std::string& identity);

}  // namespace twintrack

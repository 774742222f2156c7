// A file that is written piece by piece and appears complete or not at all. Internal to the library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "twintrack/core/files.hpp"

namespace twintrack::volume_io {

// All members throw ResourceError when the disk is full or the place cannot be written to.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Overwrites bytes that are there already.
  void overwrite(std::uint64_t position, std::string_view text);
  void commit();

 private:
  std::filesystem::path path_;
  AtomicFile file_;
  int descriptor_;
};

}  // namespace twintrack::volume_io

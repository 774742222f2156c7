// A DICOM file from its first byte to its last. Internal to this module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "twintrack/volume/byte_stream.hpp"

namespace twintrack::volume_io {

// What a deflated data set inflates to at most: 2 GiB, and 256 times its file and 64 MiB besides. More is no image.
constexpr std::uint64_t largest_inflated_bytes = std::uint64_t{1} << 31;
constexpr std::uint64_t inflated_times_file = 256;
constexpr std::uint64_t inflated_bytes_besides = std::uint64_t{1} << 26;

// Throws InputError, which names the place, for everything that is read beyond the end.
class DicomBytes {
 public:
  explicit DicomBytes(const std::filesystem::path& file);

  const std::filesystem::path& file() const { return file_name_; }
  // In the file; behind inflate_rest(), in what is inflated.
  std::uint64_t position() const { return position_; }
  bool at_end();
  // Bytes that may follow: those of the file, or those that may yet be inflated.
  std::uint64_t left() const { return end_ - position_; }

  std::uint32_t number(std::size_t bytes, bool big_endian);
  std::string text(std::uint64_t bytes);
  void pass(std::uint64_t bytes);
  // What follows is a deflated data set (PS3.5, A.5).
  void inflate_rest();

  [[noreturn]] void fail(std::string_view what) const;

 private:
  void require(std::uint64_t bytes) const;
  bool refill();

  std::filesystem::path file_name_;
  std::ifstream file_;
  std::unique_ptr<ByteStream> inflated_;
  std::uint64_t end_;
  std::uint64_t position_ = 0;
  std::vector<char> buffer_;
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace twintrack::volume_io

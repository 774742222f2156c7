// The bytes of a file from some position on, inflated where they are compressed. Internal to this module.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

namespace twintrack::volume_io {

// As they are stored; gzip (one member or several) or zlib; deflate without head and checksum (RFC 1951).
enum class Coding { none, gzip_or_zlib, deflate };

// Throws InputError when the file cannot be read, the stream breaks off or is damaged.
class ByteStream {
 public:
  ByteStream(const std::filesystem::path& file, std::uint64_t offset, Coding coding);
  ~ByteStream();
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;

  // Fills `bytes`, fewer only at the end; returns how many.
  std::size_t read(std::span<std::byte> bytes);

  // Passes `count` bytes, fewer only at the end.
  void skip(std::uint64_t count);

  // Reads on to the end, where the checksum of compressed data stands.
  void finish();

 private:
  std::size_t read_file(std::span<std::byte> bytes);
  std::size_t inflate_into(std::span<std::byte> bytes);
  void refill();
  void start_next_member();

  std::filesystem::path path_;
  std::ifstream file_;
  Coding coding_;
  std::vector<std::byte> input_;
  z_stream inflater_{};
  bool ended_ = false;
};

}  // namespace twintrack::volume_io

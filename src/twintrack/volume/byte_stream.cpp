#include "twintrack/volume/byte_stream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <system_error>

#include "twintrack/core/error.hpp"

namespace twintrack::volume_io {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 18;
constexpr int window_bits_gzip_or_zlib = 15 + 32;
constexpr int window_bits_deflate = -15;
constexpr Bytef gzip_magic[] = {0x1f, 0x8b};

}  // namespace

ByteStream::ByteStream(const std::filesystem::path& file, std::uint64_t offset, Coding coding)
    : path_(file), file_(file, std::ios::binary), coding_(coding) {
  if (!file_) throw InputError("{}: cannot be read: {}", path_.string(), std::generic_category().message(errno));
  file_.seekg(static_cast<std::streamoff>(offset));
  if (coding_ == Coding::none) return;
  input_.resize(buffer_bytes);
  const int window_bits = coding_ == Coding::deflate ? window_bits_deflate : window_bits_gzip_or_zlib;
  if (inflateInit2(&inflater_, window_bits) != Z_OK) throw std::bad_alloc();
}

ByteStream::~ByteStream() {
  if (coding_ != Coding::none) inflateEnd(&inflater_);
}

std::size_t ByteStream::read(std::span<std::byte> bytes) {
  return coding_ == Coding::none ? read_file(bytes) : inflate_into(bytes);
}

void ByteStream::skip(std::uint64_t count) {
  std::array<std::byte, 4096> passed;
  while (count > 0) {
    const std::size_t got = read(std::span(passed).first(std::min<std::uint64_t>(count, passed.size())));
    if (got == 0) return;
    count -= got;
  }
}

void ByteStream::finish() {
  if (coding_ == Coding::none) return;
  std::array<std::byte, 4096> rest;
  while (inflate_into(rest) > 0) {
  }
}

std::size_t ByteStream::read_file(std::span<std::byte> bytes) {
  file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (file_.bad()) throw InputError("{}: cannot be read: {}", path_.string(), std::generic_category().message(errno));
  return static_cast<std::size_t>(file_.gcount());
}

std::size_t ByteStream::inflate_into(std::span<std::byte> bytes) {
  inflater_.next_out = reinterpret_cast<Bytef*>(bytes.data());
  inflater_.avail_out = static_cast<uInt>(bytes.size());
  while (inflater_.avail_out > 0 && !ended_) {
    if (inflater_.avail_in == 0) refill();
    if (inflater_.avail_in == 0) throw InputError("{}: truncated, its compressed data break off", path_.string());
    const int status = inflate(&inflater_, Z_NO_FLUSH);
    if (status == Z_STREAM_END) {
      start_next_member();
    } else if (status != Z_OK) {
      throw InputError("{}: damaged, its compressed data are invalid ({})", path_.string(),
                       inflater_.msg != nullptr ? inflater_.msg : "needs a dictionary");
    }
  }
  return bytes.size() - inflater_.avail_out;
}

void ByteStream::refill() {
  inflater_.next_in = reinterpret_cast<Bytef*>(input_.data());
  inflater_.avail_in = static_cast<uInt>(read_file(input_));
}

// A gzip file may hold several members in a row (RFC 1952, 2.2); anything else behind a member is padding.
void ByteStream::start_next_member() {
  ended_ = coding_ == Coding::deflate;
  if (ended_) return;
  if (inflater_.avail_in < sizeof(gzip_magic)) {
    const std::size_t kept = inflater_.avail_in;
    std::memmove(input_.data(), inflater_.next_in, kept);
    inflater_.next_in = reinterpret_cast<Bytef*>(input_.data());
    inflater_.avail_in = static_cast<uInt>(kept + read_file(std::span(input_).subspan(kept)));
  }
  ended_ =
      inflater_.avail_in < sizeof(gzip_magic) || std::memcmp(inflater_.next_in, gzip_magic, sizeof(gzip_magic)) != 0;
  if (!ended_) inflateReset(&inflater_);
}

}  // namespace twintrack::volume_io

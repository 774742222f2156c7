#include "twintrack/report/png.hpp"

#include "twintrack/core/error.hpp"

#include <zlib.h>

#include <cstdlib>
#include <limits>
#include <new>
#include <stdexcept>
#include <string_view>

namespace twintrack {
namespace {

constexpr int kPaeth = 4;
constexpr std::int64_t kLargestSide = std::numeric_limits<std::int32_t>::max();

std::string big_endian(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string chunk(std::string_view type, std::string_view data) {
  std::string body(type);
  body += data;
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size());
  return big_endian(static_cast<std::uint32_t>(data.size())) + body + big_endian(static_cast<std::uint32_t>(sum));
}

// Paeth's predictor: the neighbour closest to left + above - above left.
std::uint8_t paeth(int left, int above, int above_left) {
  const int to_left = std::abs(above - above_left);
  const int to_above = std::abs(left - above_left);
  const int to_above_left = std::abs(left + above - 2 * above_left);
  if (to_left <= to_above && to_left <= to_above_left) return static_cast<std::uint8_t>(left);
  return static_cast<std::uint8_t>(to_above <= to_above_left ? above : above_left);
}

// Each row with the number of its filter before it.
std::string filtered(std::span<const std::uint8_t> samples, std::size_t row_bytes, std::size_t pixel_bytes) {
  std::string rows;
  rows.reserve(samples.size() + samples.size() / row_bytes);
  for (std::size_t begin = 0; begin < samples.size(); begin += row_bytes) {
    rows += static_cast<char>(kPaeth);
    const std::uint8_t* const row = samples.data() + begin;
    const std::uint8_t* const row_above = begin == 0 ? nullptr : row - row_bytes;
    for (std::size_t i = 0; i < row_bytes; ++i) {
      const bool has_left = i >= pixel_bytes;
      const int left = has_left ? row[i - pixel_bytes] : 0;
      const int above = row_above != nullptr ? row_above[i] : 0;
      const int above_left = has_left && row_above != nullptr ? row_above[i - pixel_bytes] : 0;
      rows += static_cast<char>(row[i] - paeth(left, above, above_left));
    }
  }
  return rows;
}

std::string deflated(std::string bytes, PngColour colour) {
  if (bytes.size() > std::numeric_limits<uInt>::max() / 2) throw InputError("a picture of {} bytes", bytes.size());
  z_stream stream{};
  const bool drawn = colour == PngColour::rgb;
  const int level = drawn ? Z_BEST_COMPRESSION : Z_BEST_SPEED;
  const int strategy = drawn ? Z_DEFAULT_STRATEGY : Z_RLE;
  if (deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL, strategy) != Z_OK) throw std::bad_alloc();
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int status = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::logic_error("zlib: deflateBound was too small");
  return packed;
}

}  // namespace

std::string encode_png(std::span<const std::uint8_t> samples, std::int64_t width, std::int64_t height,
                       PngColour colour) {
  const auto pixel_bytes = static_cast<std::int64_t>(colour);
  const bool sides = width >= 1 && height >= 1 && width <= kLargestSide && height <= kLargestSide;
  if (!sides || std::ssize(samples) / pixel_bytes / width != height ||
      std::ssize(samples) != width * height * pixel_bytes) {
    throw InputError("a picture of {} x {} pixels has {} samples", width, height, samples.size());
  }
  const char colour_type = colour == PngColour::grey ? '\0' : '\2';
  const std::string header = big_endian(static_cast<std::uint32_t>(width)) +
                             big_endian(static_cast<std::uint32_t>(height)) + '\x08' + colour_type +
                             std::string(3, '\0');
  const auto row_bytes = static_cast<std::size_t>(width * pixel_bytes);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) +
         chunk("IDAT", deflated(filtered(samples, row_bytes, static_cast<std::size_t>(pixel_bytes)), colour)) +
         chunk("IEND", "");
}

}  // namespace twintrack

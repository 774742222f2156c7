// PNG files read back by the book: chunks with their checksums, zlib, Paeth's predictor as the specification writes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <map>
#include <random>

#include "support/error_message.hpp"
#include "twintrack/report/image_strips.hpp"
#include "twintrack/report/png.hpp"

namespace twintrack::test {
namespace {

using testing::HasSubstr;

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes.at(at + i));
  return value;
}

std::map<std::string, std::string> chunks_of(const std::string& file) {
  EXPECT_EQ(file.substr(0, 8), "\x89PNG\r\n\x1a\n");
  std::map<std::string, std::string> chunks;
  std::size_t at = 8;
  while (at < file.size()) {
    const std::size_t length = number_at(file, at);
    const std::string body = file.substr(at + 4, length + 4);
    EXPECT_EQ(crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size())),
              number_at(file, at + 8 + length));
    chunks[body.substr(0, 4)] = body.substr(4);
    at += length + 12;
  }
  EXPECT_EQ(at, file.size());
  return chunks;
}

std::vector<std::uint8_t> samples_of(const std::string& packed, std::size_t row_bytes, std::size_t rows, int pixel) {
  std::vector<std::uint8_t> raw((row_bytes + 1) * rows);
  uLongf size = raw.size();
  EXPECT_EQ(uncompress(raw.data(), &size, reinterpret_cast<const Bytef*>(packed.data()), packed.size()), Z_OK);
  EXPECT_EQ(size, raw.size());
  std::vector<std::uint8_t> samples(row_bytes * rows);
  const auto sample = [&](std::int64_t y, std::int64_t x) -> int {
    return y < 0 || x < 0 ? 0 : samples[y * row_bytes + x];
  };
  for (std::size_t y = 0; y < rows; ++y) {
    EXPECT_EQ(raw[y * (row_bytes + 1)], 4);
    for (std::size_t x = 0; x < row_bytes; ++x) {
      const auto sy = static_cast<std::int64_t>(y);
      const auto sx = static_cast<std::int64_t>(x);
      const int a = sample(sy, sx - pixel);
      const int b = sample(sy - 1, sx);
      const int c = sample(sy - 1, sx - pixel);
      const int p = a + b - c;
      const int pa = std::abs(p - a);
      const int pb = std::abs(p - b);
      const int pc = std::abs(p - c);
      const int predicted = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      samples[y * row_bytes + x] = static_cast<std::uint8_t>(raw[y * (row_bytes + 1) + 1 + x] + predicted);
    }
  }
  return samples;
}

TEST(Png, HoldsTheSamples) {
  std::mt19937 random(7);
  for (const auto& [width, height, colour] :
       {std::tuple{1, 1, PngColour::grey}, std::tuple{7, 5, PngColour::grey}, std::tuple{1, 300, PngColour::grey},
        std::tuple{64, 33, PngColour::rgb}}) {
    const int pixel = static_cast<int>(colour);
    std::vector<std::uint8_t> samples(static_cast<std::size_t>(width) * height * pixel);
    for (std::uint8_t& value : samples) value = static_cast<std::uint8_t>(random());
    const auto chunks = chunks_of(encode_png(samples, width, height, colour));
    ASSERT_EQ(chunks.size(), 3u);
    const std::string& header = chunks.at("IHDR");
    ASSERT_EQ(header.size(), 13u);
    EXPECT_EQ(number_at(header, 0), static_cast<std::uint32_t>(width));
    EXPECT_EQ(number_at(header, 4), static_cast<std::uint32_t>(height));
    EXPECT_EQ(header.substr(8), (std::string{8, pixel == 1 ? '\0' : '\2', 0, 0, 0}));
    EXPECT_EQ(samples_of(chunks.at("IDAT"), static_cast<std::size_t>(width) * pixel, height, pixel), samples);
  }
}

TEST(Png, EmptyAreasTakeNoSpace) {
  const std::vector<std::uint8_t> samples(1000 * 1000, 0);
  EXPECT_LT(encode_png(samples, 1000, 1000, PngColour::grey).size(), 3000u);
}

TEST(Png, SizesThatDoNotFitAreRefused) {
  const std::vector<std::uint8_t> samples(12);
  EXPECT_THAT(error_message([&] { encode_png(samples, 5, 2, PngColour::grey); }),
              HasSubstr("5 x 2 pixels has 12 samples"));
  EXPECT_THAT(error_message([&] { encode_png(samples, 0, 0, PngColour::grey); }), HasSubstr("0 x 0"));
  EXPECT_THAT(error_message([&] { encode_png(samples, -3, -4, PngColour::grey); }), HasSubstr("-3 x -4"));
  EXPECT_THAT(error_message([&] { encode_png(samples, std::int64_t{1} << 40, 4, PngColour::grey); }),
              HasSubstr("samples"));
  EXPECT_NO_THROW(encode_png(samples, 2, 2, PngColour::rgb));
}

TEST(Base64, FollowsTheSpecification) {  // RFC 4648, section 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xFB\xEF\xFF"), "++//");
}

TEST(ImageStrips, AreWholeSlicesInOrder) {
  const std::array<std::int64_t, 3> size{1024, 700, 3};  // one slice a strip, since two have more than a mebibyte
  const std::vector<std::uint8_t> bytes(size[0] * size[1] * size[2], 3);
  const std::string html = strips_html("ct", bytes, size);
  std::size_t strips = 0;
  for (std::size_t at = html.find("<script type=\"image/png;base64\" data-layer=\"ct\">"); at != std::string::npos;
       at = html.find("<script", at + 1)) {
    ++strips;
  }
  EXPECT_EQ(strips, 3u);
}

}  // namespace
}  // namespace twintrack::test

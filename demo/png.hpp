// RGB pictures, and writing them as PNG.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "twintrack/core/files.hpp"
#include "twintrack/report/png.hpp"

namespace twintrack::demo {

using Colour = std::array<std::uint8_t, 3>;

struct Picture {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<Colour> pixels;  // row by row from the top

  Colour& at(std::int64_t x, std::int64_t y) { return pixels[y * width + x]; }
  const Colour& at(std::int64_t x, std::int64_t y) const { return pixels[y * width + x]; }
};

inline void write_png(const std::filesystem::path& path, const Picture& picture) {
  const std::span samples(picture.pixels.front().data(), picture.pixels.size() * sizeof(Colour));
  write_file(path, encode_png(samples, picture.width, picture.height, PngColour::rgb));
}

}  // namespace twintrack::demo

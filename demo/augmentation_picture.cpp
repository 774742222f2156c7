#include "augmentation_picture.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack::demo {
namespace {

constexpr std::int64_t kColumns = 4;
constexpr std::int64_t kRows = 3;
constexpr std::int64_t kPixelsPerVoxel = 3;
constexpr std::int64_t kGap = 8;
constexpr std::array<Colour, 4> kOutlines{{{80, 220, 255}, {255, 200, 60}, {255, 110, 160}, {140, 230, 110}}};

std::uint8_t grey(float value, const GreyWindow& window) {
  const float level = std::clamp((value - window.black) / (window.white - window.black), 0.0F, 1.0F);
  return static_cast<std::uint8_t>(std::lround(level * 255));
}

// Draws the slice with its upper left corner at (left, top). Along an edge between two labels the pixels of the higher
// one are coloured.
void draw_slice(const Patch& patch, const GreyWindow& window, std::int64_t left, std::int64_t top, Picture& picture) {
  const std::int64_t height = patch.shape[1];
  const std::int64_t width = patch.shape[2];
  const std::int64_t slice = patch.shape[0] / 2 * height * width;
  const auto label = [&](std::int64_t x, std::int64_t y) {
    const std::int64_t column = std::clamp<std::int64_t>(x, 0, width * kPixelsPerVoxel - 1) / kPixelsPerVoxel;
    const std::int64_t row = std::clamp<std::int64_t>(y, 0, height * kPixelsPerVoxel - 1) / kPixelsPerVoxel;
    return patch.labels[slice + row * width + column];
  };
  for (std::int64_t y = 0; y < height * kPixelsPerVoxel; ++y) {
    for (std::int64_t x = 0; x < width * kPixelsPerVoxel; ++x) {
      const std::uint8_t level = grey(patch.image[slice + y / kPixelsPerVoxel * width + x / kPixelsPerVoxel], window);
      const std::int16_t here = label(x, y);
      const bool edge = here > std::min({label(x - 1, y), label(x + 1, y), label(x, y - 1), label(x, y + 1)});
      picture.at(left + x, top + y) = edge ? kOutlines[(here - 1) % kOutlines.size()] : Colour{level, level, level};
    }
  }
}

}  // namespace

Picture augmentation_picture(const Patch& drawn, const Shape3& shape, const AugmentationSettings& settings,
                             std::uint64_t purpose, const GreyWindow& window) {
  const std::int64_t width = shape[2] * kPixelsPerVoxel;
  const std::int64_t height = shape[1] * kPixelsPerVoxel;
  Picture picture{kColumns * (width + kGap) - kGap, kRows * (height + kGap) - kGap, {}};
  picture.pixels.assign(picture.width * picture.height, Colour{255, 255, 255});
  for (std::int64_t i = 0; i < kColumns * kRows; ++i) {
    Random random(static_cast<std::uint64_t>(i), purpose);
    const Patch patch = augment(drawn, shape, i == 0 ? no_augmentation() : settings, random);
    draw_slice(patch, window, i % kColumns * (width + kGap), i / kColumns * (height + kGap), picture);
  }
  return picture;
}

}  // namespace twintrack::demo

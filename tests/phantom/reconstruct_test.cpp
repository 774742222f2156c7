// Noise has the strength and the texture that are asked for.
#include "twintrack/phantom/reconstruct.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "twintrack/phantom/render.hpp"

namespace twintrack::phantom {
namespace {

struct Texture {
  double mean, deviation, beside, next_slice, two_slices_off, broad;
};

Texture texture_of(const Geometry& grid, const Scanner& scanner) {
  const std::vector<std::int16_t> flat(static_cast<std::size_t>(grid.voxel_count()),
                                       static_cast<std::int16_t>(100 * kStepsPerHu));
  const auto image = reconstruct(flat, grid, scanner, 5);
  const std::int64_t w = grid.size[0], h = grid.size[1];
  double n = 0, sum = 0, squares = 0, beside = 0, next = 0, two = 0, broad = 0;
  for (std::int64_t z = 0; z + 2 < grid.size[2]; ++z) {
    for (std::int64_t y = 0; y + 16 < h; ++y) {
      for (std::int64_t x = 0; x + 16 < w; ++x) {
        const auto at = [&](std::int64_t dx, std::int64_t dy, std::int64_t dz) {
          return static_cast<double>(image[((z + dz) * h + y + dy) * w + x + dx]) - 100;
        };
        n += 1;
        sum += at(0, 0, 0);
        squares += at(0, 0, 0) * at(0, 0, 0);
        beside += at(0, 0, 0) * at(1, 0, 0);
        next += at(0, 0, 0) * at(0, 0, 1);
        two += at(0, 0, 0) * at(0, 0, 2);
        if (x % 16 == 0 && y % 16 == 0) {
          double mean = 0;
          for (int i = 0; i < 256; ++i) mean += at(i % 16, i / 16, 0) / 256;
          broad += mean * mean * 256;
        }
      }
    }
  }
  return {sum / n, std::sqrt(squares / n), beside / squares, next / squares, two / squares, broad / squares};
}

TEST(Reconstruct, NoiseIsBandPassAndCorrelatedBetweenNeighbours) {
  Geometry grid;
  grid.size = {96, 96, 12};
  grid.spacing_mm = {0.8, 0.8, 2};
  grid.origin_mm = {-38, -38, 0};
  const Texture t = texture_of(grid, {.noise_hu = 12, .kernel_mm = 0.7});
  EXPECT_NEAR(t.mean, 0, 0.1);
  EXPECT_NEAR(t.deviation, 11.5, 0.6);  // a little weaker away from the middle
  EXPECT_GT(t.beside, 0.4);
  EXPECT_GT(t.next_slice, 0.25);
  EXPECT_NEAR(t.two_slices_off, 0, 0.02);
  EXPECT_LT(t.broad,
            3);  // variance of means over 16 x 16 voxels: 256 voxels would have 1 if white, and more if blurred
}

TEST(Reconstruct, SlicesOverlapAndValuesStayWithinRange) {
  Geometry grid;
  grid.size = {16, 16, 3};
  std::vector<std::int16_t> step(16 * 16 * 3, static_cast<std::int16_t>(-1024 * kStepsPerHu));
  std::fill(step.begin() + 256, step.begin() + 512, static_cast<std::int16_t>(100 * kStepsPerHu));
  const auto image = reconstruct(step, grid, {.noise_hu = 0, .kernel_mm = 0.7, .slice_overlap = 0.1}, 1);
  EXPECT_EQ(image[0], std::lround(-1024 + 0.1 * 1124));
  EXPECT_EQ(image[256], std::lround(100 - 0.2 * 1124));
  const auto noisy = reconstruct(step, grid, {.noise_hu = 400, .kernel_mm = 0.7}, 1);
  for (const std::int16_t v : noisy) EXPECT_GE(v, -1024);
}

}  // namespace
}  // namespace twintrack::phantom

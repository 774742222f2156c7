// Which way up a scan is shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "twintrack/report/display_grid.hpp"

namespace twintrack::test {
namespace {

using testing::ElementsAre;

Geometry geometry_with(const std::array<double, 9>& direction) {
  Geometry geometry;
  geometry.size = {6, 5, 4};
  geometry.spacing_mm = {1, 1.5, 3};
  geometry.origin_mm = {10, 20, 30};
  geometry.direction = direction;
  return geometry;
}

const Box3 kWhole{{0, 0, 0}, {4, 5, 6}};

// Along every shown axis the position in the patient grows, by the spacing that is told.
void expect_upright(const Geometry& geometry, const Box3& box) {
  const DisplayGrid grid = display_grid(geometry, box);
  const auto lps = [&](std::int64_t voxel, int axis) {
    const std::array<std::int64_t, 3> at{voxel % geometry.size[0], voxel / geometry.size[0] % geometry.size[1],
                                         voxel / (geometry.size[0] * geometry.size[1])};
    double position = geometry.origin_mm[axis];
    for (int v = 0; v < 3; ++v)
      position += geometry.direction[3 * axis + v] * static_cast<double>(at[v]) * geometry.spacing_mm[v];
    return position;
  };
  const ByteVolume numbers =
      shown_bytes(grid, geometry, [](std::int64_t voxel) { return static_cast<std::uint8_t>(voxel); });
  ASSERT_EQ(std::ssize(numbers), grid.voxel_count());
  const std::array<std::int64_t, 3> strides{1, grid.size[0], grid.size[0] * grid.size[1]};
  for (int axis = 0; axis < 3; ++axis) {
    ASSERT_GT(grid.size[axis], 1);
    const double step = lps(numbers[strides[axis]], axis) - lps(numbers[0], axis);
    EXPECT_NEAR(step, grid.spacing_mm[axis], 1e-9) << axis;
  }
}

TEST(DisplayAxes, OfTheUsualScanAreItsOwn) {
  const DisplayAxes axes = display_axes(geometry_with({1, 0, 0, 0, 1, 0, 0, 0, 1}));
  EXPECT_THAT(axes.voxel_axis, ElementsAre(0, 1, 2));
  EXPECT_THAT(axes.reversed, ElementsAre(false, false, false));
  EXPECT_EQ(axes.obliqueness_degrees, 0);
}

TEST(DisplayAxes, AreReversedWhereIndicesGrowTheOtherWay) {
  const DisplayAxes axes = display_axes(geometry_with({-1, 0, 0, 0, -1, 0, 0, 0, 1}));  // RAS
  EXPECT_THAT(axes.reversed, ElementsAre(true, true, false));
}

TEST(DisplayAxes, ArePermutedForOtherPlanes) {
  const DisplayAxes axes = display_axes(geometry_with({0, 0, 1, 1, 0, 0, 0, -1, 0}));  // sagittal slices, head first
  EXPECT_THAT(axes.voxel_axis, ElementsAre(2, 0, 1));
  EXPECT_THAT(axes.reversed, ElementsAre(false, false, true));
}

TEST(DisplayAxes, OfAnObliqueScanAreTheNearestAndEachIsUsedOnce) {
  const double angle = 0.7;  // 40 degrees about the patient's long axis
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  const DisplayAxes axes = display_axes(geometry_with({c, -s, 0, s, c, 0, 0, 0, 1}));
  EXPECT_THAT(axes.voxel_axis, ElementsAre(0, 1, 2));
  EXPECT_NEAR(axes.obliqueness_degrees, angle * 180 / M_PI, 1e-9);
  // Columns whose largest components collide: two voxel axes lie nearest to L.
  const double r = std::sqrt(0.5);
  const DisplayAxes collide = display_axes(geometry_with({r, r, 0, -0.5, 0.5, r, 0.5, -0.5, r}));
  std::array<int, 3> sorted = collide.voxel_axis;
  std::ranges::sort(sorted);
  EXPECT_THAT(sorted, ElementsAre(0, 1, 2));
}

TEST(DisplayGrid, StandsUprightForEveryAxisOrder) {
  const Box3 box{{1, 0, 2}, {4, 5, 6}};
  std::array<int, 3> order{0, 1, 2};
  do {
    for (int signs = 0; signs < 8; ++signs) {
      std::array<double, 9> direction{};
      for (int row = 0; row < 3; ++row) direction[3 * row + order[row]] = (signs >> row & 1) != 0 ? -1 : 1;
      expect_upright(geometry_with(direction), kWhole);
      expect_upright(geometry_with(direction), box);
    }
  } while (std::ranges::next_permutation(order).found);
}

TEST(DisplayGrid, TellsTheScansVoxelOfTheFirst) {
  const Box3 box{{1, 0, 2}, {4, 5, 6}};
  EXPECT_THAT(display_grid(geometry_with({1, 0, 0, 0, 1, 0, 0, 0, 1}), box).first_voxel, ElementsAre(2, 0, 1));
  EXPECT_THAT(display_grid(geometry_with({-1, 0, 0, 0, -1, 0, 0, 0, 1}), box).first_voxel, ElementsAre(5, 4, 1));
}

TEST(WithMargin, GrowsByMillimetresWithinTheGrid) {
  const Geometry geometry = geometry_with({1, 0, 0, 0, 1, 0, 0, 0, 1});
  const Box3 box{{2, 2, 2}, {3, 3, 3}};
  EXPECT_EQ(with_margin(box, 3, geometry), (Box3{{1, 0, 0}, {4, 5, 6}}));
  EXPECT_EQ(with_margin(box, 1.4, geometry), (Box3{{1, 1, 0}, {4, 4, 5}}));
  EXPECT_EQ(with_margin(box, 0, geometry), box);
}

TEST(Thinned, JoinsVoxelsAlongTheTwoFinerAxes) {
  const Geometry geometry = geometry_with({1, 0, 0, 0, 1, 0, 0, 0, 1});
  const DisplayGrid fine = display_grid(geometry, kWhole);
  const DisplayGrid coarse = thinned(fine, 2);
  EXPECT_THAT(coarse.size, ElementsAre(3, 3, 4));
  EXPECT_THAT(coarse.block, ElementsAre(2, 2, 1));
  EXPECT_THAT(coarse.spacing_mm, ElementsAre(2, 3, 3));
  const ByteVolume numbers =
      shown_bytes(fine, geometry, [](std::int64_t voxel) { return static_cast<std::uint8_t>(voxel); });
  const auto sum = [](std::span<const std::uint8_t> block) {
    return static_cast<std::uint8_t>(std::accumulate(block.begin(), block.end(), 0));
  };
  const ByteVolume sums = thinned_bytes(numbers, fine, coarse, sum);
  ASSERT_EQ(sums.size(), 36u);
  EXPECT_EQ(sums[0], 0 + 1 + 6 + 7);
  EXPECT_EQ(sums[2], 4 + 5 + 10 + 11);
  EXPECT_EQ(sums[6], 24 + 25);            // the last row stands alone
  EXPECT_EQ(sums[9], 30 + 31 + 36 + 37);  // the next slice

  Geometry sagittal = geometry;
  sagittal.spacing_mm = {3, 1, 1};
  EXPECT_THAT(thinned(display_grid(sagittal, kWhole), 3).block, ElementsAre(1, 3, 3));
  sagittal.spacing_mm = {1, 1, 1};
  EXPECT_THAT(thinned(display_grid(sagittal, kWhole), 2).block, ElementsAre(2, 2, 1));
}

}  // namespace
}  // namespace twintrack::test

#include "twintrack/evaluation/surface_distance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "evaluation/rated_case.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack {
namespace {

using namespace test;

std::vector<Shape3> surface(const BitMask& mask) {
  const Shape3& shape = mask.shape();
  const auto set = [&](std::int64_t z, std::int64_t y, std::int64_t x) {
    if (std::min({z, y, x}) < 0 || z >= shape[0] || y >= shape[1] || x >= shape[2]) return false;
    return mask[(z * shape[1] + y) * shape[2] + x];
  };
  std::vector<Shape3> voxels;
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        const bool eroded = set(z - 1, y, x) && set(z + 1, y, x) && set(z, y - 1, x) && set(z, y + 1, x) &&
                            set(z, y, x - 1) && set(z, y, x + 1);
        if (set(z, y, x) && !eroded) voxels.push_back({z, y, x});
      }
    }
  }
  return voxels;
}

std::vector<double> sorted_distances(const BitMask& a, const BitMask& b, const Spacing3& spacing) {
  std::vector<double> distances;
  const auto add = [&](const std::vector<Shape3>& from, const std::vector<Shape3>& to) {
    for (const Shape3& p : from) {
      double best = 1e300;
      for (const Shape3& q : to) {
        double sum = 0;
        for (int i = 0; i < 3; ++i) sum += std::pow(static_cast<double>(p[i] - q[i]) * spacing[i], 2);
        best = std::min(best, sum);
      }
      distances.push_back(std::sqrt(best));
    }
  };
  add(surface(a), surface(b));
  add(surface(b), surface(a));
  std::sort(distances.begin(), distances.end());
  return distances;
}

void expect_brute_force(const BitMask& a, const BitMask& b, const Spacing3& spacing) {
  const std::vector<double> distances = sorted_distances(a, b, spacing);
  double sum = 0;
  for (const double d : distances) sum += d;
  const double position = 0.95 * static_cast<double>(distances.size() - 1);
  const auto rank = static_cast<std::size_t>(position);
  const double next = distances[std::min(rank + 1, distances.size() - 1)];
  const double hd95 = distances[rank] + (position - std::floor(position)) * (next - distances[rank]);
  const SurfaceDistance result = surface_distance(a, b, spacing);
  EXPECT_NEAR(result.hd95_mm, hd95, 1e-9);
  EXPECT_NEAR(result.average_mm, sum / static_cast<double>(distances.size()), 1e-9);
}

BitMask random_mask(const Shape3& shape, double share, unsigned seed) {
  std::mt19937 generator(seed);
  BitMask mask =
      mask_where(shape, [&](auto, auto, auto) { return static_cast<double>(generator()) / 4294967296.0 < share; });
  mask.set(voxel_count(shape) / 2);
  return mask;
}

TEST(SurfaceDistance, equals_brute_force) {
  unsigned seed = 0;
  for (const Shape3& shape : std::vector<Shape3>{{9, 11, 13}, {1, 20, 21}, {1, 1, 70}, {1, 1, 1}, {16, 16, 8}}) {
    for (const Spacing3& spacing : std::vector<Spacing3>{{1, 1, 1}, {3, 0.7, 0.8}}) {
      for (const double share : {0.01, 0.3, 0.9, 1.0}) {
        const BitMask a = random_mask(shape, share, ++seed);
        expect_brute_force(a, random_mask(shape, 0.2, ++seed), spacing);
        expect_brute_force(a, a, spacing);
      }
    }
  }
}

TEST(SurfaceDistance, equals_brute_force_on_outlines) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    const RatedCase rated = random_case({20, 24, 28}, 2, seed, {2, 0.8, 0.9});
    expect_brute_force(rated.raters.masks[0], rated.raters.masks[1], {2, 0.8, 0.9});
  }
}

TEST(SurfaceDistance, of_shifted_slabs_is_their_shift) {
  const Shape3 shape{4, 30, 5};
  const auto slab = [&](std::int64_t at) { return mask_where(shape, [at](auto, auto y, auto) { return y == at; }); };
  const SurfaceDistance result = surface_distance(slab(3), slab(20), {1, 0.5, 1});
  EXPECT_DOUBLE_EQ(result.hd95_mm, 8.5);
  EXPECT_DOUBLE_EQ(result.average_mm, 8.5);
}

TEST(SurfaceDistance, is_zero_for_equal_masks_that_fill_the_grid) {
  const BitMask full = mask_where({5, 6, 7}, [](auto...) { return true; });
  const SurfaceDistance result = surface_distance(full, full, {1, 1, 1});
  EXPECT_EQ(result.hd95_mm, 0);
  EXPECT_EQ(result.average_mm, 0);
}

// Ninety-five of a hundred distances are 0: the percentile lies between ranks 94 and 95 (of 0 to 99).
TEST(SurfaceDistance, percentile_is_linear_between_ranks) {
  const Shape3 shape{1, 1, 200};
  const BitMask a = mask_where(shape, [](auto, auto, auto x) { return x % 2 == 0 && x < 96; });
  const BitMask b =
      mask_where(shape, [](auto, auto, auto x) { return (x % 2 == 0 && x < 94) || (x >= 100 && x < 105); });
  expect_brute_force(a, b, {1, 1, 1});
  expect_brute_force(b, a, {1, 1, 1});
}

TEST(SurfaceDistance, of_empty_masks) {
  const BitMask empty({3, 4, 5});
  BitMask one({3, 4, 5});
  one.set(7);
  EXPECT_EQ(surface_distance(empty, empty, {1, 1, 1}).hd95_mm, 0);
  EXPECT_EQ(surface_distance(empty, empty, {1, 1, 1}).average_mm, 0);
  for (const auto& [a, b] : {std::pair(empty, one), std::pair(one, empty)}) {
    EXPECT_TRUE(std::isnan(surface_distance(a, b, {1, 1, 1}).hd95_mm));
    EXPECT_TRUE(std::isnan(surface_distance(a, b, {1, 1, 1}).average_mm));
  }
}

}  // namespace
}  // namespace twintrack

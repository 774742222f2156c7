#include "twintrack/augmentation/deep_supervision.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "augmentation/patches.hpp"
#include "twintrack/core/error.hpp"

namespace twintrack {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using testing::Pointwise;

TEST(DeepSupervision, takes_labels_as_nearest_exact) {
  const std::vector<std::int16_t> line{0, 1, 2, 3, 4, 5, 6};
  EXPECT_THAT(downsample_labels(line, {1, 1, 7}, {1, 1, 3}), ElementsAre(1, 3, 5));     // at 1.17, 3.5, 5.83
  EXPECT_THAT(downsample_labels(line, {1, 7, 1}, {1, 4, 1}), ElementsAre(0, 2, 4, 6));  // at 0.875, 2.625, ...
  EXPECT_THAT(downsample_labels(line, {7, 1, 1}, {7, 1, 1}), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  const std::vector<std::int16_t> even{0, 1, 2, 3, 4, 5, 6, 7};
  EXPECT_THAT(downsample_labels(even, {1, 1, 8}, {1, 1, 4}), ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(downsample_labels(even, {2, 2, 2}, {1, 1, 1}), ElementsAre(7));
  EXPECT_THAT(downsample_labels(even, {2, 2, 2}, {1, 2, 1}), ElementsAre(5, 7));
}

TEST(DeepSupervision, averages_soft_labels_over_blocks) {
  const Patch patch = noise_patch({4, 6, 8});
  const std::vector<float> half = downsample_soft(patch.soft, patch.shape, {2, 6, 2});
  for (std::int64_t i = 0; i < 24; ++i) {
    const Shape3 at{i / 12, i / 2 % 6, i % 2};
    double sum = 0;
    for (std::int64_t dz = 0; dz < 2; ++dz) {
      for (std::int64_t dx = 0; dx < 4; ++dx) {
        sum += patch.soft[((2 * at[0] + dz) * 6 + at[1]) * 8 + 4 * at[2] + dx];
      }
    }
    EXPECT_NEAR(half[i], sum / 8, 1e-6);
  }
}

TEST(DeepSupervision, counts_voxels_covered_in_part) {
  const std::vector<float> line{0, 1, 0.5F, 1, 0};
  EXPECT_THAT(downsample_soft(line, {1, 1, 5}, {1, 1, 2}), Pointwise(FloatNear(1e-6F), {0.5, 0.5}));
  EXPECT_THAT(downsample_soft(line, {1, 5, 1}, {1, 3, 1}),
              Pointwise(FloatNear(1e-6F), {(2.0 / 3) / (5.0 / 3), (1.0 / 3 + 0.5 + 1.0 / 3) / (5.0 / 3), 0.4}));
}

TEST(DeepSupervision, keeps_the_mean_and_the_range) {
  Patch patch = noise_patch({9, 10, 11});
  for (float& share : patch.soft) share = share > 0.3F ? 1.0F : 0.0F;
  const std::vector<float> coarse = downsample_soft(patch.soft, patch.shape, {4, 5, 3});
  const double before = std::accumulate(patch.soft.begin(), patch.soft.end(), 0.0) / 990;
  EXPECT_NEAR(std::accumulate(coarse.begin(), coarse.end(), 0.0) / 60, before, 1e-6);
  const std::vector<float> ones(990, 1);
  for (const float share : downsample_soft(ones, patch.shape, {4, 5, 3})) {
    EXPECT_NEAR(share, 1, 1e-6);
    EXPECT_LE(share, 1);
  }
}

TEST(DeepSupervision, refuses_shapes_that_cannot_be) {
  const std::vector<float> soft(8);
  const std::vector<std::int16_t> labels(8);
  EXPECT_THROW(downsample_soft(soft, {2, 2, 3}, {1, 1, 1}), InputError);
  EXPECT_THROW(downsample_soft(soft, {2, 2, 2}, {1, 0, 1}), InputError);
  EXPECT_THROW(downsample_labels(labels, {2, 2, 1}, {1, 1, 1}), InputError);
  EXPECT_THROW(downsample_labels(labels, {2, 2, 2}, {1, -1, 1}), InputError);
}

}  // namespace
}  // namespace twintrack

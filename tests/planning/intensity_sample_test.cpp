// Statistics of foreground intensities in which every case counts alike.
#include "twintrack/planning/intensity_sample.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

namespace twintrack {
namespace {

// Expectations from numpy 2.4 (float64): np.percentile, mean and std of the list [1, 2, 2, 4, 5, 7, 7, 7, 30, 31].
TEST(IntensitySample, StatisticsAreThoseOfNumpy) {
  std::vector<WeightedIntensity> values{{7, 3}, {1, 1}, {2, 2}, {30, 1}, {4, 1}, {31, 1}, {5, 1}};
  const IntensityStatistics found = statistics_of(values);
  EXPECT_NEAR(found.mean, 9.6, 1e-12);
  EXPECT_NEAR(found.std, 10.660206376989143, 1e-12);
  EXPECT_NEAR(found.median, 6.0, 1e-12);
  EXPECT_NEAR(found.percentile_00_5, 1.045, 1e-12);
  EXPECT_NEAR(found.percentile_99_5, 30.955, 1e-12);
  EXPECT_EQ(found.min, 1);
  EXPECT_EQ(found.max, 31);
}

TEST(IntensitySample, OneValue) {
  std::vector<WeightedIntensity> values{{-3, 0.5F}};
  const IntensityStatistics found = statistics_of(values);
  EXPECT_EQ(found, (IntensityStatistics{-3, -3, 0, -3, -3, -3, -3}));
}

TEST(IntensitySample, FewVoxelsAllCountAndWeighAsManyDo) {
  const auto found = sample_intensities({5, 1, 5, 2}, 100, 0);
  ASSERT_EQ(found.size(), 3);
  EXPECT_EQ(found[0].value, 1);
  EXPECT_EQ(found[0].weight, 25);
  EXPECT_EQ(found[2].value, 5);
  EXPECT_EQ(found[2].weight, 50);
  EXPECT_TRUE(sample_intensities({}, 100, 0).empty());
}

TEST(IntensitySample, OfManyVoxelsSomeAreDrawnTheSameEveryTime) {
  std::vector<float> many(10'000);
  std::iota(many.begin(), many.end(), 0.0F);
  const auto first = sample_intensities(many, 4000, 3);
  const auto again = sample_intensities(many, 4000, 3);
  const auto other = sample_intensities(many, 4000, 4);
  const auto values = [](const std::vector<WeightedIntensity>& sample) {
    std::vector<float> result;
    for (const auto& item : sample) result.push_back(item.value);
    return result;
  };
  EXPECT_EQ(values(first), values(again));
  EXPECT_NE(values(first), values(other));
  double total = 0;
  double mean = 0;
  for (const auto& item : first) {
    total += item.weight;
    mean += item.value * item.weight / 4000;
  }
  EXPECT_EQ(total, 4000);
  EXPECT_NEAR(mean, 4999.5, 5 * 2887 / std::sqrt(4000.0));
}

}  // namespace
}  // namespace twintrack

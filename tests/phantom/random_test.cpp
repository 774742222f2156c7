// Fixed values (the same everywhere), and the distributions that are promised.
#include "twintrack/phantom/random.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace twintrack::phantom {
namespace {

TEST(Random, DrawsTheSameNumbersEverywhere) {
  EXPECT_EQ(mix_bits(1), 0x5692161d100b05e5ULL);  // SplitMix64's finaliser
  Random random(7, 1), other(7, 2), same(7, 1);
  const double first = random.uniform(0, 1);
  EXPECT_EQ(first, same.uniform(0, 1));
  EXPECT_NE(first, other.uniform(0, 1));
}

TEST(GaussianField, IsStandardNormalAtEveryVoxelAndSmooth) {
  const Shape3 shape{5, 6, 23};
  std::vector<double> sum(23), squares(23);
  double step_squares = 0;
  constexpr int draws = 4000;
  for (int draw = 0; draw < draws; ++draw) {
    const GaussianField field(combine_bits(3, static_cast<std::uint64_t>(draw)), shape, {2.5, 3, 5});
    std::vector<float> row(23);
    field.row(3, 2, row.data());
    for (int x = 0; x < 23; ++x) {
      const double value = row[x];
      sum[x] += value;
      squares[x] += value * value;
      if (x > 0) step_squares += (value - row[x - 1]) * (value - row[x - 1]);
    }
  }
  for (int x = 0; x < 23; ++x) {  // five standard errors
    EXPECT_NEAR(sum[x] / draws, 0, 5 / std::sqrt(draws)) << x;
    EXPECT_NEAR(squares[x] / draws, 1, 5 * std::sqrt(2.0 / draws)) << x;
  }
  EXPECT_LT(step_squares / (22 * draws), 0.12);  // 2 for white noise
}

TEST(SmoothNoise, IsContinuousPeriodicAndBounded) {
  const SmoothNoise noise(5);
  float largest = 0;
  for (int i = 0; i < 4000; ++i) {
    const float x = static_cast<float>(i) * 0.011F - 20;
    const float here = noise(x, 2 * x, 0.3F * x);
    EXPECT_LE(std::abs(here), 1);
    EXPECT_NEAR(here, noise(x + 0.001F, 2 * x, 0.3F * x), 0.004F);
    EXPECT_NEAR(here, noise(x + 32, 2 * x - 32, 0.3F * x + 64), 2e-4F);
    largest = std::max(largest, std::abs(here));
  }
  EXPECT_GT(largest, 0.6F);
}

}  // namespace
}  // namespace twintrack::phantom

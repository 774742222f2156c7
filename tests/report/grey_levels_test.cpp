// One byte for CT values and probabilities.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "twintrack/evaluation/agreement_counts.hpp"
#include "twintrack/report/grey_levels.hpp"

namespace twintrack::test {
namespace {

TEST(HuLevels, AscendInTheStepsThatAreStated) {
  const auto& hu = hu_of_levels();
  EXPECT_EQ(hu.front(), -1000);
  EXPECT_EQ(hu.back(), 1540);
  for (std::size_t i = 1; i < hu.size(); ++i) {
    const float step = hu[i] - hu[i - 1];
    EXPECT_EQ(step, hu[i] <= -200 ? 25.0F : hu[i] <= 250 ? 2.5F : 30.0F) << hu[i];
  }
}

TEST(HuLevels, TheNearestIsTaken) {
  const auto& levels = hu_of_levels();
  for (float hu = -1100; hu < 1700; hu += 0.3F) {
    const auto nearest = std::ranges::min_element(levels, {}, [&](float level) { return std::abs(level - hu); });
    EXPECT_EQ(levels[level_of_hu(hu)], *nearest) << hu;
  }
  EXPECT_EQ(level_of_hu(-1e30F), 0);
  EXPECT_EQ(level_of_hu(1e30F), 255);
  for (int level = 0; level < 256; ++level) EXPECT_EQ(level_of_hu(levels[level]), level);
}

TEST(ProbabilityLevels, ReachTheAgreementLevelsExactlyWhereTheProbabilityDoes) {
  for (int k = 1; k <= 5; ++k) {
    const float edge = agreement_edge(k, 5);
    const int byte = k * kLevelsPerExpert;
    EXPECT_EQ(level_of_probability(edge), byte) << k;
    EXPECT_EQ(level_of_probability(std::nextafter(edge, 0.0F)), byte - 1) << k;
    EXPECT_EQ(level_of_probability(static_cast<float>(k) / 5), byte) << k;
  }
}

TEST(ProbabilityLevels, AreOtherwiseTheNearest255th) {
  EXPECT_EQ(level_of_probability(0), 0);
  EXPECT_EQ(level_of_probability(1), 255);
  for (int i = 0; i <= 255; ++i) EXPECT_EQ(level_of_probability(static_cast<float>(i) / 255), i);
  int before = 0;
  for (int i = 0; i <= 100'000; ++i) {
    const float p = static_cast<float>(i) / 100'000;
    const int level = level_of_probability(p);
    EXPECT_GE(level, before);
    EXPECT_LE(std::abs(static_cast<double>(level) / 255 - p), 1.0 / 255) << p;
    before = level;
  }
}

}  // namespace
}  // namespace twintrack::test

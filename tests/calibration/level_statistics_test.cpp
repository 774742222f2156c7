// Sums per probability level: they do not depend on order or pieces, and the grid takes over where levels are too many.
#include "twintrack/calibration/level_statistics.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace twintrack {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr float kStep = 1.0F / static_cast<float>(kGridSteps);

// Weights and targets are multiples of 1/8: sums of them are exact in any order.
std::vector<Level> random_levels(int size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Level> levels;
  for (int i = 0; i < size; ++i) {
    const double weight = static_cast<double>(1 + random() % 16) / 8;
    const double target = weight * static_cast<double>(random() % 5) / 4;
    levels.push_back({static_cast<float>(random() % 512) / 512, weight, std::floor(target * 8) / 8});
  }
  return levels;
}

std::vector<Level> sorted(std::vector<Level> levels) {
  std::ranges::sort(levels, {}, &Level::probability);
  return levels;
}

// `count` probabilities from 0 upwards, `step` apart.
std::vector<Level> staircase(std::size_t count, float step, double target = 0) {
  std::vector<Level> levels;
  for (std::size_t i = 0; i < count; ++i) levels.push_back({static_cast<float>(i) * step, 1, target});
  return levels;
}

void expect_equal(const LevelStatistics& a, const LevelStatistics& b) {
  EXPECT_EQ(a.on_grid(), b.on_grid());
  const auto found = a.levels();
  const auto expected = b.levels();
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].probability, expected[i].probability);
    ASSERT_EQ(found[i].weight, expected[i].weight);
    ASSERT_EQ(found[i].target_sum, expected[i].target_sum);
  }
}

TEST(LevelStatistics, SumsEqualProbabilities) {
  LevelStatistics statistics;
  statistics.add(std::vector<Level>{{0.25F, 1, 0.5}, {0.25F, 2, 0.25}, {0.5F, 1, 1}});
  statistics.add(std::vector<Level>{{0.125F, 4, 0}, {0.5F, 1, 0}});
  const auto levels = statistics.levels();
  ASSERT_EQ(levels.size(), 3u);
  EXPECT_EQ(levels[0].probability, 0.125F);
  EXPECT_EQ(levels[1].weight, 3);
  EXPECT_EQ(levels[1].target_sum, 0.75);
  EXPECT_EQ(levels[2].weight, 2);
  EXPECT_EQ(levels[2].target_sum, 1);
}

TEST(LevelStatistics, DoNotDependOnOrderOrPieces) {
  const auto all = random_levels(5000, 1);
  for (const bool grid : {false, true}) {
    LevelStatistics whole;
    if (grid) whole.move_to_grid();
    whole.add(sorted(all));
    std::mt19937 random(2);
    for (int round = 0; round < 5; ++round) {
      auto shuffled = all;
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      LevelStatistics merged;
      for (std::size_t begin = 0; begin < all.size(); begin += 700) {
        const std::size_t end = std::min(begin + 700, all.size());
        LevelStatistics piece;
        if (grid && round % 2 == 0) piece.move_to_grid();
        piece.add(sorted({shuffled.begin() + static_cast<long>(begin), shuffled.begin() + static_cast<long>(end)}));
        merged.add(piece);
      }
      if (grid && !merged.on_grid()) merged.move_to_grid();
      expect_equal(merged, whole);
    }
  }
}

TEST(LevelStatistics, ExactUpToTheirNumberAndOnTheGridBeyond) {
  LevelStatistics statistics;
  statistics.add(staircase(kExactLevels, 0x1p-20F));
  EXPECT_FALSE(statistics.on_grid());
  EXPECT_EQ(statistics.levels().size(), kExactLevels);
  statistics.add(std::vector<Level>{{0x1p-20F, 1, 1}});  // a known one
  EXPECT_FALSE(statistics.on_grid());
  statistics.add(std::vector<Level>{{1.0F, 1, 1}});
  EXPECT_TRUE(statistics.on_grid());
  const auto levels = statistics.levels();
  ASSERT_EQ(levels.size(), kExactLevels + 1);  // multiples of 2^-20 are steps of the grid
  EXPECT_EQ(levels[1].weight, 2);
  EXPECT_EQ(levels.back().probability, 1.0F);
}

TEST(LevelStatistics, OnTheGridProbabilitiesAreRoundedDownToAStep) {
  LevelStatistics statistics;
  statistics.move_to_grid();
  const float above_half = std::nextafter(0.5F, 1.0F);
  statistics.add(std::vector<Level>{{0, 1, 0}, {0.5F, 1, 0}, {above_half, 1, 1}, {1 - 0x1p-24F, 1, 1}, {1, 1, 1}});
  const auto levels = statistics.levels();
  ASSERT_EQ(levels.size(), 4u);
  EXPECT_EQ(levels[1].probability, 0.5F);
  EXPECT_EQ(levels[1].weight, 2);
  EXPECT_EQ(levels[1].target_sum, 1);
  EXPECT_EQ(levels[2].probability, 1 - kStep);
  EXPECT_EQ(levels[3].probability, 1.0F);
}

TEST(LevelStatistics, TheUnionOfFewCanBeTooMany) {
  LevelStatistics a;
  LevelStatistics b;
  a.add(staircase(200'000, 0x1p-20F));
  b.add(sorted(staircase(200'000, 0x1p-21F, 1)));
  LevelStatistics both = a;
  both.add(b);
  EXPECT_FALSE(a.on_grid() || b.on_grid());
  EXPECT_TRUE(both.on_grid());
  double weight = 0;
  double target = 0;
  for (const Level& level : both.levels()) {
    weight += level.weight;
    target += level.target_sum;
  }
  EXPECT_EQ(weight, 400'000);
  EXPECT_EQ(target, 200'000);
}

TEST(LevelStatistics, ExactIntoGridEqualsGridIntoExact) {
  LevelStatistics exact;
  exact.add(sorted(random_levels(3000, 3)));
  LevelStatistics grid;
  grid.move_to_grid();
  grid.add(sorted(random_levels(3000, 4)));
  LevelStatistics a = exact;
  a.add(grid);
  LevelStatistics b = grid;
  b.add(exact);
  expect_equal(a, b);
  const Knots found = a.fit();
  const Knots expected = b.fit();
  EXPECT_EQ(found.x, expected.x);
  EXPECT_EQ(found.y, expected.y);
}

TEST(LevelStatistics, RangeIsThatOfTheProbabilities) {
  LevelStatistics statistics;
  statistics.add(std::vector<Level>{{0.3F, 1, 0}, {0.7F, 1, 1}});
  EXPECT_THAT(statistics.range(), Pair(0.3F, 0.7F));
  statistics.move_to_grid();  // a step stands for all up to the next
  EXPECT_THAT(statistics.range(), Pair(testing::AllOf(testing::Le(0.3F), testing::Gt(0.3F - kStep)),
                                       testing::AllOf(testing::Ge(0.7F), testing::Le(0.7F + kStep))));
  statistics.add(std::vector<Level>{{0, 1, 0}, {1, 1, 1}});
  EXPECT_THAT(statistics.range(), Pair(0.0F, 1.0F));
}

// What scikit-learn does with float32: 1e-6 is numpy.finfo(float32).resolution.
TEST(LevelStatisticsFit, LevelsNearerThanFloat32sResolutionAreOneObservation) {
  LevelStatistics statistics;
  statistics.add(std::vector<Level>{{0.1F, 1, 0.6}, {0.1F + 8e-7F, 1, 0.0}, {0.1F + 2.5e-6F, 1, 0.4}, {0.5F, 1, 1.0}});
  const Knots knots = statistics.fit();
  EXPECT_THAT(knots.x, ElementsAre(0.1F, 0.1F + 2.5e-6F, 0.5F));
  EXPECT_THAT(knots.y, ElementsAre(0.3F, 0.4F, 1.0F));
}

// A noisy ascending cohort of 200 000 different probabilities. The grid moves the curve by less than a step along x:
// along y it differs at the curve's jumps, which are as narrow, and hardly elsewhere.
TEST(LevelStatisticsFit, OnTheGridIsNearTheExactOne) {
  std::mt19937 random(5);
  std::vector<Level> levels;
  for (int i = 0; i < 200'000; ++i) {
    const float p = static_cast<float>(random() >> 8) * 0x1p-24F;
    const double q = p * p * (3 - 2 * p);
    int marks = 0;
    for (int k = 0; k < 5; ++k) marks += static_cast<double>(random()) / 4294967296.0 < q ? 1 : 0;
    levels.push_back({p, 1, marks / 5.0});
  }
  LevelStatistics statistics;
  statistics.add(sorted(levels));
  ASSERT_FALSE(statistics.on_grid());
  const Knots exact = fit_isotonic(statistics.levels());  // however near they are
  statistics.move_to_grid();
  const Knots grid = statistics.fit();
  double sum = 0;
  int far = 0;
  for (int i = 0; i <= 100'000; ++i) {
    const double difference = std::abs(curve_at(grid, i / 100'000.0) - curve_at(exact, i / 100'000.0));
    sum += difference;
    far += difference > 1e-4 ? 1 : 0;
  }
  EXPECT_LT(sum / 100'001, 2e-6);
  EXPECT_LT(far, 300);  // of 100 001 points
  EXPECT_GT(sum, 0);
}

}  // namespace
}  // namespace twintrack

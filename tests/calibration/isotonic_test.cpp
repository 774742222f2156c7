// Isotonic regression by its properties, and against every solution there could be on small data.
#include "twintrack/calibration/isotonic.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace twintrack {
namespace {

using testing::ElementsAre;

constexpr double kFloat32 = 1e-7;  // knots are float32

struct Observation {
  float probability = 0;
  double weight = 0;
  double target = 0;  // mean
};

std::vector<Level> levels_of(const std::vector<Observation>& data) {
  std::vector<Level> levels;
  for (const auto& [probability, weight, target] : data) levels.push_back({probability, weight, weight * target});
  return levels;
}

std::vector<double> values_at(const Knots& knots, const std::vector<Observation>& data) {
  std::vector<double> values;
  for (const Observation& o : data) values.push_back(curve_at(knots, o.probability));
  return values;
}

// Targets in steps of 0.2, as five raters give them, so that equal means occur; some weights are 0.
std::vector<Observation> random_data(int size, std::mt19937& random) {
  std::vector<Observation> data;
  for (int i = 0; i < size; ++i) {
    const double weight = random() % 8 == 0 ? 0.0 : 1.0 + static_cast<double>(random() % 4) * 0.75;
    data.push_back(
        {static_cast<float>(i + 1) / static_cast<float>(size + 1), weight, static_cast<double>(random() % 6) / 5});
  }
  return data;
}

// The quadratic program min sum w (f - t)^2, f ascending, by trying all ways to cut the data into blocks that share
// one value: the optimum is one of them, with each block at its mean.
std::vector<double> best_of_all_partitions(const std::vector<Observation>& data) {
  const int size = static_cast<int>(data.size());
  std::vector<double> best;
  double least = std::numeric_limits<double>::infinity();
  for (unsigned cuts = 0; cuts < 1U << (size - 1); ++cuts) {  // bit i: a cut after observation i
    std::vector<double> values(data.size());
    double error = 0;
    double last = -1;
    bool ascends = true;
    for (int begin = 0; begin < size && ascends;) {
      int end = begin + 1;
      while (end < size && (cuts >> (end - 1) & 1) == 0) ++end;
      double weight = 0;
      double sum = 0;
      for (int i = begin; i < end; ++i) {
        weight += data[i].weight;
        sum += data[i].weight * data[i].target;
      }
      const double mean = weight > 0 ? sum / weight : last;
      ascends = mean >= last - 1e-12;
      for (int i = begin; i < end; ++i) {
        values[i] = mean;
        error += data[i].weight * std::pow(mean - data[i].target, 2);
      }
      last = mean;
      begin = end;
    }
    if (ascends && error < least - 1e-12) {
      least = error;
      best = values;
    }
  }
  return best;
}

void expect_ascending(const Knots& knots) {
  ASSERT_EQ(knots.x.size(), knots.y.size());
  ASSERT_FALSE(knots.x.empty());
  for (std::size_t i = 1; i < knots.x.size(); ++i) {
    EXPECT_LT(knots.x[i - 1], knots.x[i]);
    EXPECT_LE(knots.y[i - 1], knots.y[i]);
  }
}

TEST(Isotonic, IsTheBestOfAllAscendingFunctions) {
  std::mt19937 random(1);
  int pooled = 0;
  for (int round = 0; round < 400; ++round) {
    const auto data = random_data(1 + round % 10, random);
    if (std::ranges::all_of(data, [](const Observation& o) { return o.weight == 0; })) continue;
    const Knots knots = fit_isotonic(levels_of(data));
    const auto expected = best_of_all_partitions(data);
    const auto found = values_at(knots, data);
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (data[i].weight > 0) {
        EXPECT_NEAR(found[i], expected[i], kFloat32) << "round " << round << ", level " << i;
      }
    }
    pooled += knots.x.size() < data.size() ? 1 : 0;
  }
  EXPECT_GT(pooled, 100);
}

TEST(Isotonic, AscendsWithinTheRangeOfTheTargets) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    const auto data = random_data(200, random);
    const Knots knots = fit_isotonic(levels_of(data));
    expect_ascending(knots);
    const auto [low, high] = std::ranges::minmax(data, {}, &Observation::target);
    EXPECT_GE(knots.y.front(), low.target - kFloat32);
    EXPECT_LE(knots.y.back(), high.target + kFloat32);
  }
}

TEST(Isotonic, FittedToItsOwnValuesGivesThemBack) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    auto data = random_data(150, random);
    const auto once = values_at(fit_isotonic(levels_of(data)), data);
    for (std::size_t i = 0; i < data.size(); ++i) data[i].target = once[i];
    const auto twice = values_at(fit_isotonic(levels_of(data)), data);
    for (std::size_t i = 0; i < data.size(); ++i) {
      if (data[i].weight > 0) {
        EXPECT_NEAR(twice[i], once[i], kFloat32) << i;
      }
    }
  }
}

TEST(Isotonic, KeepsTheWeightedMean) {
  std::mt19937 random(4);
  for (int round = 0; round < 50; ++round) {
    const auto data = random_data(300, random);
    const auto fitted = values_at(fit_isotonic(levels_of(data)), data);
    double weight = 0;
    double of_targets = 0;
    double of_fit = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      weight += data[i].weight;
      of_targets += data[i].weight * data[i].target;
      of_fit += data[i].weight * fitted[i];
    }
    EXPECT_NEAR(of_fit / weight, of_targets / weight, kFloat32);
  }
}

TEST(Isotonic, AscendingMeansAreKept) {
  const Knots knots = fit_isotonic(levels_of({{0.1F, 2, 0.0}, {0.4F, 1, 0.25}, {0.9F, 3, 0.75}}));
  EXPECT_THAT(knots.x, ElementsAre(0.1F, 0.4F, 0.9F));
  EXPECT_THAT(knots.y, ElementsAre(0.0F, 0.25F, 0.75F));
}

TEST(Isotonic, DescendingMeansBecomeOnePool) {
  const Knots knots = fit_isotonic(levels_of({{0.25F, 1, 1.0}, {0.5F, 2, 0.5}, {0.75F, 1, 0.0}}));
  EXPECT_THAT(knots.x, ElementsAre(0.25F, 0.75F));
  EXPECT_THAT(knots.y, ElementsAre(0.5F, 0.5F));
}

TEST(Isotonic, EqualMeansAreOnePool) {
  const Knots knots = fit_isotonic(levels_of({{0.25F, 1, 0.5}, {0.5F, 7, 0.5}, {0.75F, 1, 0.5}}));
  EXPECT_THAT(knots.x, ElementsAre(0.25F, 0.75F));
  EXPECT_THAT(knots.y, ElementsAre(0.5F, 0.5F));
}

TEST(Isotonic, WithoutWeightThereIsOneKnotAtZero) {
  for (const auto& data : {std::vector<Observation>{}, std::vector<Observation>{{0.5F, 0, 1}}}) {
    const Knots knots = fit_isotonic(levels_of(data));
    EXPECT_THAT(knots.x, ElementsAre(0.0F));
    EXPECT_THAT(knots.y, ElementsAre(0.0F));
  }
}

TEST(Isotonic, RoundingDoesNotLeaveTheUnitInterval) {
  const Knots knots = fit_isotonic(std::vector<Level>{{0.25F, 3, 3 * (1 + 1e-12)}, {0.5F, 1e-300, 2e-300}});
  EXPECT_THAT(knots.y, testing::Each(1.0F));
}

TEST(Curve, IsLinearBetweenKnotsAndConstantOutside) {
  const Knots knots{{0.25F, 0.5F, 0.75F}, {0.125F, 0.25F, 0.75F}};
  EXPECT_EQ(curve_at(knots, 0), 0.125);
  EXPECT_EQ(curve_at(knots, 0.25), 0.125);
  EXPECT_EQ(curve_at(knots, 0.375), 0.1875);
  EXPECT_EQ(curve_at(knots, 0.625), 0.5);
  EXPECT_EQ(curve_at(knots, 0.75), 0.75);
  EXPECT_EQ(curve_at(knots, 1), 0.75);
}

}  // namespace
}  // namespace twintrack

// Weighted isotonic fits, against scikit-learn's.
#include "support/golden.hpp"
#include "support/npy.hpp"
#include "twintrack/calibration/level_statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace twintrack {
namespace {

constexpr double kRequired = 1e-4;

struct GoldenFit {
  std::vector<Level> observations;  // in file order
  std::vector<float> query;
  std::vector<float> expected;
};

GoldenFit read_fit(const std::string& name) {
  const auto values = [&](const char* part) {
    return test::read_npy(test::golden_folder() / "isotonic" / (name + "_" + part + ".npy")).values;
  };
  const auto x = values("x");
  const auto y = values("y");
  const auto w = values("w");
  GoldenFit fit{{}, values("query"), values("expected")};
  for (std::size_t i = 0; i < x.size(); ++i) fit.observations.push_back({x[i], w[i], static_cast<double>(w[i]) * y[i]});
  return fit;
}

LevelStatistics statistics_of(std::vector<Level> observations) {
  std::ranges::stable_sort(observations, {}, &Level::probability);
  LevelStatistics statistics;
  statistics.add(observations);
  return statistics;
}

double largest_difference(const Knots& knots, const GoldenFit& golden) {
  double largest = 0;
  for (std::size_t i = 0; i < golden.query.size(); ++i)
    largest = std::max(largest, std::abs(curve_at(knots, golden.query[i]) - golden.expected[i]));
  return largest;
}

struct Set {
  const char* name;
  double reached;  // scikit-learn sums in float32 where probabilities are float32: what is left is its rounding
  double on_grid;  // it also takes probabilities within 1e-6 as one: where many are, steps of 2^-22 are finer
};

class IsotonicConformance : public testing::TestWithParam<Set> {};
INSTANTIATE_TEST_SUITE_P(Sets, IsotonicConformance,
                         testing::Values(Set{"tiny", 2e-7, kRequired}, Set{"smooth", 2e-7, kRequired},
                                         Set{"ties", 5e-7, kRequired}, Set{"skewed", 8e-7, 2e-3},
                                         Set{"reversed", 8e-6, kRequired}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(IsotonicConformance, ShuffledAndInPiecesEqualsScikitLearn) {
  TWINTRACK_REQUIRE_GOLDEN();
  GoldenFit golden = read_fit(GetParam().name);
  std::mt19937 random(1);
  for (const std::size_t pieces : {1, 2, 7}) {
    std::ranges::shuffle(golden.observations, random);
    LevelStatistics merged;
    const std::size_t size = golden.observations.size() / pieces + 1;
    for (std::size_t begin = 0; begin < golden.observations.size(); begin += size) {
      const std::size_t end = std::min(begin + size, golden.observations.size());
      merged.add(statistics_of({golden.observations.begin() + static_cast<long>(begin),
                                golden.observations.begin() + static_cast<long>(end)}));
    }
    const double difference = largest_difference(merged.fit(), golden);
    EXPECT_LT(difference, kRequired);
    EXPECT_LT(difference, GetParam().reached);
  }
}

// Not what such few probabilities are fitted with: LevelStatistics takes the grid beyond kExactLevels of them.
TEST_P(IsotonicConformance, OnTheGridToo) {
  TWINTRACK_REQUIRE_GOLDEN();
  const GoldenFit golden = read_fit(GetParam().name);
  LevelStatistics statistics = statistics_of(golden.observations);
  statistics.move_to_grid();
  EXPECT_LT(largest_difference(statistics.fit(), golden), GetParam().on_grid);
}

}  // namespace
}  // namespace twintrack

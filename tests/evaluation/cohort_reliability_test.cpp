// Reliability of a cohort: pooled bins and their bootstrap band.
#include "twintrack/evaluation/cohort_reliability.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

#include "twintrack/core/error.hpp"
#include "twintrack/evaluation/bootstrap.hpp"

namespace twintrack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
using Table = std::vector<ReliabilityBin>;

ReliabilityBin bin(int number, std::int64_t voxels, double probability, double response) {
  return {number / 4.0, (number + 1) / 4.0, voxels, voxels > 0 ? probability : kNaN, voxels > 0 ? response : kNaN};
}

TEST(CohortReliability, PoolsVoxelsNotCases) {
  const std::vector<Table> cases{{bin(0, 100, 0.1, 0.2), bin(1, 0, 0, 0), bin(2, 10, 0.6, 1.0)},
                                 {bin(0, 300, 0.2, 0.1), bin(1, 0, 0, 0), bin(2, 0, 0, 0)}};
  const CohortReliability pooled = cohort_reliability(cases, 200, 0);
  ASSERT_EQ(pooled.bins.size(), 3u);
  EXPECT_EQ(pooled.bins[0].bin.voxels, 400);
  EXPECT_EQ(pooled.bins[0].cases, 2);
  EXPECT_NEAR(pooled.bins[0].bin.mean_probability, (100 * 0.1 + 300 * 0.2) / 400, 1e-15);
  EXPECT_NEAR(pooled.bins[0].bin.mean_response, (100 * 0.2 + 300 * 0.1) / 400, 1e-15);
  EXPECT_EQ(pooled.bins[0].bin.low, 0);
  EXPECT_EQ(pooled.bins[0].bin.high, 0.25);

  EXPECT_EQ(pooled.bins[1].bin.voxels, 0);
  EXPECT_EQ(pooled.bins[1].cases, 0);
  EXPECT_TRUE(std::isnan(pooled.bins[1].bin.mean_response));
  EXPECT_TRUE(std::isnan(pooled.bins[1].response_low));

  EXPECT_EQ(pooled.bins[2].cases, 1);  // one case says nothing about others
  EXPECT_TRUE(std::isnan(pooled.bins[2].response_low) && std::isnan(pooled.bins[2].response_high));
  EXPECT_NEAR(pooled.response_error, (400 * std::abs(0.175 - 0.125) + 10 * 0.4) / 410, 1e-15);
}

// Cases with the same number of voxels weigh the same: the band is then the interval of bootstrap_mean, drawn alike.
TEST(CohortReliability, DrawsTheCohortsThatBootstrapMeanDraws) {
  std::mt19937_64 generator(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<Table> cases;
  std::vector<double> responses;
  for (int i = 0; i < 12; ++i) {
    responses.push_back(uniform(generator));
    cases.push_back({bin(0, 50, 0.1, responses.back())});
  }
  for (const std::uint64_t seed : {0, 7}) {
    const Estimate expected = bootstrap_mean(responses, 500, seed);
    const PooledBin pooled = cohort_reliability(cases, 500, seed).bins[0];
    EXPECT_NEAR(pooled.response_low, expected.ci_low, 1e-12);
    EXPECT_NEAR(pooled.response_high, expected.ci_high, 1e-12);
  }
}

TEST(CohortReliability, TheBandHoldsTheCurveAndFollowsFromTheSeed) {
  std::mt19937_64 generator(4);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<Table> cases;
  for (int i = 0; i < 20; ++i) {
    Table table;
    for (int b = 0; b < 4; ++b) {
      const auto voxels = static_cast<std::int64_t>(1000 * uniform(generator) * (b == 3 && i % 2 == 0 ? 0 : 1));
      table.push_back(bin(b, voxels, (b + 0.5) / 4, std::min(1.0, (b + 0.5 * uniform(generator)) / 4)));
    }
    cases.push_back(table);
  }
  const CohortReliability first = cohort_reliability(cases, 1000, 5);
  const CohortReliability again = cohort_reliability(cases, 1000, 5);
  const CohortReliability other = cohort_reliability(cases, 1000, 6);
  for (std::size_t b = 0; b < 4; ++b) {
    EXPECT_LT(first.bins[b].response_low, first.bins[b].bin.mean_response);
    EXPECT_GT(first.bins[b].response_high, first.bins[b].bin.mean_response);
    EXPECT_EQ(first.bins[b].response_low, again.bins[b].response_low);
    EXPECT_EQ(first.bins[b].response_high, again.bins[b].response_high);
    EXPECT_NE(first.bins[b].response_low, other.bins[b].response_low);
    EXPECT_NEAR(first.bins[b].response_low, other.bins[b].response_low, 0.02);
  }
}

// Drawn from a known response, the nominal 95 % covers it about as often as bootstrap intervals of 40 cases do.
TEST(CohortReliability, TheBandCoversTheTruth) {
  std::mt19937_64 generator(8);
  std::uniform_real_distribution<double> uniform(0, 1);
  constexpr int kCohorts = 300;
  int covered = 0;
  for (int cohort = 0; cohort < kCohorts; ++cohort) {
    std::vector<Table> cases;
    for (int i = 0; i < 40; ++i) cases.push_back({bin(0, 100, 0.3, 0.2 + 0.2 * uniform(generator))});
    const PooledBin pooled = cohort_reliability(cases, 300, cohort).bins[0];
    covered += pooled.response_low <= 0.3 && pooled.response_high >= 0.3 ? 1 : 0;
  }
  EXPECT_GT(covered, kCohorts * 0.90);
  EXPECT_LT(covered, kCohorts * 0.985);
}

TEST(CohortReliability, NoCasesGiveNoBins) {
  const CohortReliability none = cohort_reliability({}, 10, 0);
  EXPECT_TRUE(none.bins.empty());
  EXPECT_TRUE(std::isnan(none.response_error));
  EXPECT_THROW(cohort_reliability({}, 0, 0), UsageError);
}

}  // namespace
}  // namespace twintrack

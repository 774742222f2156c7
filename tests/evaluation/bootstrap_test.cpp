#include "twintrack/evaluation/bootstrap.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>
#include <vector>

namespace twintrack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> kScores{0.61, 0.42, 0.55, 0.9, 0.13, 0.77, 0.08, 0.66, 0.31, 0.5};

// Normal numbers by Box and Muller: the standard library's differ between implementations.
std::vector<double> normal_numbers(int count, double mean, double deviation, std::mt19937_64& generator) {
  const auto uniform = [&] { return (static_cast<double>(generator() >> 11) + 0.5) * 0x1p-53; };
  std::vector<double> numbers(count);
  for (double& number : numbers) {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    number = mean + deviation * radius * std::cos(2 * std::numbers::pi * uniform());
  }
  return numbers;
}

double plain_mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void expect_equal(const Estimate& a, const Estimate& b) {
  EXPECT_NEAR(a.mean, b.mean, 1e-12);
  EXPECT_NEAR(a.ci_low, b.ci_low, 1e-12);
  EXPECT_NEAR(a.ci_high, b.ci_high, 1e-12);
  EXPECT_EQ(a.n, b.n);
}

// The 64-bit Mersenne twister, written down in Python from its definition, seed 7; numbers modulo 7 choose the cases;
// numpy.nanmean of 200 replicates, numpy.mean and numpy.percentile of those.
TEST(BootstrapMean, is_what_numpy_makes_of_the_same_draws) {
  const Estimate estimate = bootstrap_mean(std::vector{0.61, 0.42, kNaN, 0.9, 0.13, 0.77, 0.55}, 200, 7);
  EXPECT_NEAR(estimate.mean, 0.5642744047619047, 1e-14);
  EXPECT_NEAR(estimate.ci_low, 0.354875, 1e-14);
  EXPECT_NEAR(estimate.ci_high, 0.74, 1e-14);
  EXPECT_EQ(estimate.n, 6);
}

// The replicate mean of n cases has the mean and 1 / n of the population variance; many replicates come close to both.
TEST(BootstrapMean, has_the_mean_and_the_spread_of_the_closed_form) {
  std::mt19937_64 generator(11);
  const std::vector<double> values = normal_numbers(64, 5, 2, generator);
  const double mean = plain_mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double standard_error = std::sqrt(squares / 64 / 64);
  constexpr int replicates = 40'000;
  const Estimate estimate = bootstrap_mean(values, replicates);
  EXPECT_NEAR(estimate.mean, mean, 4 * standard_error / std::sqrt(replicates));
  EXPECT_NEAR(estimate.ci_low, mean - 1.96 * standard_error, 0.06 * standard_error);
  EXPECT_NEAR(estimate.ci_high, mean + 1.96 * standard_error, 0.06 * standard_error);
}

// Three cases of 0 and 1: a replicate mean is 0, 1/3, 2/3 or 1 with binomial probabilities 8, 12, 6, 1 of 27.
TEST(BootstrapMean, draws_every_case_equally_often) {
  const Estimate estimate = bootstrap_mean(std::vector<double>{1, 0, 0}, 100'000, 3);
  EXPECT_NEAR(estimate.mean, 1.0 / 3, 4 * std::sqrt(2.0 / 27 / 100'000));
  EXPECT_EQ(estimate.ci_low, 0);
  EXPECT_EQ(estimate.ci_high, 1);  // 1 of 27 is more than 2.5 %
}

TEST(BootstrapMean, interval_covers_the_truth_in_about_95_of_100_cohorts) {
  constexpr int cohorts = 400;
  constexpr double truth = 0.5;
  std::mt19937_64 generator(2026);
  int covered = 0;
  for (int cohort = 0; cohort < cohorts; ++cohort) {
    const Estimate estimate = bootstrap_mean(normal_numbers(40, truth, 0.2, generator), 1000, cohort);
    if (estimate.ci_low <= truth && truth <= estimate.ci_high) ++covered;
  }
  EXPECT_GE(covered, cohorts * 90 / 100);
  EXPECT_LE(covered, cohorts * 98 / 100);
}

TEST(BootstrapMean, narrows_with_the_root_of_the_number_of_cases) {
  std::mt19937_64 generator(5);
  const auto width = [&](int cases) {
    const Estimate estimate = bootstrap_mean(normal_numbers(cases, 0, 1, generator));
    return estimate.ci_high - estimate.ci_low;
  };
  const double wide = width(100);
  EXPECT_NEAR(wide / width(1600), 4, 0.8);
}

TEST(BootstrapMean, follows_shift_and_scale) {
  std::vector<double> moved = kScores;
  for (double& value : moved) value = 3 - 2 * value;
  const Estimate original = bootstrap_mean(kScores, 500, 1);
  const Estimate estimate = bootstrap_mean(moved, 500, 1);
  EXPECT_NEAR(estimate.mean, 3 - 2 * original.mean, 1e-12);
  EXPECT_NEAR(estimate.ci_low, 3 - 2 * original.ci_high, 1e-12);
  EXPECT_NEAR(estimate.ci_high, 3 - 2 * original.ci_low, 1e-12);
}

TEST(BootstrapMean, repeats_with_its_seed_and_changes_with_another) {
  expect_equal(bootstrap_mean(kScores, 1000, 1), bootstrap_mean(kScores, 1000, 1));
  EXPECT_NE(bootstrap_mean(kScores, 1000, 1).mean, bootstrap_mean(kScores, 1000, 2).mean);
}

TEST(BootstrapMean, of_one_case_is_its_value) { expect_equal(bootstrap_mean(std::vector{0.3}), {0.3, 0.3, 0.3, 1}); }

TEST(BootstrapMean, of_equal_cases_is_their_value) {
  expect_equal(bootstrap_mean(std::vector(20, 0.25)), {0.25, 0.25, 0.25, 20});
}

TEST(BootstrapMean, leaves_out_cases_without_a_value) {
  std::vector<double> with_gaps = kScores;
  with_gaps[3] = kNaN;
  with_gaps[7] = kNaN;
  std::vector<double> rest;
  std::ranges::copy_if(with_gaps, std::back_inserter(rest), [](double value) { return !std::isnan(value); });
  const Estimate estimate = bootstrap_mean(with_gaps, 20'000);
  EXPECT_EQ(estimate.n, 8);
  EXPECT_NEAR(estimate.mean, plain_mean(rest), 0.005);
  expect_equal(bootstrap_mean(std::vector{kNaN, 0.5, kNaN}), {0.5, 0.5, 0.5, 1});
}

TEST(BootstrapMean, of_no_values_is_none) {
  for (const std::vector<double>& cases : {std::vector<double>{}, std::vector{kNaN, kNaN}}) {
    const Estimate estimate = bootstrap_mean(cases);
    EXPECT_TRUE(std::isnan(estimate.mean));
    EXPECT_EQ(estimate.n, 0);
    EXPECT_EQ(to_json(estimate).dump(), R"({"mean":null,"ci_low":null,"ci_high":null,"n":0})");
  }
}

TEST(BootstrapMean, needs_a_replicate) {
  EXPECT_THROW(bootstrap_mean(kScores, 0), UsageError);
  EXPECT_THROW(compare_paired(kScores, kScores, -1), UsageError);
}

// The same cases are drawn for both, so that the mean of the difference is the difference of the means.
TEST(ComparePaired, draws_the_cases_that_the_means_draw) {
  std::vector<double> other = kScores;
  std::rotate(other.begin(), other.begin() + 3, other.end());
  const PairedComparison comparison = compare_paired(kScores, other, 300, 9);
  EXPECT_NEAR(comparison.difference.mean, bootstrap_mean(kScores, 300, 9).mean - bootstrap_mean(other, 300, 9).mean,
              1e-14);
}

TEST(ComparePaired, turns_round_with_its_arguments) {
  std::vector<double> other = kScores;
  for (std::size_t i = 0; i < other.size(); ++i) other[i] += 0.1 * std::sin(static_cast<double>(i)) - 0.02;
  const PairedComparison there = compare_paired(kScores, other);
  const PairedComparison back = compare_paired(other, kScores);
  EXPECT_NEAR(there.difference.mean, -back.difference.mean, 1e-15);
  EXPECT_NEAR(there.difference.ci_low, -back.difference.ci_high, 1e-15);
  EXPECT_EQ(there.p, back.p);
}

TEST(ComparePaired, of_a_set_with_itself_finds_nothing) {
  const PairedComparison comparison = compare_paired(kScores, kScores);
  expect_equal(comparison.difference, {0, 0, 0, 10});
  EXPECT_EQ(comparison.p, 1);
}

TEST(ComparePaired, of_cases_that_all_agree_has_the_smallest_p_there_is) {
  for (const int n : {1, 2, 5, 16}) {
    const PairedComparison comparison = compare_paired(std::vector(n, 0.7), std::vector(n, 0.4));
    EXPECT_DOUBLE_EQ(comparison.p, 2 * std::pow(0.5, n)) << n;
  }
  EXPECT_DOUBLE_EQ(compare_paired(std::vector(60, 0.7), std::vector(60, 0.4)).p, 1.0 / 10'001);
}

// Every sign pattern written out, in another order than the code's.
TEST(ComparePaired, p_is_the_share_of_sign_patterns_as_far_from_0) {
  std::mt19937_64 generator(77);
  for (int n = 2; n <= 12; ++n) {
    std::vector<double> differences = normal_numbers(n, 0.3, 1, generator);
    for (double& difference : differences) difference = std::round(4 * difference) / 4;  // exact sums, and ties
    const double observed = std::abs(std::accumulate(differences.begin(), differences.end(), 0.0));
    int extreme = 0;
    for (int pattern = 0; pattern < 1 << n; ++pattern) {
      double sum = 0;
      for (int i = 0; i < n; ++i) sum += (pattern >> i & 1) != 0 ? differences[i] : -differences[i];
      if (std::abs(sum) >= observed) ++extreme;
    }
    EXPECT_DOUBLE_EQ(compare_paired(differences, std::vector(n, 0.0)).p, extreme / std::pow(2.0, n)) << n;
  }
}

TEST(ComparePaired, sampled_p_agrees_with_the_normal_approximation) {
  std::mt19937_64 generator(8);
  const std::vector<double> differences = normal_numbers(200, 0.05, 1, generator);
  double sum = 0;
  double squares = 0;
  for (const double difference : differences) {
    sum += difference;
    squares += difference * difference;
  }
  const double expected = std::erfc(std::abs(sum) / std::sqrt(2 * squares));
  ASSERT_GT(expected, 0.005);
  EXPECT_NEAR(compare_paired(differences, std::vector(200, 0.0)).p, expected, 0.015);
}

// Without a difference, p falls below 0.05 in about 5 of 100 cohorts (3 to 8: more than three deviations of 500).
TEST(ComparePaired, keeps_its_level) {
  std::mt19937_64 generator(31);
  for (const int n : {12, 40}) {
    int rejected = 0;
    for (int cohort = 0; cohort < 500; ++cohort) {
      const std::vector<double> first = normal_numbers(n, 0.5, 0.1, generator);
      const std::vector<double> second = normal_numbers(n, 0.5, 0.1, generator);
      if (compare_paired(first, second, 1, cohort).p < 0.05) ++rejected;
    }
    EXPECT_GE(rejected, 10) << n;
    EXPECT_LE(rejected, 41) << n;
  }
}

TEST(ComparePaired, leaves_out_cases_that_one_set_lacks) {
  const PairedComparison comparison =
      compare_paired(std::vector{0.5, kNaN, 0.8, 0.9}, std::vector{0.4, 0.1, kNaN, 0.8}, 1000, 4);
  EXPECT_EQ(comparison.difference.n, 2);
  EXPECT_NEAR(comparison.difference.mean, 0.1, 1e-12);
  EXPECT_DOUBLE_EQ(comparison.p, 0.5);
  const PairedComparison none = compare_paired(std::vector{kNaN}, std::vector{0.1});
  EXPECT_EQ(to_json(none).dump(), R"({"difference":null,"ci_low":null,"ci_high":null,"n":0,"p":null})");
}

TEST(ComparePaired, needs_the_same_cases) { EXPECT_THROW(compare_paired(kScores, std::vector(3, 0.5)), InputError); }

}  // namespace
}  // namespace twintrack

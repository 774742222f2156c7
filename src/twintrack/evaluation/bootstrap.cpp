#include "twintrack/evaluation/bootstrap.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/resampling.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace twintrack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLowPercent = 2.5;
constexpr double kHighPercent = 97.5;
constexpr int kExactCases = 16;
constexpr int kSignPatterns = 10'000;
constexpr double kRounding = 1e-12;  // relative: sums of one size in another order

// Mean over the cases of one replicate; NaN when none of them has a value.
double replicate_mean(std::span<const double> per_case, std::mt19937_64& generator) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < per_case.size(); ++i) {
    const double value = per_case[draw_below(std::ssize(per_case), generator)];
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? kNaN : sum / static_cast<double>(count);
}

// Share of all sign patterns under which the sum is at least as far from 0. Patterns are visited so that one sign
// changes from each to the next; a pattern and its opposite have one size, so half of them tell.
double exact_p(const std::vector<double>& differences, double observed, double tolerance) {
  if (differences.empty()) return kNaN;
  std::vector<double> terms = differences;
  const std::uint32_t patterns = std::uint32_t{1} << (terms.size() - 1);
  std::uint32_t extreme = 1;  // the observed one
  for (std::uint32_t pattern = 1; pattern < patterns; ++pattern) {
    terms[std::countr_zero(pattern)] *= -1;
    const double sum = std::accumulate(terms.begin(), terms.end(), 0.0);
    if (std::abs(sum) >= observed - tolerance) ++extreme;
  }
  return static_cast<double>(extreme) / patterns;
}

double sampled_p(const std::vector<double>& differences, double observed, double tolerance, std::uint64_t seed) {
  std::mt19937_64 generator(seed);
  int extreme = 1;  // the observed one
  for (int pattern = 0; pattern < kSignPatterns; ++pattern) {
    double sum = 0;
    std::uint64_t signs = 0;
    for (std::size_t i = 0; i < differences.size(); ++i) {
      if (i % 64 == 0) signs = generator();
      sum += (signs >> (i % 64) & 1) != 0 ? -differences[i] : differences[i];
    }
    if (std::abs(sum) >= observed - tolerance) ++extreme;
  }
  return static_cast<double>(extreme) / (kSignPatterns + 1);
}

double sign_flip_p(std::vector<double> differences, std::uint64_t seed) {
  std::erase_if(differences, [](double difference) { return std::isnan(difference); });
  const double observed = std::abs(std::accumulate(differences.begin(), differences.end(), 0.0));
  double tolerance = 0;
  for (const double difference : differences) tolerance += kRounding * std::abs(difference);
  return differences.size() <= kExactCases ? exact_p(differences, observed, tolerance)
                                           : sampled_p(differences, observed, tolerance, seed);
}

}  // namespace

Estimate bootstrap_mean(std::span<const double> per_case, int replicates, std::uint64_t seed) {
  if (replicates < 1) throw UsageError("bootstrap: {} replicates, 1 or more are needed", replicates);
  const auto n = std::ranges::count_if(per_case, [](double value) { return !std::isnan(value); });
  if (n == 0) return {kNaN, kNaN, kNaN, 0};
  std::mt19937_64 generator(seed);
  std::vector<double> means(replicates);
  for (double& mean : means) mean = replicate_mean(per_case, generator);
  std::erase_if(means, [](double mean) { return std::isnan(mean); });
  std::ranges::sort(means);
  const double sum = std::accumulate(means.begin(), means.end(), 0.0);
  return {sum / static_cast<double>(means.size()), percentile_of_sorted(means, kLowPercent),
          percentile_of_sorted(means, kHighPercent), n};
}

PairedComparison compare_paired(std::span<const double> first, std::span<const double> second, int replicates,
                                std::uint64_t seed) {
  if (first.size() != second.size()) {
    throw InputError("paired comparison: {} cases beside {}, the same cases are needed", first.size(), second.size());
  }
  std::vector<double> differences(first.size());
  std::ranges::transform(first, second, differences.begin(), std::minus<>());
  return {bootstrap_mean(differences, replicates, seed), sign_flip_p(differences, seed)};
}

Json to_json(const Estimate& estimate) {
  return {{"mean", number_or_null(estimate.mean)},
          {"ci_low", number_or_null(estimate.ci_low)},
          {"ci_high", number_or_null(estimate.ci_high)},
          {"n", estimate.n}};
}

Json to_json(const PairedComparison& comparison) {
  const Estimate& difference = comparison.difference;
  return {{"difference", number_or_null(difference.mean)},
          {"ci_low", number_or_null(difference.ci_low)},
          {"ci_high", number_or_null(difference.ci_high)},
          {"n", difference.n},
          {"p", number_or_null(comparison.p)}};
}

}  // namespace twintrack

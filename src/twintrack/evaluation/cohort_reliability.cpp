#include "twintrack/evaluation/cohort_reliability.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/resampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace twintrack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLowPercent = 2.5;
constexpr double kHighPercent = 97.5;

struct BinSums {
  std::int64_t voxels = 0;
  double probability = 0;
  double response = 0;

  void add(const ReliabilityBin& bin) {
    if (bin.voxels == 0) return;
    const auto count = static_cast<double>(bin.voxels);
    voxels += bin.voxels;
    probability += count * bin.mean_probability;
    response += count * bin.mean_response;
  }
  double mean_response() const { return voxels == 0 ? kNaN : response / static_cast<double>(voxels); }
  double mean_probability() const { return voxels == 0 ? kNaN : probability / static_cast<double>(voxels); }
};

using Tables = std::span<const std::vector<ReliabilityBin>>;

std::vector<PooledBin> pool(Tables cases) {
  std::vector<PooledBin> pooled;
  for (std::size_t b = 0; !cases.empty() && b < cases.front().size(); ++b) {
    BinSums sums;
    PooledBin bin;
    for (const auto& table : cases) {
      sums.add(table[b]);
      bin.cases += table[b].voxels > 0 ? 1 : 0;
    }
    const ReliabilityBin& bounds = cases.front()[b];
    bin.bin = {bounds.low, bounds.high, sums.voxels, sums.mean_probability(), sums.mean_response()};
    pooled.push_back(bin);
  }
  return pooled;
}

// By [bin]: the mean responses of all replicates that have voxels in it, ascending.
std::vector<std::vector<double>> replicate_responses(Tables cases, int replicates, std::uint64_t seed) {
  const std::size_t bins = cases.front().size();
  std::vector<std::vector<double>> responses(bins);
  std::vector<BinSums> sums(bins);
  std::mt19937_64 generator(seed);
  for (int replicate = 0; replicate < replicates; ++replicate) {
    std::ranges::fill(sums, BinSums{});
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const auto& table = cases[draw_below(std::ssize(cases), generator)];
      for (std::size_t b = 0; b < bins; ++b) sums[b].add(table[b]);
    }
    for (std::size_t b = 0; b < bins; ++b) {
      if (sums[b].voxels > 0) responses[b].push_back(sums[b].mean_response());
    }
  }
  for (auto& of_bin : responses) std::ranges::sort(of_bin);
  return responses;
}

double pooled_error(const std::vector<PooledBin>& bins) {
  double voxels = 0;
  double error = 0;
  for (const auto& [bin, cases, low, high] : bins) {
    if (bin.voxels == 0) continue;
    voxels += static_cast<double>(bin.voxels);
    error += static_cast<double>(bin.voxels) * std::abs(bin.mean_probability - bin.mean_response);
  }
  return voxels == 0 ? kNaN : error / voxels;
}

}  // namespace

CohortReliability cohort_reliability(Tables cases, int replicates, std::uint64_t seed) {
  if (replicates < 1) throw UsageError("bootstrap: {} replicates, 1 or more are needed", replicates);
  CohortReliability result{pool(cases), 0};
  result.response_error = pooled_error(result.bins);
  if (cases.empty()) return result;
  const std::vector<std::vector<double>> responses = replicate_responses(cases, replicates, seed);
  for (std::size_t b = 0; b < result.bins.size(); ++b) {
    PooledBin& bin = result.bins[b];
    const bool enough = bin.cases >= 2;
    bin.response_low = enough ? percentile_of_sorted(responses[b], kLowPercent) : kNaN;
    bin.response_high = enough ? percentile_of_sorted(responses[b], kHighPercent) : kNaN;
  }
  return result;
}

}  // namespace twintrack

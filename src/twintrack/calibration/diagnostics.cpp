#include "twintrack/calibration/diagnostics.hpp"

#include "twintrack/cohort/challenge.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/resampling.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>

namespace twintrack {
namespace {

constexpr int kBins = 50;
constexpr int kBandPoints = 101;

// The curve that a case's probabilities are seen through.
using Curve = std::function<double(double)>;

struct Bin {
  double weight = 0;
  double probability_sum = 0;
  double response_sum = 0;
};

// Pooled over cases.
class Quality {
 public:
  void add(const CaseLevels& item, const Curve& curve) {
    std::array<double, kChallengeThresholds.size()> predicted{};
    std::array<double, kChallengeThresholds.size()> both{};
    std::array<double, kChallengeThresholds.size()> marked{};
    for (int k = 0; k <= item.raters; ++k) count(item, k, static_cast<double>(item.outside[k]), marked);
    for (std::size_t i = 0; i < item.levels.size(); ++i) {
      const double p = curve(case_level_probability(item.levels[i]));
      for (int c = 0; c < item.classes(); ++c) {
        const auto voxels = static_cast<double>(item.counts[i * item.classes() + c]);
        if (voxels == 0) continue;
        add_voxels(p, static_cast<double>(item.marked_by(c)) / item.raters, item.voxel_weight * voxels);
        count(item, item.marked_by(c), voxels, marked);
        for (std::size_t t = 0; t < kChallengeThresholds.size() && p > kChallengeThresholds[t]; ++t) {
          predicted[t] += voxels;
          if (above(item, item.marked_by(c), t)) both[t] += voxels;
        }
      }
    }
    double dice = 0;
    for (std::size_t t = 0; t < kChallengeThresholds.size(); ++t) {
      const double sum = predicted[t] + marked[t];
      dice += sum == 0 ? 1.0 : 2 * both[t] / (sum + kChallengeSmoothing);
    }
    tdsc_ += dice / static_cast<double>(kChallengeThresholds.size());
    ++cases_;
  }

  FitQuality mean() const {
    double weight = 0;
    double error = 0;
    for (const Bin& bin : bins_) {
      weight += bin.weight;
      error += std::abs(bin.probability_sum - bin.response_sum);
    }
    return {squares_ / weight, error / weight, tdsc_ / cases_};
  }

 private:
  // The mean human response of voxels that `marked_by` raters marked is above the threshold.
  static bool above(const CaseLevels& item, int marked_by, std::size_t threshold) {
    return static_cast<double>(marked_by) / item.raters > kChallengeThresholds[threshold];
  }

  static void count(const CaseLevels& item, int marked_by, double voxels,
                    std::array<double, kChallengeThresholds.size()>& marked) {
    for (std::size_t t = 0; t < kChallengeThresholds.size(); ++t) marked[t] += above(item, marked_by, t) ? voxels : 0.0;
  }

  void add_voxels(double p, double response, double weight) {
    squares_ += weight * (p - response) * (p - response);
    Bin& bin = bins_[std::clamp(static_cast<int>(p * kBins), 0, kBins - 1)];
    bin.weight += weight;
    bin.probability_sum += weight * p;
    bin.response_sum += weight * response;
  }

  double squares_ = 0;
  double tdsc_ = 0;
  double cases_ = 0;
  std::array<Bin, kBins> bins_{};
};

// Curves from sums over cases at the cases' levels: dense, so that cases can be added and taken away.
class DenseLevels {
 public:
  DenseLevels() : weight_(kCaseLevels, 0.0), target_(kCaseLevels, 0.0) {}

  void add(const CaseLevels& item, const std::vector<Level>& levels, double times) {
    for (std::size_t i = 0; i < levels.size(); ++i) {
      weight_[item.levels[i]] += times * levels[i].weight;
      target_[item.levels[i]] += times * levels[i].target_sum;
    }
  }

  Knots fit() const {
    PoolAdjacentViolators pools;
    for (std::uint32_t level = 0; level < kCaseLevels; ++level)
      pools.add({case_level_probability(level), weight_[level], target_[level]});
    return pools.knots();
  }

 private:
  std::vector<double> weight_;
  std::vector<double> target_;
};

std::vector<std::vector<Level>> levels_of_cases(const CalibrationStatistics& statistics) {
  std::vector<std::vector<Level>> levels;
  for (const CaseLevels& item : statistics.cases) levels.push_back(weighted_levels(item));
  return levels;
}

Curve curve_of(const Knots& knots) {
  return [&knots](double p) { return curve_at(knots, p); };
}

}  // namespace

Diagnostics diagnose(const CalibrationStatistics& statistics, const Knots& fit) {
  Quality before;
  Quality after;
  for (const CaseLevels& item : statistics.cases) {
    before.add(item, [](double p) { return p; });
    after.add(item, curve_of(fit));
  }
  Diagnostics diagnostics{before.mean(), after.mean(), {}};
  if (statistics.cases.size() < 2) return diagnostics;
  const auto levels = levels_of_cases(statistics);
  DenseLevels all;
  for (std::size_t i = 0; i < levels.size(); ++i) all.add(statistics.cases[i], levels[i], 1.0);
  Quality left_out;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    DenseLevels others = all;
    others.add(statistics.cases[i], levels[i], -1.0);
    const Knots knots = others.fit();
    left_out.add(statistics.cases[i], curve_of(knots));
  }
  diagnostics.leave_one_out = left_out.mean();
  return diagnostics;
}

std::optional<CurveBand> bootstrap_band(const CalibrationStatistics& statistics, int replicates, std::uint64_t seed) {
  const auto cases = static_cast<std::int64_t>(statistics.cases.size());
  if (cases < 2 || replicates < 1) return std::nullopt;
  const auto levels = levels_of_cases(statistics);
  std::mt19937_64 generator(seed);
  std::vector<std::vector<int>> drawn(replicates, std::vector<int>(cases, 0));
  for (std::vector<int>& times : drawn) {
    for (std::int64_t i = 0; i < cases; ++i) ++times[draw_below(cases, generator)];
  }

  CurveBand band{{}, {}, {}, replicates, seed};
  for (int i = 0; i < kBandPoints; ++i) band.x.push_back(static_cast<double>(i) / (kBandPoints - 1));
  std::vector<std::vector<double>> values(kBandPoints, std::vector<double>(replicates));
  parallel_for(replicates, [&](std::int64_t r) {
    DenseLevels sums;
    for (std::int64_t i = 0; i < cases; ++i) {
      if (drawn[r][i] > 0) sums.add(statistics.cases[i], levels[i], drawn[r][i]);
    }
    const Knots knots = sums.fit();
    for (int i = 0; i < kBandPoints; ++i) values[i][r] = curve_at(knots, band.x[i]);
  });
  for (std::vector<double>& at_x : values) {
    std::ranges::sort(at_x);
    band.low.push_back(percentile_of_sorted(at_x, 2.5));
    band.high.push_back(percentile_of_sorted(at_x, 97.5));
  }
  return band;
}

}  // namespace twintrack

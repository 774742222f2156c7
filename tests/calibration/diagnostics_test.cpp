// Figures of a fit, against the same computed voxel by voxel; the bootstrap band, against its definition.
#include "twintrack/calibration/diagnostics.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "calibration/random_case.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/resampling.hpp"

namespace twintrack {
namespace {

using test::MemoryCase;
using test::random_case;
using test::Region;

constexpr std::array<double, 6> kThresholds{0.1, 0.24, 0.38, 0.52, 0.66, 0.8};

// Probabilities moved to the centres of cases' levels, so that nothing is lost in them.
MemoryCase centred_case(int raters, unsigned seed, Region region = Region::half) {
  MemoryCase made = random_case({9, 8, 7}, raters, region, seed);
  for (float& p : made.probability) p = p < 0x1p-8F ? 0.0F : case_level_probability(case_level(p));
  return made;
}

CalibrationStatistics statistics_of(const std::vector<MemoryCase>& cases, CaseWeight weight = CaseWeight::voxel,
                                    const std::string& target = "mhr") {
  CalibrationStatistics statistics;
  statistics.target = parse_target(target);
  statistics.case_weight = weight;
  for (std::size_t i = 0; i < cases.size(); ++i) add_case(statistics, cases[i].as(std::to_string(i)));
  return statistics;
}

// One case's part of the definitions; curves[i] is the curve that case i is seen through.
FitQuality reference(const std::vector<MemoryCase>& cases, const std::vector<Knots>& curves, bool equal = false) {
  double squares = 0;
  double weights = 0;
  double tdsc = 0;
  std::array<std::array<double, 2>, 50> bins{};  // sums of probability and response
  for (std::size_t c = 0; c < cases.size(); ++c) {
    const MemoryCase& made = cases[c];
    const double weight = equal ? 1.0 / static_cast<double>(count(made.region)) : 1.0;
    std::array<double, 6> both{};
    std::array<double, 6> sizes{};
    for (std::int64_t i = 0; i < made.region.size(); ++i) {
      const double response = static_cast<double>(made.marks(i)) / made.raters.size();
      const double p = made.region[i] ? curve_at(curves[c], made.probability[i]) : 0;
      for (int t = 0; t < 6; ++t) {
        const bool predicted = made.region[i] && p > kThresholds[t];
        const bool marked = response > kThresholds[t];
        sizes[t] += (predicted ? 1 : 0) + (marked ? 1 : 0);
        both[t] += predicted && marked ? 1 : 0;
      }
      if (!made.region[i]) continue;
      weights += weight;
      squares += weight * std::pow(p - response, 2);
      auto& bin = bins[std::min(static_cast<int>(p * 50), 49)];
      bin[0] += weight * p;
      bin[1] += weight * response;
    }
    for (int t = 0; t < 6; ++t)
      tdsc += (sizes[t] == 0 ? 1 : 2 * both[t] / (sizes[t] + 1e-6)) / 6 / static_cast<double>(cases.size());
  }
  double error = 0;
  for (const auto& [probability, response] : bins) error += std::abs(probability - response);
  return {squares / weights, error / weights, tdsc};
}

const Knots kIdentity{{0, 1}, {0, 1}};

void expect_near(const FitQuality& found, const FitQuality& expected) {
  EXPECT_NEAR(found.brier, expected.brier, 1e-9);
  EXPECT_NEAR(found.calibration_error, expected.calibration_error, 1e-9);
  EXPECT_NEAR(found.tdsc, expected.tdsc, 1e-9);
}

Knots fit_without(const std::vector<MemoryCase>& cases, std::size_t left_out, CaseWeight weight) {
  std::vector<MemoryCase> others = cases;
  others.erase(others.begin() + static_cast<long>(left_out));
  return statistics_of(others, weight).levels.fit();
}

TEST(Diagnostics, AreTheirDefinitions) {
  const std::vector<MemoryCase> cases{centred_case(5, 1), centred_case(3, 2, Region::whole), centred_case(4, 3)};
  for (const CaseWeight weight : {CaseWeight::voxel, CaseWeight::equal}) {
    const bool equal = weight == CaseWeight::equal;
    const CalibrationStatistics statistics = statistics_of(cases, weight);
    const Knots fit = statistics.levels.fit();
    const Diagnostics found = diagnose(statistics, fit);
    expect_near(found.before, reference(cases, {3, kIdentity}, equal));
    expect_near(found.after, reference(cases, {3, fit}, equal));
    ASSERT_TRUE(found.leave_one_out.has_value());
    std::vector<Knots> curves;
    for (std::size_t i = 0; i < cases.size(); ++i) curves.push_back(fit_without(cases, i, weight));
    expect_near(*found.leave_one_out, reference(cases, curves, equal));
  }
}

TEST(Diagnostics, AreAgainstTheMeanResponseWhateverTheTarget) {
  const std::vector<MemoryCase> cases{centred_case(5, 4), centred_case(5, 5)};
  for (const char* target : {"rater:2", "majority", "staple"}) {
    const CalibrationStatistics statistics = statistics_of(cases, CaseWeight::voxel, target);
    const Knots fit = statistics.levels.fit();
    const Diagnostics found = diagnose(statistics, fit);
    expect_near(found.before, reference(cases, {2, kIdentity}));
    expect_near(found.after, reference(cases, {2, fit}));
  }
}

TEST(Diagnostics, InSampleFitIsTheBestOfBrierScores) {
  const std::vector<MemoryCase> cases{centred_case(5, 6), centred_case(5, 7)};
  const CalibrationStatistics statistics = statistics_of(cases);
  const Diagnostics found = diagnose(statistics, statistics.levels.fit());
  EXPECT_LE(found.after.brier, found.before.brier);
  EXPECT_LE(found.after.brier, found.leave_one_out->brier);
  EXPECT_LT(found.after.calibration_error, 1e-6);  // pools are calibrated
}

TEST(Diagnostics, OneCaseHasNoneLeftOut) {
  const CalibrationStatistics statistics = statistics_of({centred_case(3, 8)});
  EXPECT_FALSE(diagnose(statistics, statistics.levels.fit()).leave_one_out.has_value());
  EXPECT_FALSE(bootstrap_band(statistics, 100, 0).has_value());
}

// Only the left-out case reaches 1: taken away, it leaves no observation there, whatever the weights' rounding.
TEST(Diagnostics, ACaseTakenAwayLeavesNothing) {
  std::vector<MemoryCase> cases;
  for (unsigned i = 0; i < 5; ++i) {
    cases.push_back(centred_case(3, 20 + i));
    for (float& p : cases.back().probability) {
      if (p > 0.5F) p = i == 2 ? 1.0F : case_level_probability(case_level(0.5F));
    }
  }
  const CalibrationStatistics statistics = statistics_of(cases, CaseWeight::equal);
  std::vector<Knots> curves;
  for (std::size_t i = 0; i < cases.size(); ++i) curves.push_back(fit_without(cases, i, CaseWeight::equal));
  expect_near(*diagnose(statistics, statistics.levels.fit()).leave_one_out, reference(cases, curves, true));
}

TEST(Diagnostics, NothingMarkedAndNothingPredictedIsPerfect) {
  MemoryCase made = random_case({4, 4, 4}, 2, Region::whole, 9);
  std::ranges::fill(made.probability, 0.0F);
  for (BitMask& mask : made.raters.masks) mask = BitMask({4, 4, 4});
  const CalibrationStatistics statistics = statistics_of({made, made});
  const Diagnostics found = diagnose(statistics, statistics.levels.fit());
  EXPECT_EQ(found.before.tdsc, 1);
  EXPECT_EQ(found.before.brier, 0);
  EXPECT_EQ(found.leave_one_out->calibration_error, 0);
}

TEST(BootstrapBand, IsThePercentilesOfRefits) {
  const std::vector<MemoryCase> cases{centred_case(5, 10), centred_case(5, 11), centred_case(4, 12)};
  const CalibrationStatistics statistics = statistics_of(cases);
  constexpr int replicates = 60;
  const auto band = bootstrap_band(statistics, replicates, 17);
  ASSERT_TRUE(band.has_value());
  std::mt19937_64 generator(17);
  std::vector<Knots> curves;
  for (int r = 0; r < replicates; ++r) {
    std::vector<MemoryCase> drawn;
    for (int i = 0; i < 3; ++i) drawn.push_back(cases[draw_below(3, generator)]);
    curves.push_back(statistics_of(drawn).levels.fit());
  }
  ASSERT_EQ(band->x.size(), 101u);
  for (std::size_t i = 0; i < band->x.size(); ++i) {
    EXPECT_DOUBLE_EQ(band->x[i], static_cast<double>(i) / 100);
    std::vector<double> values;
    for (const Knots& curve : curves) values.push_back(curve_at(curve, band->x[i]));
    std::ranges::sort(values);
    EXPECT_NEAR(band->low[i], percentile_of_sorted(values, 2.5), 1e-7);
    EXPECT_NEAR(band->high[i], percentile_of_sorted(values, 97.5), 1e-7);
  }
}

TEST(BootstrapBand, HoldsTheCurveAndIsTheSameOnAnyNumberOfThreads) {
  std::vector<MemoryCase> cases;
  for (unsigned i = 0; i < 6; ++i) cases.push_back(centred_case(5, 30 + i));
  const CalibrationStatistics statistics = statistics_of(cases);
  const Knots fit = statistics.levels.fit();
  set_thread_count(1);
  const auto one = bootstrap_band(statistics, 200, 3);
  set_thread_count(3);
  const auto three = bootstrap_band(statistics, 200, 3);
  set_thread_count(available_processors());
  EXPECT_EQ(one->low, three->low);
  EXPECT_EQ(one->high, three->high);
  EXPECT_NE(bootstrap_band(statistics, 200, 4)->low, one->low);
  int inside = 0;
  for (std::size_t i = 0; i < one->x.size(); ++i) {
    EXPECT_LE(one->low[i], one->high[i]);
    const double y = curve_at(fit, one->x[i]);
    inside += y >= one->low[i] - 1e-9 && y <= one->high[i] + 1e-9 ? 1 : 0;
  }
  EXPECT_GT(inside, 90);
}

TEST(BootstrapBand, OfEqualCasesIsTheCurve) {
  const MemoryCase made = centred_case(5, 40);
  const CalibrationStatistics statistics = statistics_of({made, made, made});
  const Knots fit = statistics.levels.fit();
  const auto band = bootstrap_band(statistics, 50, 1);
  for (std::size_t i = 0; i < band->x.size(); ++i) {
    EXPECT_NEAR(band->low[i], curve_at(fit, band->x[i]), 1e-6);
    EXPECT_NEAR(band->high[i], curve_at(fit, band->x[i]), 1e-6);
  }
}

}  // namespace
}  // namespace twintrack

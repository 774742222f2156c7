#include "twintrack/evaluation/calibration_error.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "evaluation/rated_case.hpp"

namespace twintrack {
namespace {

using namespace test;

std::vector<std::int64_t> voxels_in(const Box3& box, const Shape3& shape) {
  std::vector<std::int64_t> voxels;
  for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
      for (std::int64_t x = box.begin[2]; x < box.end[2]; ++x) voxels.push_back((z * shape[1] + y) * shape[2] + x);
    }
  }
  return voxels;
}

// Number of bounds 1/50, ..., 50/50 that the value reaches.
int bin_of(float value) {
  int bin = 0;
  while (bin < 50 && value >= static_cast<float>((bin + 1) / 50.0)) ++bin;
  return bin;
}

double ece_by_definition(const RatedCase& rated, int rater, const std::vector<std::int64_t>& voxels) {
  struct Bin {
    double count = 0, right = 0, confidence = 0;
  };
  std::map<int, Bin> bins;
  for (const std::int64_t voxel : voxels) {
    const float p = rated.probability.voxels[voxel];
    float classes[] = {1 - p, p};
    for (float& share : classes) share = std::max(share, 1e-8F);
    const float sum = classes[0] + classes[1];
    for (float& share : classes) share /= sum;
    const int named = classes[1] > classes[0] ? 1 : 0;
    Bin& bin = bins[bin_of(classes[named])];
    ++bin.count;
    bin.confidence += static_cast<double>(classes[named]);
    bin.right += rated.raters.masks[rater][voxel] == (named == 1);
  }
  double error = 0;
  for (const auto& [index, bin] : bins)
    error +=
        std::abs(bin.right / bin.count - bin.confidence / bin.count) * bin.count / static_cast<double>(voxels.size());
  return error;
}

TEST(CalibrationError, ece_equals_its_definition) {
  unsigned seed = 0;
  for (const auto& [shape, raters] : scenes()) {
    const RatedCase rated = random_case(shape, raters, ++seed);
    const CalibrationMetrics metrics = calibration_metrics(rated.probability.voxels, rated.raters);
    ASSERT_EQ(std::ssize(metrics.ece), raters);
    const auto voxels = voxels_in(metrics.box, shape);
    for (int k = 0; k < raters; ++k)
      EXPECT_NEAR(metrics.ece[k], ece_by_definition(rated, k, voxels), 1e-13) << testing::PrintToString(shape) << k;
  }
}

using Real = long double;
struct Weighted {
  Real count = 0, p = 0, m = 0;
};

TEST(CalibrationError, brier_score_and_its_parts_equal_their_definitions) {
  unsigned seed = 30;
  for (const auto& [shape, raters] : scenes()) {
    const RatedCase rated = random_case(shape, raters, ++seed);
    const CalibrationMetrics metrics = calibration_metrics(rated.probability.voxels, rated.raters);
    const auto voxels = voxels_in(metrics.box, shape);
    const auto n = static_cast<Real>(voxels.size());
    const auto p_at = [&](std::int64_t voxel) { return static_cast<Real>(rated.probability.voxels[voxel]); };
    const auto m_at = [&, count = static_cast<Real>(raters)](std::int64_t voxel) {
      return static_cast<Real>(marks_at(rated.raters, voxel)) / count;
    };
    const auto bin_at = [&](std::int64_t voxel) { return std::min(49, bin_of(rated.probability.voxels[voxel])); };
    std::map<int, Weighted> bins;
    Real score = 0;
    Real m_mean = 0;
    for (const std::int64_t voxel : voxels) {
      Weighted& bin = bins[bin_at(voxel)];
      ++bin.count;
      bin.p += p_at(voxel);
      bin.m += m_at(voxel);
      m_mean += m_at(voxel) / n;
      score += std::pow(p_at(voxel) - m_at(voxel), 2) / n;
    }
    Real reliability = 0;
    Real resolution = 0;
    Real response_error = 0;
    for (const auto& [index, bin] : bins) {
      reliability += bin.count / n * std::pow(bin.p / bin.count - bin.m / bin.count, 2);
      resolution += bin.count / n * std::pow(bin.m / bin.count - m_mean, 2);
      response_error += bin.count / n * std::abs(bin.p / bin.count - bin.m / bin.count);
    }
    Real uncertainty = 0;
    Real within = 0;
    for (const std::int64_t voxel : voxels) {
      const Weighted& bin = bins[bin_at(voxel)];
      const Real p_off = p_at(voxel) - bin.p / bin.count;
      const Real m_off = m_at(voxel) - bin.m / bin.count;
      uncertainty += std::pow(m_at(voxel) - m_mean, 2) / n;
      within += (p_off * p_off - 2 * p_off * m_off) / n;
    }
    const BrierScore& brier = metrics.brier;
    EXPECT_NEAR(brier.score, static_cast<double>(score), 1e-13);
    EXPECT_NEAR(brier.reliability, static_cast<double>(reliability), 1e-13);
    EXPECT_NEAR(brier.resolution, static_cast<double>(resolution), 1e-13);
    EXPECT_NEAR(brier.uncertainty, static_cast<double>(uncertainty), 1e-13);
    EXPECT_NEAR(brier.within_bins, static_cast<double>(within), 1e-13);
    EXPECT_NEAR(brier.score, brier.reliability - brier.resolution + brier.uncertainty + brier.within_bins, 1e-13);
    EXPECT_NEAR(metrics.response_error, static_cast<double>(response_error), 1e-13);
  }
}

TEST(CalibrationError, the_table_holds_every_voxel_of_the_box_in_its_bin) {
  const RatedCase rated = random_case({41, 43, 47}, 5, 3);
  const CalibrationMetrics metrics = calibration_metrics(rated.probability.voxels, rated.raters);
  ASSERT_EQ(std::ssize(metrics.reliability), 50);
  std::int64_t voxels = 0;
  for (int b = 0; b < 50; ++b) {
    const ReliabilityBin& bin = metrics.reliability[b];
    EXPECT_DOUBLE_EQ(bin.low, b / 50.0);
    EXPECT_DOUBLE_EQ(bin.high, (b + 1) / 50.0);
    voxels += bin.voxels;
    if (bin.voxels == 0) continue;
    EXPECT_GE(bin.mean_probability, bin.low - 1e-7);
    EXPECT_LE(bin.mean_probability, bin.high + 1e-7);
  }
  EXPECT_EQ(voxels, voxel_count(metrics.box.shape()));
}

TEST(CalibrationError, bins_are_closed_on_the_left) {
  for (int b = 0; b <= 50; ++b) {
    RatedCase rated = empty_case({1, 1, 1}, 1);
    rated.probability.voxels[0] = static_cast<float>(b / 50.0);
    const auto table = calibration_metrics(rated.probability.voxels, rated.raters).reliability;
    EXPECT_EQ(table[std::min(b, 49)].voxels, 1) << b;
    if (b == 0) continue;
    rated.probability.voxels[0] = std::nextafter(static_cast<float>(b / 50.0), 0.0F);
    EXPECT_EQ(calibration_metrics(rated.probability.voxels, rated.raters).reliability[b - 1].voxels, 1) << b;
  }
}

TEST(CalibrationError, bins_without_voxels_have_no_means) {
  const RatedCase rated = empty_case({2, 3, 4}, 2);
  const auto table = calibration_metrics(rated.probability.voxels, rated.raters).reliability;
  EXPECT_EQ(table[0].voxels, 24);
  EXPECT_EQ(table[0].mean_probability, 0);
  EXPECT_EQ(table[1].voxels, 0);
  EXPECT_TRUE(std::isnan(table[1].mean_probability));
  EXPECT_TRUE(std::isnan(table[1].mean_response));
}

TEST(CalibrationError, a_tie_names_background) {
  RatedCase rated = empty_case({1, 1, 2}, 2);
  rated.probability.voxels = {0.5F, 0.5F};
  for (const std::int64_t voxel : {0, 1}) rated.raters.masks[1].set(voxel);
  const auto ece = calibration_metrics(rated.probability.voxels, rated.raters).ece;
  EXPECT_NEAR(ece[0], 0.5, 1e-15);  // always right, with confidence 0.5
  EXPECT_NEAR(ece[1], 0.5, 1e-15);  // never right
  rated.probability.voxels = {0.500001F, 0.500001F};
  const auto foreground = calibration_metrics(rated.probability.voxels, rated.raters).ece;
  EXPECT_NEAR(foreground[0], 0.500001, 1e-6);
  EXPECT_NEAR(foreground[1], 0.499999, 1e-6);
}

// Errors of opposite sign would cancel in one bin: 0.99 that is always right, and 1 that never is.
TEST(CalibrationError, a_confidence_of_exactly_one_has_a_bin_of_its_own) {
  RatedCase rated = empty_case({1, 1, 60}, 1);
  for (std::int64_t voxel = 0; voxel < 60; ++voxel) {
    rated.probability.voxels[voxel] = voxel < 50 ? 0.99F : 1.0F;
    if (voxel < 50) rated.raters.masks[0].set(voxel);
  }
  EXPECT_NEAR(calibration_metrics(rated.probability.voxels, rated.raters).ece[0], (50 * 0.01 + 10) / 60, 1e-7);
}

TEST(CalibrationError, of_the_raters_agreement_itself_is_rounding_only) {
  for (const int raters : {1, 2, 5, 64}) {
    RatedCase rated = random_case({30, 31, 32}, raters, 5);
    for (std::size_t i = 0; i < rated.probability.voxels.size(); ++i)
      rated.probability.voxels[i] = static_cast<float>(static_cast<double>(marks_at(rated.raters, i)) / raters);
    const CalibrationMetrics metrics = calibration_metrics(rated.probability.voxels, rated.raters);
    EXPECT_NEAR(metrics.brier.score, 0, 1e-14);
    EXPECT_NEAR(metrics.response_error, 0, 1e-7);
  }
}

TEST(EvaluationBox, reaches_20_voxels_down_and_19_up) {
  RatedCase rated = empty_case({80, 90, 100}, 2);
  rated.raters.masks[0].set((30 * 90 + 40) * 100 + 50);
  rated.raters.masks[1].set((33 * 90 + 44) * 100 + 55);
  EXPECT_EQ(evaluation_box(rated.raters), (Box3{{10, 20, 30}, {53, 64, 75}}));
}

TEST(EvaluationBox, stays_within_the_grid) {
  RatedCase rated = empty_case({30, 30, 30}, 1);
  rated.raters.masks[0].set(0);
  EXPECT_EQ(evaluation_box(rated.raters), (Box3{{0, 0, 0}, {20, 20, 20}}));
  rated.raters.masks[0].set(30 * 30 * 30 - 1);
  EXPECT_EQ(evaluation_box(rated.raters), (Box3{{0, 0, 0}, {30, 30, 30}}));
}

TEST(EvaluationBox, is_the_grid_where_nobody_marked_anything) {
  EXPECT_EQ(evaluation_box(empty_case({3, 4, 5}, 5).raters), (Box3{{0, 0, 0}, {3, 4, 5}}));
}

}  // namespace
}  // namespace twintrack

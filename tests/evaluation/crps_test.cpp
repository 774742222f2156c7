#include "twintrack/evaluation/crps.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>
#include <utility>
#include <vector>

namespace twintrack {
namespace {

double cdf(double z) { return 0.5 * (1 + std::erf(z / std::numbers::sqrt2)); }

// Midpoint rule, with `split` among the bounds of its cells.
double integrate(const std::function<double(double)>& f, double low, double split, double high) {
  double sum = 0;
  const auto add = [&](double begin, double end) {
    constexpr int cells = 400000;
    const double width = (end - begin) / cells;
    for (int i = 0; i < cells && end > begin; ++i) sum += f(begin + (i + 0.5) * width) * width;
  };
  add(low, std::min(std::max(split, low), high));
  add(std::min(std::max(split, low), high), high);
  return sum;
}

// numpy.linspace and numpy.interp of the distribution function, as the challenge tabulates it.
double tabulated(double y, double m, double s) {
  const double low = m - 2.3263478740408408 * s;
  const double high = m + 2.3263478740408408 * s;
  if (y < low) return 0;
  if (y > high) return 1;
  const double position = (y - low) / (high - low) * 99;
  const int i = std::min(98, static_cast<int>(position));
  const auto knot = [&](int k) { return cdf((low + (high - low) * k / 99 - m) / s); };
  return knot(i) + (knot(i + 1) - knot(i)) * (position - i);
}

TEST(Crps, distribution_has_population_deviation) {
  const VolumeDistribution raters = volume_distribution(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(raters.mean_mm3, 5);
  EXPECT_DOUBLE_EQ(raters.deviation_mm3, 2);
}

TEST(Crps, equal_volumes_have_no_deviation_however_they_round) {
  for (int voxels = 1; voxels < 2000; ++voxels) {
    const double volume = voxels * 0.7 * 0.7 * 1.1;
    const VolumeDistribution raters = volume_distribution(std::vector<double>(7, volume));
    ASSERT_EQ(raters.deviation_mm3, 0);
    ASSERT_EQ(raters.mean_mm3, volume);
  }
}

TEST(Crps, tabulated_score_equals_quadrature) {
  const double m = 3000;
  const double s = 800;
  for (const double z : {-9.0, -3.0, -2.7, -2.3263478740408408, -1.5, -0.1, 0.0, 0.02, 1.0, 2.32, 2.5, 3.0, 5.0}) {
    const double volume = m + z * s;
    const double expected = integrate([&](double y) { return std::pow(tabulated(y, m, s) - (y > volume ? 1 : 0), 2); },
                                      m - 3 * s, volume, m + 3 * s);
    EXPECT_NEAR(tabulated_crps_mm3({m, s}, volume), expected, 2e-6 * expected) << z;
  }
}

// scipy 1.17.1: quad over [600, 5400] of the challenge's integrand, for volumes of 3000 + 800 z.
TEST(Crps, challenge_score_is_the_one_of_scipy) {
  const std::vector<std::pair<double, double>> scores{
      {-9, 1953.9798857126755}, {-3, 1953.9798857126755},  {-2.7, 1714.391955243347},  {-1.5, 795.4671225554695},
      {-0.1, 190.150640101186}, {0, 186.95815424568036},   {0.02, 187.05421907947434}, {0.87, 413.8124346587074},
      {1, 481.91170549375823},  {1.59, 858.4093514525002}, {2.32, 1411.3847920066264}, {2.5, 1553.8989317210157},
      {5, 1953.9798857126755}};
  for (const auto& [z, score] : scores) {
    EXPECT_NEAR(challenge_crps_mm3({3000, 800}, 3000 + 800 * z), score, 1e-7 * score) << z;
    EXPECT_NEAR(tabulated_crps_mm3({3000, 800}, 3000 + 800 * z), score, 0.02 * score) << z;
  }
}

TEST(Crps, challenge_score_saturates_beyond_three_deviations) {
  for (const auto score : {challenge_crps_mm3, tabulated_crps_mm3}) {
    EXPECT_DOUBLE_EQ(score({100, 10}, 130), score({100, 10}, 1e6));
    EXPECT_DOUBLE_EQ(score({100, 10}, 70), score({100, 10}, 0));
    EXPECT_NEAR(score({100, 10}, 130), score({100, 10}, 70), 1e-9);
  }
  EXPECT_GT(normal_crps_mm3({100, 10}, 1e6), 9e5);
}

TEST(Crps, score_of_the_normal_distribution_equals_quadrature) {
  for (const double z : {-4.0, -1.0, 0.0, 0.3, 2.0, 6.0}) {
    const double expected = integrate(
        [&](double y) { return std::pow(cdf((y - 50) / 7) - (y > 50 + 7 * z ? 1 : 0), 2); }, -20, 50 + 7 * z, 120);
    EXPECT_NEAR(normal_crps_mm3({50, 7}, 50 + 7 * z), expected, 1e-6 * expected) << z;
  }
}

TEST(Crps, score_of_the_normal_distribution_has_its_closed_form_at_the_mean) {
  // 2 phi(0) - 1 / sqrt(pi) = (sqrt(2) - 1) / sqrt(pi)
  EXPECT_NEAR(normal_crps_mm3({0, 1}, 0), (std::numbers::sqrt2 - 1) / std::sqrt(std::numbers::pi), 1e-15);
}

TEST(Crps, both_scores_are_near_each_other_close_to_the_mean) {
  for (const double z : {-1.5, -0.5, 0.0, 0.7, 1.8})
    EXPECT_NEAR(tabulated_crps_mm3({0, 1}, z), normal_crps_mm3({0, 1}, z), 2e-3) << z;
}

TEST(Crps, without_deviation_the_score_is_the_error_of_the_volume) {
  for (const auto score : {challenge_crps_mm3, tabulated_crps_mm3, normal_crps_mm3}) {
    EXPECT_EQ(score({120, 0}, 90), 30);
    EXPECT_EQ(score({0, 0}, 90), 90);
    EXPECT_EQ(score({120, 0}, 120), 0);
  }
  // It is the limit of the exact score.
  EXPECT_NEAR(normal_crps_mm3({120, 1e-6}, 90), 30, 1e-5);
}

TEST(Crps, scores_grow_with_the_distance_from_the_mean) {
  for (const auto score : {tabulated_crps_mm3, normal_crps_mm3}) {
    for (const double side : {-1.0, 1.0}) {
      for (double z = 0.05; z < 3; z += 0.05) EXPECT_GT(score({0, 1}, side * z), score({0, 1}, side * (z - 0.05))) << z;
    }
  }
}

}  // namespace
}  // namespace twintrack

#include "twintrack/evaluation/agreement_counts.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "evaluation/rated_case.hpp"

namespace twintrack {
namespace {

using namespace test;
using VoxelSet = std::function<bool(std::int64_t)>;

Overlap overlap_of(std::int64_t voxels, const VoxelSet& a, const VoxelSet& b) {
  Overlap sets;
  for (std::int64_t i = 0; i < voxels; ++i) {
    sets.both += a(i) && b(i);
    sets.first += a(i);
    sets.second += b(i);
  }
  return sets;
}

double jaccard_distance(std::int64_t voxels, const VoxelSet& a, const VoxelSet& b) {
  std::int64_t both = 0;
  std::int64_t either = 0;
  for (std::int64_t i = 0; i < voxels; ++i) {
    both += a(i) && b(i);
    either += a(i) || b(i);
  }
  return either == 0 ? 0.0 : 1 - static_cast<double>(both) / static_cast<double>(either);
}

VoxelSet above(const RatedCase& rated, double threshold) {
  return [&rated, threshold](std::int64_t i) { return static_cast<double>(rated.probability.voxels[i]) > threshold; };
}

double mean_distance(std::int64_t voxels, const std::vector<VoxelSet>& a, const std::vector<VoxelSet>& b) {
  double sum = 0;
  for (const VoxelSet& first : a) {
    for (const VoxelSet& second : b) sum += jaccard_distance(voxels, first, second);
  }
  return sum / static_cast<double>(a.size() * b.size());
}

constexpr double kThresholds[] = {0.1, 0.24000000000000002, 0.38, 0.52, 0.66, 0.8};  // numpy.linspace(0.1, 0.8, 6)

TEST(AgreementCounts, thresholds_are_those_of_numpy) {
  for (int i = 0; i < 6; ++i) EXPECT_EQ(kChallengeThresholds[i], kThresholds[i]);
}

TEST(AgreementCounts, comparisons_are_those_of_float64) {
  for (const double threshold : {0.1, 0.24000000000000002, 0.38, 0.5, 0.52, 0.66, 0.8}) {
    const float edge = first_float_above(threshold);
    EXPECT_GT(static_cast<double>(edge), threshold);
    EXPECT_LE(static_cast<double>(std::nextafter(edge, 0.0F)), threshold);
  }
}

TEST(AgreementCounts, thresholded_dice_equals_its_definition) {
  unsigned seed = 0;
  for (const auto& [shape, raters] : scenes()) {
    const RatedCase rated = random_case(shape, raters, ++seed);
    double sum = 0;
    for (const double t : kThresholds) {
      const Overlap sets = overlap_of(voxel_count(shape), above(rated, t), [&](std::int64_t i) {
        return static_cast<double>(marks_at(rated.raters, i)) / rated.raters.size() > t;
      });
      const auto size = static_cast<double>(sets.first + sets.second);
      sum += size == 0 ? 1.0 : 2.0 * static_cast<double>(sets.both) / (size + 1e-6);
    }
    EXPECT_NEAR(thresholded_dice(count_agreement(rated.probability.voxels, rated.raters)), sum / 6, 1e-14)
        << testing::PrintToString(shape);
  }
}

TEST(AgreementCounts, levels_equal_their_definition) {
  unsigned seed = 20;
  for (const auto& [shape, raters] : scenes()) {
    const RatedCase rated = random_case(shape, raters, ++seed);
    const auto levels = agreement_levels(count_agreement(rated.probability.voxels, rated.raters), 2.5);
    ASSERT_EQ(std::ssize(levels), raters);
    for (int k = 1; k <= raters; ++k) {
      const Overlap sets = overlap_of(
          voxel_count(shape),
          [&, level = static_cast<float>(k) / static_cast<float>(raters) - 1e-6F](std::int64_t i) {
            return rated.probability.voxels[i] >= level;
          },
          [&](std::int64_t i) { return marks_at(rated.raters, i) >= k; });
      const AgreementLevel& level = levels[k - 1];
      EXPECT_EQ(level.raters, k);
      EXPECT_EQ(level.probability_volume_mm3, 2.5 * static_cast<double>(sets.first));
      EXPECT_EQ(level.rater_volume_mm3, 2.5 * static_cast<double>(sets.second));
      const auto size = static_cast<double>(sets.first + sets.second);
      EXPECT_NEAR(level.dice, size == 0 ? 1.0 : 2.0 * static_cast<double>(sets.both) / size, 1e-14);
    }
  }
}

TEST(AgreementCounts, a_map_of_the_raters_agreement_reaches_every_level) {
  for (const int raters : {1, 3, 5, 7, 10, 49, 64}) {
    RatedCase rated = random_case({9, 10, 11}, raters, 7);
    for (std::size_t i = 0; i < rated.probability.voxels.size(); ++i)
      rated.probability.voxels[i] = static_cast<float>(static_cast<double>(marks_at(rated.raters, i)) / raters);
    for (const AgreementLevel& level : agreement_levels(count_agreement(rated.probability.voxels, rated.raters), 1))
      EXPECT_EQ(level.dice, 1) << level.raters << " of " << raters;
  }
}

TEST(AgreementCounts, sums_equal_their_definition) {
  unsigned seed = 40;
  for (const auto& [shape, raters] : scenes()) {
    const RatedCase rated = random_case(shape, raters, ++seed);
    long double p_sum = 0;
    long double m_sum = 0;
    long double product_sum = 0;
    for (std::int64_t i = 0; i < voxel_count(shape); ++i) {
      const long double p = rated.probability.voxels[i];
      const long double m = static_cast<long double>(marks_at(rated.raters, i)) / raters;
      p_sum += p;
      m_sum += m;
      product_sum += p * m;
    }
    const AgreementCounts counts = count_agreement(rated.probability.voxels, rated.raters);
    EXPECT_NEAR(counts.probability_sum, static_cast<double>(p_sum), 1e-10);
    const double expected = p_sum + m_sum == 0 ? 1 : static_cast<double>(2 * product_sum / (p_sum + m_sum));
    EXPECT_NEAR(soft_dice(counts), expected, 1e-12);
  }
}

TEST(AgreementCounts, energy_distance_equals_its_definition) {
  unsigned seed = 60;
  for (const auto& [shape, raters] : scenes()) {
    if (voxel_count(shape) > 20000) continue;
    const RatedCase rated = random_case(shape, raters, ++seed);
    std::vector<VoxelSet> maps;
    for (const double t : kThresholds) maps.push_back(above(rated, t));
    std::vector<VoxelSet> marked;
    for (const BitMask& mask : rated.raters.masks) marked.push_back([&mask](std::int64_t i) { return mask[i]; });
    const std::int64_t n = voxel_count(shape);
    const double expected =
        2 * mean_distance(n, maps, marked) - mean_distance(n, maps, maps) - mean_distance(n, marked, marked);
    EXPECT_NEAR(generalized_energy_distance(count_agreement(rated.probability.voxels, rated.raters)), expected, 1e-12);
    EXPECT_GE(expected, -1e-12);
  }
}

TEST(AgreementCounts, energy_distance_of_equal_sets_is_zero) {
  RatedCase rated = random_case({9, 10, 11}, 1, 3);
  for (std::size_t i = 0; i < rated.probability.voxels.size(); ++i)
    rated.probability.voxels[i] = rated.raters.masks[0][i] ? 1.0F : 0.0F;
  EXPECT_NEAR(generalized_energy_distance(count_agreement(rated.probability.voxels, rated.raters)), 0, 1e-15);
  const RatedCase empty = empty_case({4, 5, 6}, 5);
  EXPECT_EQ(generalized_energy_distance(count_agreement(empty.probability.voxels, empty.raters)), 0);
}

TEST(AgreementCounts, everything_against_nothing_is_as_far_as_can_be) {
  RatedCase rated = empty_case({4, 5, 6}, 5);
  std::fill(rated.probability.voxels.begin(), rated.probability.voxels.end(), 1.0F);
  const AgreementCounts counts = count_agreement(rated.probability.voxels, rated.raters);
  EXPECT_EQ(generalized_energy_distance(counts), 2);
  EXPECT_EQ(thresholded_dice(counts), 0);
  EXPECT_EQ(soft_dice(counts), 0);
}

// Float32 rounds 0.8 and 0.24 up and 0.1, 0.66 up or down: what counts is the exact value that is stored.
TEST(AgreementCounts, probabilities_at_a_threshold_are_compared_exactly) {
  for (const double t : kThresholds) {
    RatedCase rated = empty_case({1, 1, 3}, 1);
    const auto nearest = static_cast<float>(t);
    rated.probability.voxels = {std::nextafter(nearest, 0.0F), nearest, std::nextafter(nearest, 1.0F)};
    std::int64_t expected = 0;
    for (const float p : rated.probability.voxels) expected += static_cast<double>(p) > t;
    const AgreementCounts counts = count_agreement(rated.probability.voxels, rated.raters);
    EXPECT_EQ(counts.at(first_float_above(t), 1).first, expected) << t;
  }
}

TEST(AgreementCounts, four_of_five_raters_do_not_exceed_the_threshold_of_0_8) {
  RatedCase rated = empty_case({1, 1, 1}, 5);
  for (int k = 0; k < 4; ++k) rated.raters.masks[k].set(0);
  rated.probability.voxels[0] = 0.7F;
  EXPECT_NEAR(thresholded_dice(count_agreement(rated.probability.voxels, rated.raters)), 1, 1e-6);
}

}  // namespace
}  // namespace twintrack

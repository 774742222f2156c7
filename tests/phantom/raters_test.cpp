// The closed form of the mean human response against raters that are really drawn.
#include "twintrack/phantom/raters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "twintrack/core/parallel.hpp"

namespace twintrack::phantom {
namespace {

// A ball with an extension and stranding beside it; the background's contrast falls from left to right.
LatentField ball() {
  LatentField latent;
  latent.box = {{3, 4, 5}, {3 + 20, 4 + 24, 5 + 40}};
  const Shape3 shape = latent.box.shape();
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        const auto depth = [&](float cx, float cy, float cz, float radius) {
          const float dx = static_cast<float>(x) - cx, dy = static_cast<float>(y) - cy, dz = static_cast<float>(z) - cz;
          return radius - std::sqrt(dx * dx + dy * dy + dz * dz);
        };
        latent.core_mm.push_back(depth(20, 12, 10, 8));
        latent.full_mm.push_back(std::max(latent.core_mm.back(), depth(20, 20, 10, 4)));
        latent.stranding_mm.push_back(depth(20, 4, 10, 4));
        latent.background_hu.push_back(65 + 2.5F * static_cast<float>(40 - x));
      }
    }
  }
  return latent;
}
constexpr float kTumorHu = 65;
constexpr Spacing3 kSpacing{1, 1, 1};

TEST(Raters, MeanOfManyPanelsIsTheMeanHumanResponse) {
  const RaterModel model;
  const LatentField latent = ball();
  const auto ambiguity = ambiguity_mm(model, latent, kTumorHu, kSpacing);
  constexpr int raters = 3, panels = 1500;
  const auto response = mean_human_response(model, latent, ambiguity, raters);
  std::vector<int> marks(response.size());
  for (int panel = 0; panel < panels; ++panel) {
    for (int k = 0; k < raters; ++k) {
      const auto drawn = draw_rater(model, latent, ambiguity, kSpacing, k, static_cast<std::uint64_t>(panel));
      for (std::size_t i = 0; i < marks.size(); ++i) marks[i] += drawn[i];
    }
  }
  double chi_square = 0;
  std::int64_t voxels = 0;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const double p = response[i], share = static_cast<double>(marks[i]) / (raters * panels);
    // Raters differ in their own probabilities, so p (1 - p) / n is at least the variance of the mean.
    const double error = std::sqrt(p * (1 - p) / (raters * panels));
    ASSERT_NEAR(share, p, 6 * error + 1e-3) << i;
    if (p > 0.02 && p < 0.98) {
      chi_square += (share - p) * (share - p) / (error * error);
      ++voxels;
    }
  }
  EXPECT_GT(voxels, 2000);
  EXPECT_LT(chi_square / static_cast<double>(voxels), 1.6);
  EXPECT_GT(*std::ranges::max_element(response), 0.99F);
}

TEST(Raters, AgreeEverywhereOnTheOutlineWhenTheyAreOnePerson) {
  RaterModel model;
  model.bias_sd = model.boundary_sd = model.miss_probability = model.stranding_probability = 0;
  model.case_sd = 1e-6;
  const LatentField latent = ball();
  const auto ambiguity = ambiguity_mm(model, latent, kTumorHu, kSpacing);
  const auto response = mean_human_response(model, latent, ambiguity, 4);
  const auto drawn = draw_rater(model, latent, ambiguity, kSpacing, 2, 9);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if (std::abs(latent.full_mm[i]) < 1e-3F) continue;
    ASSERT_EQ(drawn[i], latent.full_mm[i] > 0 ? 1 : 0);
    ASSERT_NEAR(response[i], drawn[i], 1e-6);
  }
}

TEST(Raters, DisagreeMoreWhereContrastIsLow) {
  const RaterModel model;
  const LatentField latent = ball();
  const auto ambiguity = ambiguity_mm(model, latent, kTumorHu, kSpacing);
  const auto response = mean_human_response(model, latent, ambiguity, 5);
  double high = 0, low = 0;  // contrast: left and right half of the ball
  for (std::size_t i = 0; i < response.size(); ++i) {
    const double spread = static_cast<double>(response[i] * (1 - response[i]));
    const auto x = i % 40;
    if (x < 20) high += spread;
    if (x > 20) low += spread;
  }
  EXPECT_GT(low, 1.3 * high);
  EXPECT_LT(ambiguity.front(), ambiguity[39]);
  EXPECT_GE(*std::ranges::min_element(ambiguity), static_cast<float>(model.sharp_border_mm) - 1e-6F);
}

TEST(Raters, BiasBelongsToThePersonAndIsNotThePanels) {
  const RaterModel model;
  EXPECT_NEAR(rater_bias(model, 0), 0, 1e-9);
  EXPECT_NEAR(rater_bias(model, 1), -0.6745 * model.bias_sd, 1e-4);
  EXPECT_NEAR(rater_bias(model, 2), 0.6745 * model.bias_sd, 1e-4);
  EXPECT_GT(miss_probability(model, 1), miss_probability(model, 2));
  EXPECT_LT(stranding_probability(model, 1), stranding_probability(model, 2));
  const LatentField latent = ball();
  const auto ambiguity = ambiguity_mm(model, latent, kTumorHu, kSpacing);
  std::int64_t strict = 0, generous = 0;
  for (std::uint64_t key = 0; key < 40; ++key) {
    for (const std::uint8_t m : draw_rater(model, latent, ambiguity, kSpacing, 1, key)) strict += m;
    for (const std::uint8_t m : draw_rater(model, latent, ambiguity, kSpacing, 2, key)) generous += m;
  }
  EXPECT_GT(static_cast<double>(generous), 1.2 * static_cast<double>(strict));
}

TEST(Raters, DrawingDoesNotDependOnTheNumberOfThreads) {
  const RaterModel model;
  const LatentField latent = ball();
  const int usual = thread_count();
  std::vector<std::vector<std::uint8_t>> drawn;
  std::vector<std::vector<float>> responses;
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    const auto ambiguity = ambiguity_mm(model, latent, kTumorHu, kSpacing);
    drawn.push_back(draw_rater(model, latent, ambiguity, kSpacing, 1, 4));
    responses.push_back(mean_human_response(model, latent, ambiguity, 5));
  }
  set_thread_count(usual);
  EXPECT_EQ(drawn[0], drawn[1]);
  EXPECT_EQ(responses[0], responses[1]);
}

}  // namespace
}  // namespace twintrack::phantom

#include "twintrack/evaluation/case_metrics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "evaluation/rated_case.hpp"
#include "support/golden.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/crps.hpp"

namespace twintrack {
namespace {

using namespace test;

CaseMetrics evaluate(const RatedCase& rated) {
  return evaluate_case(rated.probability, rated.raters, rated.segmentation);
}

RatedCase with_probability(RatedCase rated, float probability, bool segmented) {
  std::fill(rated.probability.voxels.begin(), rated.probability.voxels.end(), probability);
  rated.segmentation = mask_where(rated.segmentation.shape(), [segmented](auto...) { return segmented; });
  return rated;
}

class OfficialCode : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(golden, OfficialCode, testing::Range(0, 6));

TEST_P(OfficialCode, gives_the_same_values) {
  TWINTRACK_REQUIRE_GOLDEN();
  const auto folder = golden_folder() / "metrics" / ("case_0" + std::to_string(GetParam()));
  RatedCase rated;
  rated.probability = read_probability(folder / "probability.nii.gz");
  rated.segmentation = read_mask(folder / "segmentation.nii.gz").mask;
  std::vector<std::filesystem::path> files;
  for (int k = 1; k <= 5; ++k) files.push_back(folder / ("annotation_" + std::to_string(k) + ".nii.gz"));
  rated.raters = read_raters(files);

  const Json golden = read_json(folder / "expected.json");
  const Json& expected = golden["expected"];
  const CaseMetrics metrics = evaluate(rated);
  EXPECT_NEAR(metrics.tdsc, expected["tdsc"].get<double>(), 1e-9);
  EXPECT_NEAR(dice(overlap(rated.segmentation, majority(rated.raters)), kChallengeSmoothing),
              expected["dsc"].get<double>(), 1e-9);
  for (int k = 0; k < 5; ++k)
    EXPECT_NEAR(metrics.calibration.ece[k], expected["ece"][std::to_string(k)].get<double>(), 2e-6) << k;
  EXPECT_NEAR(metrics.ece_mean, expected["ece_mean"].get<double>(), 2e-6);
  const double crps = expected["crps"].get<double>();
  EXPECT_NEAR(metrics.crps_mm3, crps, 1e-7 * crps);
  EXPECT_NEAR(metrics.crps_tabulated_mm3, crps, 2e-3 * crps);
  for (int k = 0; k < 5; ++k) {
    const double volume = golden["volumes_mm3"][k].get<double>();
    EXPECT_NEAR(metrics.rater_volumes_mm3[k], volume, 1e-6 * volume);
  }
}

TEST(CaseMetrics, of_a_perfect_map_of_one_rater) {
  RatedCase rated = random_case({20, 21, 22}, 1, 4, {2, 1, 0.5});
  for (std::size_t i = 0; i < rated.probability.voxels.size(); ++i)
    rated.probability.voxels[i] = rated.raters.masks[0][i] ? 1.0F : 0.0F;
  rated.segmentation = rated.raters.masks[0];
  const CaseMetrics metrics = evaluate(rated);
  EXPECT_NEAR(metrics.tdsc, 1, 1e-8);
  EXPECT_NEAR(metrics.dsc, 1, 1e-8);
  EXPECT_NEAR(metrics.ece_mean, 0, 1e-12);
  EXPECT_EQ(metrics.crps_mm3, 0);
  EXPECT_EQ(metrics.crps_exact_mm3, 0);
  EXPECT_EQ(metrics.expected_volume_mm3, static_cast<double>(count(rated.segmentation)));
  EXPECT_EQ(metrics.segmentation_volume_mm3, metrics.rater_volumes_mm3[0]);
  EXPECT_EQ(metrics.soft_dice, 1);
  EXPECT_EQ(metrics.agreement[0].dice, 1);
  EXPECT_EQ(metrics.surface.hd95_mm, 0);
  EXPECT_EQ(metrics.surface.average_mm, 0);
  EXPECT_NEAR(metrics.generalized_energy_distance, 0, 1e-15);
  EXPECT_EQ(metrics.calibration.brier.score, 0);
}

TEST(CaseMetrics, where_nobody_marked_anything_and_nothing_is_predicted) {
  const CaseMetrics metrics = evaluate(empty_case({5, 6, 7}, 5));
  EXPECT_EQ(metrics.tdsc, 1);
  EXPECT_EQ(metrics.dsc, 1);
  EXPECT_EQ(metrics.ece_mean, 0);
  EXPECT_EQ(metrics.crps_mm3, 0);
  EXPECT_EQ(metrics.soft_dice, 1);
  EXPECT_EQ(metrics.surface.hd95_mm, 0);
  EXPECT_EQ(metrics.generalized_energy_distance, 0);
  EXPECT_EQ(metrics.calibration.box, (Box3{{0, 0, 0}, {5, 6, 7}}));
}

TEST(CaseMetrics, where_nobody_marked_anything_but_all_is_predicted) {
  const CaseMetrics metrics = evaluate(with_probability(empty_case({5, 6, 7}, 5, {1, 2, 3}), 1, true));
  EXPECT_EQ(metrics.tdsc, 0);
  EXPECT_EQ(metrics.dsc, 0);
  EXPECT_NEAR(metrics.ece_mean, 1, 1e-7);
  EXPECT_EQ(metrics.crps_mm3, 210 * 6);
  EXPECT_EQ(metrics.crps_exact_mm3, 210 * 6);
  EXPECT_EQ(metrics.soft_dice, 0);
  EXPECT_TRUE(std::isnan(metrics.surface.hd95_mm));
  EXPECT_EQ(metrics.generalized_energy_distance, 2);
  EXPECT_EQ(metrics.calibration.brier.score, 1);
  EXPECT_EQ(metrics.agreement[4].probability_volume_mm3, 210 * 6);
}

TEST(CaseMetrics, where_nothing_is_predicted) {
  const RatedCase rated = with_probability(random_case({15, 16, 17}, 5, 8), 0, false);
  const CaseMetrics metrics = evaluate(rated);
  EXPECT_EQ(metrics.tdsc, 0);
  EXPECT_EQ(metrics.dsc, 0);
  EXPECT_EQ(metrics.expected_volume_mm3, 0);
  EXPECT_EQ(metrics.soft_dice, 0);
  EXPECT_TRUE(std::isnan(metrics.surface.average_mm));
  // Always background with confidence 1: wrong where the rater marked.
  const double voxels = static_cast<double>(voxel_count(metrics.calibration.box.shape()));
  for (int k = 0; k < 5; ++k) EXPECT_NEAR(metrics.calibration.ece[k], metrics.rater_volumes_mm3[k] / voxels, 1e-12);
}

TEST(CaseMetrics, where_all_is_marked_and_predicted) {
  RatedCase rated = with_probability(empty_case({5, 6, 70}, 64), 1, true);
  for (BitMask& mask : rated.raters.masks) mask = rated.segmentation;
  const CaseMetrics metrics = evaluate(rated);
  EXPECT_NEAR(metrics.tdsc, 1, 1e-8);
  EXPECT_NEAR(metrics.dsc, 1, 1e-8);
  EXPECT_NEAR(metrics.ece_mean, 0, 1e-7);
  EXPECT_EQ(metrics.crps_mm3, 0);
  EXPECT_EQ(metrics.soft_dice, 1);
  EXPECT_EQ(metrics.surface.hd95_mm, 0);
  for (const AgreementLevel& level : metrics.agreement) EXPECT_EQ(level.dice, 1);
}

TEST(CaseMetrics, where_all_raters_marked_the_same_volume_the_score_is_the_volumes_error) {
  RatedCase rated = empty_case({1, 1, 40}, 3);
  for (int k = 0; k < 3; ++k) {
    for (int x = 0; x < 10; ++x) rated.raters.masks[k].set(10 * k + x);
  }
  std::fill(rated.probability.voxels.begin(), rated.probability.voxels.end(), 0.5F);
  EXPECT_DOUBLE_EQ(evaluate(rated).crps_mm3, 10);
  EXPECT_DOUBLE_EQ(evaluate(rated).crps_exact_mm3, 10);
}

TEST(CaseMetrics, crps_is_that_of_the_volumes) {
  const CaseMetrics metrics = evaluate(random_case({20, 21, 22}, 4, 6, {1.5, 0.7, 0.7}));
  const VolumeDistribution raters = volume_distribution(metrics.rater_volumes_mm3);
  EXPECT_EQ(metrics.crps_mm3, challenge_crps_mm3(raters, metrics.expected_volume_mm3));
  EXPECT_EQ(metrics.crps_exact_mm3, normal_crps_mm3(raters, metrics.expected_volume_mm3));
}

TEST(CaseMetrics, dice_and_distances_are_to_the_consensus_of_staple) {
  const RatedCase rated = random_case({20, 21, 22}, 5, 9, {2, 1, 0.5});
  const CaseMetrics metrics = evaluate(rated);
  const BitMask consensus = staple(rated.raters).consensus;
  EXPECT_EQ(metrics.dsc, dice(overlap(rated.segmentation, consensus), 1e-6));
  EXPECT_EQ(metrics.surface.hd95_mm, surface_distance(rated.segmentation, consensus, {2, 1, 0.5}).hd95_mm);
}

TEST(CaseMetrics, do_not_depend_on_the_number_of_threads) {
  const RatedCase rated = random_case({70, 110, 130}, 5, 12);
  const int threads = thread_count();
  set_thread_count(1);
  const Json one = to_json(evaluate(rated));
  for (const int more : {2, 3, 8}) {
    set_thread_count(more);
    EXPECT_EQ(to_json(evaluate(rated)).dump(), one.dump()) << more;
  }
  set_thread_count(threads);
}

TEST(CaseMetrics, as_json_have_the_challenges_keys_and_null_for_what_has_no_value) {
  const RatedCase rated = with_probability(random_case({9, 10, 11}, 3, 8), 0, false);
  const Json json = to_json(evaluate(rated));
  for (const char* key : {"tdsc", "dsc", "ece_mean", "crps", "crps_exact", "response_calibration_error", "soft_dice",
                          "generalized_energy_distance"})
    EXPECT_TRUE(json.at(key).is_number()) << key;
  EXPECT_EQ(json.at("ece").size(), 3);
  EXPECT_EQ(json.at("volume_mm3").at("prediction"), 0.0);
  EXPECT_EQ(json.at("volume_mm3").at("segmentation"), 0.0);
  EXPECT_EQ(json.at("volume_mm3").at("raters").size(), 3);
  EXPECT_TRUE(json.at("hd95_mm").is_null());
  EXPECT_TRUE(json.at("average_surface_distance_mm").is_null());
  EXPECT_EQ(json.at("agreement").at(1).at("level"), "2/3");
  EXPECT_EQ(json.at("agreement").at(1).at("volume_error_mm3").get<double>(),
            -json.at("agreement").at(1).at("rater_volume_mm3").get<double>());
  EXPECT_EQ(json.at("reliability").size(), 50);
  EXPECT_TRUE(json.at("reliability").at(30).at("mean_probability").is_null());
  const Json& brier = json.at("brier");
  EXPECT_NEAR(brier.at("score").get<double>(),
              brier.at("reliability").get<double>() - brier.at("resolution").get<double>() +
                  brier.at("uncertainty").get<double>() + brier.at("within_bins").get<double>(),
              1e-14);
}

TEST(CaseMetrics, boxes_are_written_as_x_y_z) {
  const Json box = to_json(evaluate(empty_case({5, 6, 7}, 1))).at("evaluation_box_voxels");
  EXPECT_EQ(box.at("end"), (Json::array({7, 6, 5})));
}

TEST(CaseMetrics, refuse_inputs_that_do_not_fit) {
  const RatedCase rated = empty_case({3, 4, 5}, 2);
  RatedCase bad = rated;
  bad.segmentation = BitMask({3, 5, 4});
  EXPECT_THROW(evaluate(bad), InputError);
  bad = rated;
  bad.raters.masks[1] = BitMask({4, 4, 5});
  EXPECT_THROW(evaluate(bad), InputError);
  bad = rated;
  bad.raters.masks.clear();
  EXPECT_THROW(evaluate(bad), InputError);
  bad.raters.masks.assign(65, BitMask({3, 4, 5}));
  EXPECT_THROW(evaluate(bad), InputError);
  bad = rated;
  bad.probability.voxels.pop_back();
  EXPECT_THROW(evaluate(bad), InputError);
}

}  // namespace
}  // namespace twintrack

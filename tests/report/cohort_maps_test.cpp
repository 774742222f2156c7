// Which maps are before and which after calibration, and what is computed from them.
#include "twintrack/report/cohort_maps.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_cohort.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/evaluation/comparison.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Maps : public testing::Test {
 protected:
  Maps() : manifest_(read_manifest(test::write_cohort(folder_.path(), {.cases = 3}), {})) {}

  // The maps of these cases as `predict` writes them: calibrated beside uncalibrated, with a summary.
  void as_predict_writes(int cases, const std::string& networks = "n1") {
    for (int i = 0; i < cases; ++i) {
      CohortCase& item = manifest_.cases[i];
      const fs::path folder = item.probability.front().parent_path();
      Volume<float> map = read_volume(item.probability.front());
      write_volume(folder / "ct_uncalibrated.nii.gz", map);
      for (float& p : map.voxels) p = std::sqrt(p);
      write_volume(folder / "ct_probability.nii.gz", map);
      const Json summary{{"format", "twintrack-case/1"},
                         {"calibrated", true},
                         {"warnings", {"localiser found little"}},
                         {"bundle", {{"networks_sha256", networks + (i == 2 ? "other" : "")}}}};
      write_file(folder / "ct.json", to_text(summary));
      item.probability = {folder / "ct_probability.nii.gz"};
    }
  }
  CohortMaps added(const std::optional<CalibratorFile>& calibrator = {}) const {
    CohortMaps maps(manifest_, calibrator, {});
    for (const CohortCase& item : manifest_.cases) maps.add(item);
    return maps;
  }
  static CalibratorFile square_root() {
    CalibratorFile file;
    file.calibrator.target = "mhr";
    for (int i = 0; i <= 100; ++i) {
      file.calibrator.x.push_back(static_cast<float>(i) / 100);
      file.calibrator.y.push_back(std::sqrt(static_cast<float>(i) / 100));
    }
    return file;
  }

  test::TemporaryFolder folder_;
  Manifest manifest_;
};

TEST_F(Maps, AreOneStageWhereNothingElseIsKnown) {
  const CohortMaps maps = added();
  ASSERT_EQ(maps.stages().size(), 1u);
  EXPECT_EQ(maps.stages()[0].title, "Maps as given");
  EXPECT_THAT(maps.cases(), ElementsAre("case_1", "case_2", "case_3"));
  EXPECT_THAT(maps.warnings(), IsEmpty());
  const CaseMaps first = read_case_maps(manifest_.cases[0], {}, {});
  const CalibrationMetrics expected = calibration_metrics(first.probability.voxels, first.raters);
  EXPECT_EQ(maps.given().response_error[0], expected.response_error);
  EXPECT_NEAR(maps.given().ece_mean[0],
              (expected.ece[0] + expected.ece[1] + expected.ece[2] + expected.ece[3] + expected.ece[4]) / 5, 1e-15);
  EXPECT_EQ(maps.given().tables[0].size(), 50u);
  EXPECT_EQ(maps.identities()[0], case_identity(manifest_.cases[0]));
}

TEST_F(Maps, BesideTheirUncalibratedOnesAreTheStageAfter) {
  const CohortMaps before = added();
  as_predict_writes(3);
  const CohortMaps maps = added();
  ASSERT_EQ(maps.stages().size(), 2u);
  EXPECT_EQ(maps.stages()[0].title, "Before calibration");
  EXPECT_EQ(maps.stages()[0].response_error, before.given().response_error);
  EXPECT_EQ(&maps.given(), &maps.stages()[1]);
  // The tiny cohort's maps are squared agreement: the root is calibrated.
  for (int i = 0; i < 3; ++i) EXPECT_LT(maps.stages()[1].response_error[i], 0.7 * maps.stages()[0].response_error[i]);
  EXPECT_THAT(maps.warnings(), Contains("case_1: localiser found little"));
  EXPECT_THAT(maps.warnings(), Contains("the maps come from 2 different networks"));
}

TEST_F(Maps, ACalibratorIsAppliedToUncalibratedMaps) {
  const CohortMaps maps = added(square_root());
  ASSERT_EQ(maps.stages().size(), 2u);
  EXPECT_EQ(&maps.given(), &maps.stages()[0]);
  const CaseMaps first = read_case_maps(manifest_.cases[0], {}, {.roi = true});
  const Volume<float> after = calibrated(first, square_root().calibrator);
  EXPECT_EQ(maps.stages()[1].response_error[0], calibration_metrics(after.voxels, first.raters).response_error);
}

TEST_F(Maps, ThatAreCalibratedAreNotCalibratedAgain) {
  as_predict_writes(3);
  for (CohortCase& item : manifest_.cases)
    fs::remove(item.probability.front().parent_path() / "ct_uncalibrated.nii.gz");
  const CohortMaps maps = added(square_root());
  ASSERT_EQ(maps.stages().size(), 1u);
  EXPECT_EQ(maps.stages()[0].title, "After calibration");
}

TEST_F(Maps, OfBothKindsAreOneStageWithAWarning) {
  as_predict_writes(1);
  const CohortMaps maps = added(square_root());
  EXPECT_EQ(maps.stages().size(), 1u);
  EXPECT_THAT(maps.warnings(),
              Contains("1 of 3 maps are known to be calibrated, the others are not: reliability mixes both"));
}

TEST_F(Maps, ThatTheCalibratorWasFittedToAreInSample) {
  CalibratorFile calibrator = square_root();
  calibrator.cases = {{"by another name", case_identity(manifest_.cases[1])}, {"case_3", ""}};
  EXPECT_THAT(added(calibrator).warnings(),
              ElementsAre("the calibrator was fitted to 1 of the 3 cases: figures after calibration are in-sample"));
  as_predict_writes(3);
  CohortCase fitted = manifest_.cases[0];
  fitted.probability = {*uncalibrated_map_beside(fitted.probability.front())};
  calibrator.cases = {{"case_1", case_identity(fitted)}};
  EXPECT_THAT(added(calibrator).warnings(), Contains(HasSubstr("fitted to 1 of the 3 cases")));
}

TEST_F(Maps, OfOtherNetworksThanTheCalibratorsAreToldOf) {
  as_predict_writes(2);
  CalibratorFile calibrator = square_root();
  calibrator.calibrator.networks_sha256 = "n1";
  EXPECT_THAT(added(calibrator).warnings(), testing::Not(Contains(HasSubstr("other networks"))));
  calibrator.calibrator.networks_sha256 = "n2";
  EXPECT_THAT(added(calibrator).warnings(),
              Contains("the calibrator was fitted to other networks than those that made the maps"));
}

TEST_F(Maps, ThatCannotBeReadAddNothing) {
  as_predict_writes(3);
  write_file(manifest_.cases[1].probability.front().parent_path() / "ct_uncalibrated.nii.gz", "no image");
  CohortMaps maps(manifest_, {}, {});
  maps.add(manifest_.cases[0]);
  EXPECT_THAT(test::error_message([&] { maps.add(manifest_.cases[1]); }), HasSubstr("ct_uncalibrated.nii.gz"));
  maps.add(manifest_.cases[2]);
  EXPECT_THAT(maps.cases(), ElementsAre("case_1", "case_3"));
  for (const MapStage& stage : maps.stages()) {
    EXPECT_EQ(stage.tables.size(), 2u);
    EXPECT_EQ(stage.response_error.size(), 2u);
  }
}

TEST_F(Maps, OnAnotherGridThanTheirUncalibratedOnesAreRefused) {
  as_predict_writes(3);
  const fs::path file = manifest_.cases[0].probability.front().parent_path() / "ct_uncalibrated.nii.gz";
  Volume<float> map = read_volume(file);
  map.geometry.origin_mm[0] += 5;
  write_volume(file, map);
  CohortMaps maps(manifest_, {}, {});
  EXPECT_THAT(test::error_message([&] { maps.add(manifest_.cases[0]); }), HasSubstr("another grid"));
}

TEST(UncalibratedMap, IsFoundByItsName) {
  const test::TemporaryFolder folder;
  write_file(folder / "a.b_uncalibrated.nii.gz", "");
  EXPECT_EQ(uncalibrated_map_beside(folder / "a.b_probability.nii.gz"), folder / "a.b_uncalibrated.nii.gz");
  EXPECT_EQ(uncalibrated_map_beside(folder / "a.b_probability.mha"), std::nullopt);
  EXPECT_EQ(uncalibrated_map_beside(folder / "a.b.nii.gz"), std::nullopt);
  EXPECT_EQ(uncalibrated_map_beside(folder / "a.b_uncalibrated.nii.gz"), std::nullopt);
}

}  // namespace
}  // namespace twintrack

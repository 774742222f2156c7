// predict --vessels: contact angles of the calibrated map in the summary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/scene.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class PredictVessels : public testing::Test {
 protected:
  PredictVessels() { write_vessels(tiny_geometry(), 5); }

  fs::path vessels() const { return scene_ / "vessels.nii.gz"; }
  fs::path summary() const { return scene_.out() / "ct.json"; }
  // Two tubes along z: 1 (portal vein) and `second`.
  void write_vessels(const Geometry& geometry, std::uint8_t second) const {
    Volume<std::uint8_t> labels{geometry, std::vector<std::uint8_t>(geometry.voxel_count(), 0)};
    for (std::int64_t i = 0; i < geometry.voxel_count(); ++i) {
      const std::int64_t x = i % geometry.size[0];
      const std::int64_t y = i / geometry.size[0] % geometry.size[1];
      if (y / 3 == 3 && (x / 3 == 2 || x / 3 == 5)) labels.voxels[i] = x / 3 == 2 ? 1 : second;
    }
    write_volume(vessels(), labels);
  }
  Outcome predict(const Arguments& options = {}) const {
    Arguments all = scene_.predict({"--vessels", vessels()});
    all.insert(all.end(), options.begin(), options.end());
    return run_twintrack(all);
  }
  Scene scene_;
};

TEST_F(PredictVessels, AddsWhatTheMapSaysOfThem) {
  const Outcome outcome = predict();
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json document = get_json(summary());
  const Volume<float> map = read_volume(scene_.out() / "ct_probability.nii.gz");
  const Vessels vessels = read_vessels(this->vessels(), challenge_vessels());
  EXPECT_EQ(document["vascular"], Json::parse(to_json(vascular_contact(map, vessels.masks)).dump()));
  EXPECT_GT(document["vascular"]["portal_vein"]["expected"].get<double>(), 0);
  EXPECT_TRUE(document["vascular"]["smv"].is_null());
  EXPECT_EQ(document["vascular_note"], kVascularNote);
  EXPECT_EQ(document["vessels_sha256"], sha256_of_file(this->vessels()));
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\n  portal_vein: expected contact "), HasSubstr("\n  sma: expected"),
                                 Not(HasSubstr("smv"))));
  EXPECT_THAT(outcome.err, HasSubstr(kVascularNote));
}

TEST_F(PredictVessels, SummariesWithoutThemSayNothing) {
  const Outcome outcome = run_twintrack(scene_.predict());
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(get_json(summary()).contains("vascular"));
  EXPECT_THAT(outcome.err, Not(HasSubstr(kVascularNote)));
}

TEST_F(PredictVessels, ResultsOfOtherVesselsAreComputedAgain) {
  ASSERT_EQ(run_twintrack(scene_.predict()).status, 0);
  ASSERT_EQ(predict().status, 0);
  EXPECT_TRUE(get_json(summary()).contains("vascular"));
  EXPECT_THAT(predict().err, HasSubstr("1 of 1 cases had results already"));
  write_vessels(tiny_geometry(), 2);
  EXPECT_THAT(predict().err, Not(HasSubstr("had results already")));
  EXPECT_TRUE(get_json(summary())["vascular"]["smv"].is_object());
}

TEST_F(PredictVessels, OfAnotherGridAreRefusedNamingBothFiles) {
  Geometry shifted = tiny_geometry();
  shifted.origin_mm[2] += 10;
  write_vessels(shifted, 5);
  const Outcome outcome = predict();
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr(vessels().string() + ": lies on another grid than " + scene_.ct().string()));
  EXPECT_THAT(files_below(scene_.out()), IsEmpty());
}

TEST_F(PredictVessels, FilesWithoutAnyAreRefused) {
  write_volume(vessels(),
               Volume<std::uint8_t>{tiny_geometry(), std::vector<std::uint8_t>(tiny_geometry().voxel_count(), 9)});
  const Outcome outcome = predict();
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr(vessels().string() + ": holds none of the vessel labels 1 (portal_vein)"));
  EXPECT_THAT(files_below(scene_.out()), IsEmpty());
}

TEST_F(PredictVessels, BelongToOneCase) {
  const fs::path cases = scene_ / "cases";
  fs::create_directory(cases);
  fs::copy_file(scene_.ct(), cases / "one.nii.gz");
  fs::copy_file(scene_.ct(), cases / "two.nii.gz");
  const Outcome outcome = run_twintrack(scene_.predict_on(cases, {"--vessels", vessels()}));
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--vessels " + vessels().string() + ": belongs to one case"));
  EXPECT_THAT(files_below(scene_.out()), IsEmpty());
}

}  // namespace
}  // namespace twintrack::test

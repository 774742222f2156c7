// calibrate as a user runs it: what it writes, the edge cases of a cohort, statistics of several machines.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "cli/calibrate_scene.hpp"
#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"

namespace twintrack::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

double curve(const Json& calibrator, float x) { return parse_calibrator(JsonView(calibrator, "calibrator.json"))(x); }

double largest_difference(const Json& a, const Json& b) {
  double largest = 0;
  for (int i = 0; i <= 1000; ++i) {
    const float x = static_cast<float>(i) / 1000;
    largest = std::max(largest, std::abs(curve(a, x) - curve(b, x)));
  }
  return largest;
}

TEST_F(Calibrate, RecoversTheAgreementThatTheMapsDistort) {
  const Json calibrator = fit(cohort({.cases = 6, .raters = 5, .size = {36, 34, 30}}));
  EXPECT_EQ(calibrator["target"], "mhr");
  EXPECT_EQ(calibrator["cases"], 6);
  EXPECT_EQ(calibrator["raters"]["most"], 5);
  EXPECT_THAT(calibrator["warnings"], IsEmpty());
  for (const float p : {0.05F, 0.1F, 0.3F, 0.5F, 0.7F, 0.85F})
    EXPECT_NEAR(curve(calibrator, p), std::sqrt(p), 0.03) << p;
  const Json& d = calibrator["diagnostics"];
  for (const char* figure : {"brier", "calibration_error"}) {
    EXPECT_LT(d["after"][figure], d["before"][figure]);
    EXPECT_LT(d["leave_one_case_out"][figure], d["before"][figure]);
    EXPECT_LE(d["after"][figure], d["leave_one_case_out"][figure]);
  }
  EXPECT_GT(d["leave_one_case_out"]["tdsc"], d["before"]["tdsc"]);
  EXPECT_THAT(err_, HasSubstr(kResearchUse));
  EXPECT_THAT(out_, AllOf(HasSubstr("as predicted"), HasSubstr("left-out case"), HasSubstr("target mhr, 6 case(s)")));
}

TEST_F(Calibrate, ResultIsTheSameOnAnyNumberOfThreadsAndInAnyOrder) {
  cohort({.cases = 4, .raters = 4});  // shares of four raters are exact: the order of sums does not matter
  std::vector<std::string> documents;
  for (const char* threads : {"1", "2", "3"}) {
    fit(part("a.csv", {0, 1, 2, 3}), {"--threads", threads, "--overwrite"});
    documents.push_back(get_file(output()));
  }
  EXPECT_EQ(documents[0], documents[1]);
  EXPECT_EQ(documents[0], documents[2]);
  const Json forward = get_json(output());
  const Json backward = fit(part("b.csv", {3, 1, 2, 0}), {"--overwrite"});
  for (const char* key : {"x", "y", "support", "voxels", "input"}) EXPECT_EQ(forward[key], backward[key]) << key;
}

TEST_F(Calibrate, TargetsDifferAndAreNamed) {
  const fs::path manifest = cohort();
  std::vector<Json> curves;
  for (const char* target : {"mhr", "rater:1", "rater:5", "majority", "staple"}) {
    curves.push_back(fit(manifest, {"--target", target, "--overwrite"}));
    EXPECT_EQ(curves.back()["target"], target);
    for (std::size_t i = 0; i + 1 < curves.size(); ++i) EXPECT_GT(largest_difference(curves[i], curves.back()), 1e-3);
  }
}

TEST_F(Calibrate, CaseWeightEqualCountsASmallCaseAsALargeOne) {
  write_case(*this / "case_1", tiny_case({.size = {12, 12, 12}}, 0));
  write_case(*this / "case_2", tiny_case({.size = {36, 36, 36}}, 1));
  change_labels(*this / "case_1" / "rater_01.nii.gz", [](auto& v) { std::ranges::fill(v.voxels, 1); });
  const fs::path manifest = part("m.csv", {0, 1});
  const Json voxel = fit(manifest);
  const Json equal = fit(manifest, {"--case-weight", "equal", "--overwrite"});
  EXPECT_EQ(voxel["case_weight"], "voxel");
  EXPECT_EQ(equal["case_weight"], "equal");
  EXPECT_EQ(voxel["voxels"], equal["voxels"]);
  EXPECT_GT(curve(equal, 0), curve(voxel, 0) + 0.05);  // the small case's first rater marked everything
}

TEST_F(Calibrate, JsonOnStandardOutputIsOneDocument) {
  fit(cohort(), {"--json"});
  const Json line = Json::parse(out_);
  EXPECT_EQ(line["calibrator"], output().string());
  EXPECT_EQ(line["cases"], 3);
  EXPECT_EQ(line["diagnostics"], get_json(output())["diagnostics"]);
  EXPECT_EQ(std::ranges::count(out_, '\n'), 1);
}

TEST_F(Calibrate, RegionIsTheManifestsOrTheBoxOfMarksAndItIsSaid) {
  cohort();
  const Json with = fit(part("with.csv", {0, 1, 2}));
  EXPECT_THAT(err_, Not(HasSubstr("roi")));
  std::int64_t inside = 0;
  for (int i = 0; i < 3; ++i) {
    for (const std::uint8_t v : tiny_case({}, i).roi.voxels) inside += v;
  }
  EXPECT_EQ(with["voxels"], inside);
  const Json without = fit(part("without.csv", {0, 1, 2}, {"probability", "raters"}), {"--overwrite"});
  EXPECT_THAT(err_, AllOf(HasSubstr("3 of 3 cases have no `roi`"), HasSubstr("grown by 20 voxels")));
  EXPECT_EQ(without["voxels"], 3 * 18 * 15 * 12);  // 20 voxels around the tumour are the whole grid here
  write_file(*this / "mixed.csv",
             "case,probability,raters,roi\ncase_1,case_1/probability.nii.gz,case_1/rater_*.nii.gz,\n"
             "case_2,case_2/probability.nii.gz,case_2/rater_*.nii.gz,case_2/roi.nii.gz\n");
  fit(*this / "mixed.csv", {"--overwrite"});
  EXPECT_THAT(err_, HasSubstr("1 of 2 cases have no `roi`"));
}

// Edge cases of the cohort.

TEST_F(Calibrate, OneCaseWithOneRater) {
  const Json calibrator = fit(cohort({.cases = 1, .raters = 1}));
  EXPECT_THAT(calibrator["warnings"], Contains(HasSubstr("one case only")));
  EXPECT_TRUE(calibrator["band"].is_null());
  EXPECT_TRUE(calibrator["diagnostics"]["leave_one_case_out"].is_null());
  EXPECT_THAT(err_, HasSubstr("twintrack: warning: one case only"));
}

TEST_F(Calibrate, AllRatersEmpty) {
  const fs::path manifest = cohort({.cases = 2, .raters = 2});
  for (const char* file : {"case_1/rater_01", "case_1/rater_02", "case_2/rater_01", "case_2/rater_02"})
    change_labels(*this / (std::string(file) + ".nii.gz"), [](auto& v) { std::ranges::fill(v.voxels, 0); });
  for (const char* target : {"mhr", "rater:2", "majority", "staple"}) {
    const Json calibrator = fit(manifest, {"--target", target, "--overwrite"});
    EXPECT_THAT(calibrator["y"].get<std::vector<double>>(), testing::Each(0.0));
    EXPECT_THAT(calibrator["warnings"], Contains(HasSubstr("no rater marked anything")));
  }
}

TEST_F(Calibrate, AllProbabilitiesEqual) {
  const fs::path manifest = cohort({.cases = 2, .raters = 3});
  double marked = 0;
  double voxels = 0;
  for (int i = 0; i < 2; ++i) {
    TinyCase made = tiny_case({.cases = 2, .raters = 3}, i);
    std::ranges::fill(made.probability.voxels, 0.25F);
    write_volume(*this / case_name(i) / "probability.nii.gz", made.probability);
    for (std::size_t v = 0; v < made.roi.voxels.size(); ++v) {
      if (made.roi.voxels[v] == 0) continue;
      voxels += 3;
      for (const auto& rater : made.raters) marked += rater.voxels[v];
    }
  }
  const Json calibrator = fit(manifest);
  EXPECT_EQ(calibrator["x"], Json({0.25}));
  EXPECT_NEAR(calibrator["y"][0], marked / voxels, 1e-7);
  EXPECT_THAT(calibrator["warnings"], ElementsAre(HasSubstr("all probabilities are 0.25")));
}

TEST_F(Calibrate, ConstantTarget) {
  const fs::path manifest = cohort({.cases = 2, .raters = 1});
  for (const char* name : {"case_1", "case_2"})
    change_labels(*this / name / "rater_01.nii.gz", [](auto& v) { std::ranges::fill(v.voxels, 1); });
  const Json calibrator = fit(manifest);
  EXPECT_THAT(calibrator["y"].get<std::vector<double>>(), testing::Each(1.0));
  EXPECT_THAT(calibrator["warnings"], ElementsAre(HasSubstr("the curve is constant (1)")));
}

TEST_F(Calibrate, RatersThatDifferInNumberBetweenCases) {
  write_case(*this / "case_1", tiny_case({.raters = 2}, 0));
  write_case(*this / "case_2", tiny_case({.raters = 5}, 1));
  const Json calibrator = fit(part("m.csv", {0, 1}));
  EXPECT_EQ(calibrator["raters"]["fewest"], 2);
  EXPECT_EQ(calibrator["raters"]["most"], 5);
  EXPECT_EQ(calibrator["input"]["cases"][1]["raters"], 5);
}

TEST_F(Calibrate, GeometryThatDiffersByRoundingOnly) {
  const fs::path manifest = cohort();
  const Json expected = fit(manifest);
  change_labels(*this / "case_2" / "rater_03.nii.gz", [](auto& v) {
    for (double& origin : v.geometry.origin_mm) origin += 1e-4;
    v.geometry.spacing_mm[0] *= 1 + 1e-6;
  });
  const Json found = fit(manifest, {"--overwrite"});
  EXPECT_EQ(found["x"], expected["x"]);
  EXPECT_EQ(found["y"], expected["y"]);
  EXPECT_NE(found["input"]["sha256"], expected["input"]["sha256"]);
}

TEST_F(Calibrate, TumorLabelsOfRaters) {
  const fs::path manifest = cohort();
  const Json expected = fit(manifest);
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (!entry.path().filename().string().starts_with("rater_")) continue;
    std::size_t place = 0;
    change_labels(entry.path(), [&](auto& v) {
      for (std::uint8_t& label : v.voxels) {
        ++place;
        label = static_cast<std::uint8_t>(label == 1 ? 2 + place % 2 : place % 2);  // tumour 2 and 3; 1 is an organ
      }
    });
  }
  const Json found = fit(manifest, {"--tumor-label", "2", "--tumor-label", "3", "--overwrite"});
  EXPECT_EQ(found["x"], expected["x"]);
  EXPECT_EQ(found["y"], expected["y"]);
}

// Statistics.

TEST_F(Calibrate, MergedStatisticsGiveTheFitInOneGo) {
  cohort({.cases = 5, .raters = 4});
  const Json whole = fit(part("all.csv", {0, 1, 2, 3, 4}));
  for (const auto& [name, numbers] : std::vector<std::pair<std::string, std::vector<int>>>{{"a", {3}}, {"b", {1, 4}}}) {
    const Outcome outcome = run_twintrack(
        {"calibrate", "--manifest", part(name + ".csv", numbers), "--statistics-out", *this / (name + ".stats")});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
  const auto merge = [&](const Arguments& from) {
    Arguments all{"calibrate", "-o", output(), "--overwrite"};
    all.insert(all.end(), from.begin(), from.end());
    const Outcome outcome = run_twintrack(all);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return get_json(output());
  };
  const Json merged = merge({"--merge", *this / "a.stats", *this / "b.stats", "--manifest", part("c.csv", {0, 2}),
                             "--statistics-out", *this / "all.stats"});
  const Json again = merge({"--merge", *this / "all.stats"});
  for (const Json& found : {merged, again}) {
    for (const char* key : {"x", "y", "support", "cases", "raters", "voxels", "input", "networks_sha256"})
      EXPECT_EQ(found[key], whole[key]) << key;
    for (const char* when : {"before", "after", "leave_one_case_out"}) {
      for (const char* figure : {"brier", "calibration_error", "tdsc"})
        EXPECT_NEAR(found["diagnostics"][when][figure], whole["diagnostics"][when][figure], 1e-12);
    }
  }
  EXPECT_EQ(merged["band"], again["band"]);
}

TEST_F(Calibrate, MergingFiveRatersAgreesToRounding) {  // whose shares are no binary fractions
  cohort({.cases = 3, .raters = 5});
  const Json whole = fit(part("all.csv", {0, 1, 2}));
  ASSERT_EQ(run_twintrack({"calibrate", "--manifest", part("b.csv", {2, 1}), "--statistics-out", *this / "b"}).status,
            0);
  const Json merged = fit(part("a.csv", {0}), {"--merge", *this / "b", "--overwrite"});
  EXPECT_LT(largest_difference(merged, whole), 1e-6);
}

}  // namespace
}  // namespace twintrack::test

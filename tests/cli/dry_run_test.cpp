// --dry-run tells what would be done, and does nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/scene.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Json plan_of(const Arguments& job) {
  Arguments arguments = job;
  arguments.insert(arguments.end(), {"--dry-run", "--json", "--quiet"});
  const Outcome outcome = run_twintrack(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return Json::parse(outcome.out);
}

// Tiles of all stages that a run computed.
std::int64_t tiles_computed(const Arguments& job) {
  Arguments arguments = job;
  arguments.insert(arguments.end(), {"--json"});
  const Outcome outcome = run_twintrack(arguments);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  std::int64_t tiles = 0;
  std::istringstream lines(outcome.err);
  for (std::string line; std::getline(lines, line);) {
    const Json document = Json::parse(line);
    if (document.contains("progress") && document["progress"]["done"] == 0)
      tiles += document["progress"]["total"].get<std::int64_t>();
  }
  return tiles;
}

class DryRun : public testing::Test {
 protected:
  fs::path cases() const { return scene_ / "cases"; }
  void make_cases() const {
    fs::create_directory(cases());
    write_volume(cases() / "one.nii.gz", tiny_ct(tiny_geometry(24), 1));
    write_volume(cases() / "two.mha", tiny_ct(tiny_geometry(40), 2));
  }
  Scene scene_;
};

TEST_F(DryRun, ListsCasesWithSizesOutputsAndEstimates) {
  make_cases();
  const Json plan = plan_of(scene_.predict_on(cases(), {"--save-roi", "--save-uncalibrated", "--format", "mha"}));
  EXPECT_EQ(plan["dry_run"], true);
  ASSERT_EQ(plan["cases"].size(), 2U);
  const Json& two = plan["cases"][1];
  EXPECT_EQ(two["case"], "two");
  EXPECT_EQ(two["action"], "compute");
  const Geometry geometry = tiny_geometry(40);
  EXPECT_EQ(two["size"], Json(geometry.size));
  EXPECT_EQ(two["spacing_mm"], Json(geometry.spacing_mm));
  const std::string out = scene_.out().string();
  EXPECT_EQ(two["outputs"], Json({out + "/two_probability.mha", out + "/two_segmentation.mha",
                                  out + "/two_uncalibrated.mha", out + "/two_roi.mha", out + "/two.json"}));
  EXPECT_GT(two["seconds"].get<double>(), 0);
  EXPECT_GT(two["tiles"].get<int>(), plan["cases"][0]["tiles"].get<int>());
  EXPECT_DOUBLE_EQ(plan["seconds"].get<double>(),
                   two["seconds"].get<double>() + plan["cases"][0]["seconds"].get<double>());
  EXPECT_GE(plan["peak_bytes"], two["peak_bytes"]);
  EXPECT_GT(plan["usable_memory_bytes"].get<std::int64_t>(), 1 << 20);
}

TEST_F(DryRun, NamesTheFilesThatARunWrites) {
  const Arguments job = scene_.predict({"--save-roi", "--save-uncalibrated"});
  std::vector<std::string> planned;
  const Json plan = plan_of(job);
  for (const Json& file : plan["cases"][0]["outputs"])
    planned.push_back(fs::relative(file.get<std::string>(), scene_.out()).string());
  ASSERT_EQ(run_twintrack(job).status, 0);
  EXPECT_THAT(files_below(scene_.out()), testing::UnorderedElementsAreArray(planned));
}

TEST_F(DryRun, WritesNothing) {
  const std::vector<std::string> before = files_below(scene_.folder());
  const Outcome outcome = run_twintrack(scene_.predict({"--dry-run"}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(files_below(scene_.folder()), before);
  EXPECT_FALSE(fs::exists(scene_.out())) << "not even the folder";
}

TEST_F(DryRun, ReadsNoVoxels) {
  write_volume(scene_ / "plain.mha", tiny_ct(tiny_geometry()));
  std::string bytes = get_file(scene_ / "plain.mha");
  put_file(scene_ / "plain.mha", bytes.substr(0, bytes.find("ElementDataFile = LOCAL\n") + 24));
  EXPECT_EQ(plan_of(scene_.predict_on(scene_ / "plain.mha"))["cases"][0]["action"], "compute");
  EXPECT_EQ(run_twintrack(scene_.predict_on(scene_ / "plain.mha")).status, 3) << "there are none";
}

TEST_F(DryRun, KeepsWhatIsCompleteUnlessOverwritten) {
  make_cases();
  ASSERT_EQ(run_twintrack(scene_.predict_on(cases() / "one.nii.gz")).status, 0);
  const Json plan = plan_of(scene_.predict_on(cases()));
  EXPECT_EQ(plan["cases"][0]["action"], "keep");
  EXPECT_EQ(plan["cases"][1]["action"], "compute");
  EXPECT_EQ(plan["seconds"], plan["cases"][1]["seconds"]);
  EXPECT_EQ(plan_of(scene_.predict_on(cases(), {"--overwrite"}))["cases"][0]["action"], "compute");
  EXPECT_EQ(plan_of(scene_.predict_on(cases(), {"--save-roi"}))["cases"][0]["action"], "compute");
}

TEST_F(DryRun, TellsWhichCasesWouldFail) {
  make_cases();
  put_file(cases() / "bad.nii.gz", "no image");
  const Outcome outcome = run_twintrack(scene_.predict_on(cases(), {"--dry-run"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.out, HasSubstr("bad: would fail: " + (cases() / "bad.nii.gz").string() + ": no image"));
  EXPECT_THAT(outcome.out, HasSubstr("2 of 3 cases to compute: about "));
  EXPECT_THAT(outcome.err, HasSubstr("nothing written"));
  EXPECT_EQ(run_twintrack(scene_.predict_on(cases() / "bad.nii.gz", {"--dry-run"})).status, 3) << "as the run itself";
}

TEST_F(DryRun, BadBundlesAreRefusedAsByTheRun) {
  const Outcome outcome = run_twintrack({"predict", "-b", (scene_ / "absent").string(), "-i", scene_.ct().string(),
                                         "-o", scene_.out().string(), "--dry-run"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, HasSubstr("absent"));
}

TEST_F(DryRun, CountsTheTilesOfSegment) {
  for (const Arguments& options : {Arguments{}, Arguments{"--step-size", "0.3"}}) {
    Arguments anew = options;
    anew.emplace_back("--overwrite");
    const Json plan = plan_of(scene_.segment(anew));
    EXPECT_THAT(plan["cases"][0]["outputs"], ElementsAre((scene_.out() / "ct.nii.gz").string()));
    EXPECT_EQ(plan["cases"][0]["tiles"], tiles_computed(scene_.segment(anew)));
  }
}

// The region of interest is this small CT's whole, so that nothing is guessed.
TEST_F(DryRun, CountsTheTilesOfPredictAndItsMemory) {
  scene_.change_bundle("bundle.json", [](Json& bundle) { bundle["roi_margin_mm"] = {1000, 1000, 1000}; });
  const Json plan = plan_of(scene_.predict());
  EXPECT_EQ(plan["cases"][0]["tiles"], tiles_computed(scene_.predict()));
  const double peak = get_json(scene_.out() / "ct.json")["run"]["peak_resident_bytes"];
  EXPECT_GT(plan["peak_bytes"].get<double>(), 0.7 * peak);
  EXPECT_LT(plan["peak_bytes"].get<double>(), 1.4 * peak);
}

}  // namespace
}  // namespace twintrack::test

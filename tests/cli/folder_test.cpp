// A folder of cases, what is printed where, and the help.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include <sstream>

#include "cli/scene.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

class Folder : public testing::Test {
 protected:
  Folder() {
    fs::create_directory(cases());
    write_volume(cases() / "one_0000.nii.gz", tiny_ct(tiny_geometry(), 1));
    put_file(cases() / "bad.nii.gz", "this is no image");
    write_volume(cases() / "two.mha", tiny_ct(tiny_geometry(), 2));
    put_file(cases() / ".hidden.nii.gz", "not a case");
    put_file(cases() / "notes.txt", "not a case");
  }
  fs::path cases() const { return scene_ / "cases"; }
  Outcome run(const Arguments& options = {}) const { return run_twintrack(scene_.predict_on(cases(), options)); }
  Scene scene_;
};

TEST_F(Folder, ABadCaseDoesNotStopTheOthers) {
  const Outcome outcome = run();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err,
              HasSubstr("twintrack: case bad failed: " + (cases() / "bad.nii.gz").string() + ": no image"));
  EXPECT_THAT(outcome.err, HasSubstr("twintrack: 1 of 3 cases failed: bad\n"));
  EXPECT_THAT(files_below(scene_.out()), ElementsAre("one.json", "one_probability.nii.gz", "one_segmentation.nii.gz",
                                                     "two.json", "two_probability.nii.gz", "two_segmentation.nii.gz"));
}

TEST_F(Folder, FirstAndLastCaseMayBeBad) {
  put_file(cases() / "aaa.nii.gz", "");
  put_file(cases() / "zzz.nii.gz", "");
  const Outcome outcome = run();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("twintrack: 3 of 5 cases failed: aaa, bad, zzz\n"));
  EXPECT_EQ(files_below(scene_.out()).size(), 6u);
}

TEST_F(Folder, ResultsAreKeptUnlessOverwritten) {
  fs::remove(cases() / "bad.nii.gz");
  ASSERT_EQ(run().status, 0);
  const fs::path map = scene_.out() / "one_probability.nii.gz";
  const std::string first = get_file(map);
  put_file(map, "kept as it is");
  const Outcome kept = run();
  EXPECT_EQ(kept.status, 0);
  EXPECT_EQ(kept.out, "");
  EXPECT_THAT(kept.err, HasSubstr("2 of 2 cases had results already and were kept"));
  EXPECT_EQ(get_file(map), "kept as it is");
  const Outcome replaced = run({"--overwrite"});
  EXPECT_EQ(replaced.status, 0);
  EXPECT_EQ(get_file(map), first);
}

TEST_F(Folder, WhatIsMissingIsComputedAgain) {
  fs::remove(cases() / "bad.nii.gz");
  ASSERT_EQ(run().status, 0);
  fs::remove(scene_.out() / "two_segmentation.nii.gz");
  EXPECT_EQ(lines_of(run().out).size(), 1u);
  EXPECT_EQ(lines_of(run({"--save-roi"}).out).size(), 2u);
  EXPECT_EQ(lines_of(run({"--save-roi", "--save-uncalibrated"}).out).size(), 2u);
  EXPECT_EQ(lines_of(run({"--save-roi", "--save-uncalibrated"}).out).size(), 0u);
  EXPECT_EQ(lines_of(run({"--format", "nrrd"}).out).size(), 2u);
  EXPECT_EQ(files_below(scene_.out()).size(), 14u);
}

TEST_F(Folder, JsonIsOneDocumentPerLine) {
  const Outcome outcome = run({"--json"});
  EXPECT_EQ(outcome.status, 1);
  const auto lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(Json::parse(lines[0]), get_json(scene_.out() / "one.json"));
  EXPECT_EQ(Json::parse(lines[1]), get_json(scene_.out() / "two.json"));
}

TEST_F(Folder, SegmentNamesCasesAlike) {
  const Outcome outcome =
      run_twintrack({"segment", "-m", scene_.model(), "-i", cases(), "-o", scene_.out(), "--json", "--format", "mha"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(files_below(scene_.out()), ElementsAre("one.mha", "two.mha"));
  const auto lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 2u);
  const Json document = Json::parse(lines[0]);
  EXPECT_EQ(document["case"], "one");
  EXPECT_EQ(document["segmentation"], (scene_.out() / "one.mha").string());
  EXPECT_THAT(document["research_use"].get<std::string>(), HasSubstr("Research use only"));
  std::array<double, 3> voxels{};
  const auto labels = read_labels(scene_.out() / "one.mha");
  for (const std::uint16_t label : labels.voxels) ++voxels.at(label);
  EXPECT_DOUBLE_EQ(document["volume_mm3"]["tumor"], voxels[1] * labels.geometry.voxel_volume_mm3());
  EXPECT_DOUBLE_EQ(document["volume_mm3"]["veins"], voxels[2] * labels.geometry.voxel_volume_mm3());
}

TEST(Reporting, QuietSaysNothingButResults) {
  const Scene scene;
  const Outcome loud = run_twintrack(scene.predict());
  EXPECT_THAT(loud.err, HasSubstr("member 2 of 2: started"));
  EXPECT_THAT(loud.err, HasSubstr("localiser: done"));
  EXPECT_THAT(loud.err, HasSubstr("Research use only"));
  const Outcome quiet = run_twintrack(scene.predict({"--quiet", "--overwrite"}));
  EXPECT_EQ(quiet.status, 0);
  EXPECT_EQ(quiet.err, "");
  EXPECT_EQ(quiet.out, loud.out);
  EXPECT_THAT(lines_of(quiet.out), ElementsAre(testing::StartsWith("ct: tumour ")));
}

TEST(Reporting, BundleJobsPrintOneJsonDocument) {
  const Scene scene;
  const Outcome created = run_twintrack(scene.create_bundle({"--json"}));
  EXPECT_EQ(created.status, 0) << created.err;
  EXPECT_EQ(Json::parse(created.out)["sha256"], sha256_of_file(scene / "new_bundle" / "bundle.json"));
  const Outcome info = run_twintrack({"bundle", "info", scene.bundle(), "--json"});
  EXPECT_EQ(Json::parse(info.out), get_json(scene.bundle() / "bundle.json"));
  const Outcome verified = run_twintrack({"bundle", "verify", scene.bundle(), "--json"});
  EXPECT_EQ(Json::parse(verified.out)["verified"], true);
  const Outcome shown = run_twintrack({"bundle", "info", scene.bundle()});
  for (const char* fact :
       {"tiny", "localiser", "member 2", "patch 8x16x16", "target mhr, 3 knots", "Research use only"}) {
    EXPECT_THAT(shown.out, HasSubstr(fact));
  }
}

struct Help {
  Arguments job;
  std::vector<std::string> options;  // as the help shows them, with defaults
};

class Helps : public testing::TestWithParam<Help> {};

TEST_P(Helps, NamesEveryOptionWithItsDefault) {
  Arguments arguments = GetParam().job;
  arguments.emplace_back("--help");
  const Outcome outcome = run_twintrack(arguments);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  const std::string help = std::regex_replace(outcome.out, std::regex("\\s+"), " ");  // as if no line were wrapped
  for (const std::string& option : GetParam().options) EXPECT_THAT(help, HasSubstr(option));
  EXPECT_THAT(outcome.out, HasSubstr("Example"));
}

std::vector<std::string> and_inference(std::vector<std::string> options) {
  for (const char* option :
       {"-i, --input FILE|FOLDER", "-o, --output FOLDER", "--series", "--precision auto|fp32|bf16", "[default: auto]",
        "--no-mirroring", "--step-size N", "[default: 0.5]", "--threads", "default: all processors", "--device TEXT",
        "[default: cpu]", "--overwrite", "--format nii.gz|mha|nrrd", "[default: nii.gz]", "-q, --quiet",
        "-v, --verbose", "--json"}) {
    options.emplace_back(option);
  }
  return options;
}

INSTANTIATE_TEST_SUITE_P(
    Jobs, Helps,
    testing::Values(Help{{}, {"predict", "segment", "bundle", "Research use only"}},
                    Help{{"predict"},
                         and_inference({"-b, --bundle FOLDER", "--save-uncalibrated", "--save-roi", "--threshold",
                                        "default: the bundle's"})},
                    Help{{"segment"},
                         and_inference({"-m, --model FOLDER", "-f, --folds", "default: every numbered fold",
                                        "[default: checkpoint_final.pth]", "--average logits|probabilities",
                                        "--save-probabilities"})},
                    Help{{"bundle"}, {"create", "info", "verify"}},
                    Help{{"bundle", "create"},
                         {"-o, --output FOLDER",
                          "--localizer ",
                          "default: none",
                          "[default: pancreas]",
                          "--localizer-volume-ml",
                          "[0 to 1e+06; default: 2,1000]",
                          "--member",
                          "--tumor-label",
                          "--roi-margin-mm",
                          "[0 to 1000; default: 30,30,30]",
                          "--calibrator",
                          "[default: checkpoint_final.pth]",
                          "--threshold",
                          "[0 to 1; default: 0.5]",
                          "--weights fp32|bf16",
                          "--name",
                          "--trained-on",
                          "--intended-use",
                          "Research use only",
                          "--overwrite"}},
                    Help{{"bundle", "info"}, {"bundle info FOLDER [OPTIONS]"}},
                    Help{{"bundle", "verify"}, {"bundle verify FOLDER [OPTIONS]"}}));

TEST(Version, IsPrinted) {
  const Outcome outcome = run_twintrack({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.out, testing::MatchesRegex("twintrack [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

}  // namespace
}  // namespace twintrack::test

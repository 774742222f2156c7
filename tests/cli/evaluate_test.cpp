// evaluate and compare as a user runs them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_cohort.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Cohort : public testing::Test {
 protected:
  Cohort() : manifest_(write_cohort(folder_.path(), {.cases = 4})) {}
  fs::path operator/(const std::string& name) const { return folder_ / name; }
  Arguments evaluate(const Arguments& options = {}) const {
    return with({"evaluate", "--manifest", manifest_.string(), "-o", metrics().string()}, options);
  }
  Arguments compare(const Arguments& options) const {
    return with({"compare", "--fit", manifest_.string(), "-o", (*this / "table.json").string()}, options);
  }
  static Arguments with(Arguments arguments, const Arguments& options) {
    arguments.insert(arguments.end(), options.begin(), options.end());
    return arguments;
  }
  fs::path metrics() const { return folder_ / "metrics.json"; }
  static std::string contents(const fs::path& file) { return read_file(file, std::size_t{1} << 26); }

  TemporaryFolder folder_;
  fs::path manifest_;
};

TEST_F(Cohort, MetricsHaveEveryCaseTheirSummaryAndTheStatement) {
  const Outcome outcome = run_twintrack(evaluate({"--vessels", "--csv", (*this / "metrics.csv").string()}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json document = read_json(metrics());
  EXPECT_EQ(document["format"], "twintrack-metrics/1");
  EXPECT_EQ(document["research_use"], kResearchUse);
  EXPECT_THAT(outcome.err, HasSubstr(kResearchUse));
  EXPECT_EQ(document["failed"], Json::object());
  ASSERT_EQ(document["cases"].size(), 4u);
  double sum = 0;
  for (const auto& [name, metrics] : document["cases"].items()) {
    EXPECT_THAT(name, testing::StartsWith("case_"));
    EXPECT_EQ(metrics["ece"].size(), 5u);
    EXPECT_GT(metrics["tdsc"].get<double>(), 0.1);
    EXPECT_EQ(metrics["vi"].size(), 5u);
    sum += metrics["tdsc"].get<double>();
  }
  const Json& tdsc = document["summary"]["tdsc"];
  EXPECT_EQ(tdsc["n"], 4);
  EXPECT_NEAR(tdsc["mean"].get<double>(), sum / 4, 0.01);
  EXPECT_LE(tdsc["ci_low"].get<double>(), tdsc["mean"].get<double>());
  EXPECT_GE(tdsc["ci_high"].get<double>(), tdsc["mean"].get<double>());

  const std::string csv = contents(*this / "metrics.csv");
  EXPECT_EQ(std::ranges::count(csv, '\n'), 5);
  EXPECT_THAT(csv, AllOf(testing::StartsWith("case,tdsc,dsc,ece_mean,crps,"), HasSubstr("\ncase_3,")));
}

TEST_F(Cohort, NothingDependsOnTheNumberOfThreads) {
  ASSERT_EQ(run_twintrack(evaluate({"--vessels", "--threads", "1"})).status, 0);
  const std::string one = contents(metrics());
  ASSERT_EQ(run_twintrack(evaluate({"--vessels", "--threads", "3", "--overwrite"})).status, 0);
  EXPECT_EQ(contents(metrics()), one);
}

TEST_F(Cohort, AThresholdStandsInForTheSegmentation) {
  ASSERT_EQ(run_twintrack(evaluate()).status, 0);
  const Json given = read_json(metrics())["cases"];
  write_manifest(manifest_, {0, 1, 2, 3}, {"probability", "raters"});
  // The cohort's segmentations are p > 0.5; the next number above is the same set.
  ASSERT_EQ(run_twintrack(evaluate({"--overwrite", "--threshold", "0.50000003"})).status, 0);
  EXPECT_EQ(read_json(metrics())["cases"], given);
}

TEST_F(Cohort, ABadCaseIsNamedAndTheOthersAreDone) {
  write_file(*this / "case_2" / "rater_03.nii.gz", "no image");
  const Outcome outcome = run_twintrack(evaluate({"--json"}));
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("{\"error\":{\"message\":\"" + (*this / "case_2" / "rater_03.nii.gz").string()));
  EXPECT_THAT(outcome.err, HasSubstr("\"case\":\"case_2\"}}\n"));
  const Json document = read_json(metrics());
  EXPECT_EQ(document["cases"].size(), 3u);
  EXPECT_TRUE(document["failed"].contains("case_2"));
  EXPECT_TRUE(Json::parse(outcome.out)["failed"].contains("case_2"));
}

TEST_F(Cohort, APredictionSetDoesNotDifferFromItself) {
  ASSERT_EQ(run_twintrack(evaluate()).status, 0);
  const fs::path second = *this / "second.json";
  const Outcome outcome = run_twintrack(
      {"evaluate", "--manifest", manifest_.string(), "-o", second.string(), "--against", metrics().string()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json comparison = read_json(second)["comparison"];
  EXPECT_EQ(comparison["against"], metrics().string());
  for (const char* metric : {"tdsc", "dsc", "ece_mean", "crps", "brier.score"}) {
    EXPECT_EQ(comparison["metrics"][metric]["difference"], 0.0) << metric;
    EXPECT_EQ(comparison["metrics"][metric]["p"], 1.0) << metric;
    EXPECT_EQ(comparison["metrics"][metric]["n"], 4) << metric;
  }
  EXPECT_THAT(outcome.out, HasSubstr("Differences to "));
}

TEST_F(Cohort, TheSeedDecidesOnTheIntervals) {
  const auto interval = [&](const std::string& seed) {
    EXPECT_EQ(run_twintrack(evaluate({"--seed", seed, "--bootstrap", "200", "--overwrite"})).status, 0);
    return read_json(metrics())["summary"]["tdsc"];
  };
  const Json first = interval("1");
  EXPECT_EQ(interval("1"), first);
  EXPECT_NE(interval("2"), first);
}

TEST_F(Cohort, ResultsThatExistAreKept) {
  write_file(metrics(), "mine");
  const Outcome outcome = run_twintrack(evaluate());
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("metrics.json: exists already"), HasSubstr("--overwrite")));
  EXPECT_EQ(contents(metrics()), "mine");
}

TEST_F(Cohort, ComparesByFoldsAndOnATestSet) {
  const Outcome folds = run_twintrack(compare({"--folds", "2", "--latex", (*this / "table.tex").string(), "--csv",
                                               (*this / "table.csv").string(), "--hard-label", "staple"}));
  ASSERT_EQ(folds.status, 0) << folds.err;
  EXPECT_THAT(folds.out, AllOf(HasSubstr("none "), HasSubstr("one rater "), HasSubstr("hard label "), HasSubstr("MHR "),
                               HasSubstr("TDSC (higher)"), HasSubstr("ECE (lower)"), HasSubstr("CRPS (mm3) (lower)")));
  EXPECT_THAT(contents(*this / "table.tex"), HasSubstr("\\begin{tabular}"));
  EXPECT_THAT(contents(*this / "table.csv"), HasSubstr("\nhard label,tdsc,"));
  const Json by_folds = read_json(*this / "table.json");
  ASSERT_EQ(by_folds["rows"].size(), 4u);
  EXPECT_EQ(by_folds["cases"].size(), 4u);
  EXPECT_TRUE(by_folds["rows"][3]["difference_to_mhr"].is_null());
  EXPECT_EQ(by_folds["research_use"], kResearchUse);

  const fs::path fit = write_manifest(*this / "fit.csv", {0, 1}, {"probability", "raters", "roi"});
  const fs::path test = write_manifest(*this / "test.csv", {2, 3}, {"probability", "raters", "roi"});
  const fs::path table = *this / "on_test.json";
  const Outcome on_test =
      run_twintrack({"compare", "--fit", fit.string(), "--test", test.string(), "-o", table.string(), "--json"});
  ASSERT_EQ(on_test.status, 0) << on_test.err;
  EXPECT_EQ(Json::parse(on_test.out)["rows"].size(), 4u);
  EXPECT_EQ(read_json(table)["cases"].size(), 2u);
}

// What compare evaluates is what calibrate, predict's way of applying it, and evaluate give one after the other.
TEST_F(Cohort, TheRowWithoutCalibrationIsWhatEvaluateSays) {
  ASSERT_EQ(run_twintrack(compare({"--folds", "2"})).status, 0);
  ASSERT_EQ(run_twintrack(evaluate({"--threshold", "0.5"})).status, 0);
  const Json table = read_json(*this / "table.json");
  const Json metrics_document = read_json(metrics());
  for (const char* metric : {"tdsc", "dsc", "ece_mean", "crps", "soft_dice"}) {
    EXPECT_EQ(table["rows"][0]["metrics"][metric], metrics_document["summary"][metric]) << metric;
    EXPECT_EQ(table["cases"]["case_1"]["none"][metric], metrics_document["cases"]["case_1"][metric]) << metric;
  }
}

// Three organs in slabs along x; rater 2 draws the pancreas one voxel wider, the prediction is rater 1's.
class Organs : public testing::Test {
 protected:
  static constexpr std::array<std::int64_t, 3> kSize{16, 4, 4};

  Organs() {
    Volume<std::uint8_t> first{{kSize, {1, 1, 2}}, std::vector<std::uint8_t>(16 * 4 * 4)};
    Volume<std::uint8_t> second = first;
    std::array<Volume<float>, 3> maps;
    for (auto& map : maps) map = {first.geometry, std::vector<float>(first.voxels.size(), 0.0F)};
    for (std::size_t i = 0; i < first.voxels.size(); ++i) {
      first.voxels[i] = static_cast<std::uint8_t>(i % 16 / 4);
      second.voxels[i] = i % 16 == 3 ? 1 : first.voxels[i];
      if (first.voxels[i] > 0) maps[first.voxels[i] - 1].voxels[i] = 0.75F;
    }
    write_volume(folder_ / "first.nii.gz", first);
    write_volume(folder_ / "second.nii.gz", second);
    for (int organ = 0; organ < 3; ++organ) write_volume(folder_ / fmt::format("map_{}.nii.gz", organ), maps[organ]);
    write_file(folder_ / "cases.csv",
               "case,probability,segmentation,raters\n"
               "a,map_0.nii.gz;map_1.nii.gz;map_2.nii.gz,first.nii.gz,first.nii.gz;second.nii.gz;first.nii.gz\n");
  }
  TemporaryFolder folder_;
};

TEST_F(Organs, AreEvaluatedAsCurvas2024Does) {
  const fs::path metrics = folder_ / "metrics.json";
  const Outcome outcome = run_twintrack(
      {"evaluate", "--task", "curvas2024", "--manifest", (folder_ / "cases.csv").string(), "-o", metrics.string()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json document = read_json(metrics);
  EXPECT_EQ(document["task"], "curvas2024");
  const Json& a = document["cases"]["a"];
  for (const char* organ : {"pancreas", "kidneys", "liver"}) {
    EXPECT_EQ(a[organ]["dsc"], 1.0) << organ;  // the column that raters differ on is left out
    EXPECT_DOUBLE_EQ(a[organ]["confidence"].get<double>(), 0.875) << organ;  // (0.75 + 1 - 0) / 2
    EXPECT_DOUBLE_EQ(a[organ]["volume_mm3"]["prediction"].get<double>(), 0.75 * 64 * 2) << organ;
  }
  EXPECT_DOUBLE_EQ(a["kidneys"]["crps"].get<double>(), 32.0);  // all raters: 128 mm3, predicted 96
  // Confidence 1 in the background, 0.75 in the organs. Rater 1: right everywhere; rater 2: 16 of 256 voxels wrong.
  EXPECT_NEAR(a["ece"][0].get<double>(), 0.75 * 0.25, 1e-12);
  EXPECT_NEAR(a["ece"][1].get<double>(), 0.75 * 0.25 + 0.25 * 0.25, 1e-12);
  EXPECT_THAT(outcome.out, HasSubstr("pancreas.dsc"));
}

struct BadRun {
  std::string what;
  Arguments options;
  std::vector<std::string> words;
  int status = 2;
  bool comparing = false;
};
void PrintTo(const BadRun& run, std::ostream* out) { *out << run.what; }

class BadCohortRun : public Cohort, public testing::WithParamInterface<BadRun> {};

TEST_P(BadCohortRun, IsRefusedInOneMessageAndLeavesNothing) {
  const auto before = files_below(folder_.path());
  const BadRun& bad = GetParam();
  const Outcome outcome = run_twintrack(bad.comparing ? compare(bad.options) : evaluate(bad.options));
  EXPECT_EQ(outcome.status, bad.status) << outcome.err;
  for (const std::string& word : bad.words) EXPECT_THAT(outcome.err, HasSubstr(word));
  EXPECT_EQ(files_below(folder_.path()), before);
  EXPECT_EQ(outcome.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    Options, BadCohortRun,
    testing::Values(
        BadRun{"task_unknown", {"--task", "pancreas"}, {"--task", "curvas2024"}},
        BadRun{"vessels_of_curvas2024", {"--task", "curvas2024", "--vessels"}, {"--vessels", "curvas2024"}},
        BadRun{"threshold_of_curvas2024", {"--task", "curvas2024", "--threshold", "0.5"}, {"--threshold"}},
        BadRun{"threshold_above_1", {"--threshold", "1.5"}, {"--threshold", "1.5"}},
        BadRun{"threshold_nan", {"--threshold", "nan"}, {"--threshold", "nan"}},
        BadRun{"vessel_without_vessels", {"--vessel", "sma=5"}, {"--vessel", "--vessels"}},
        BadRun{"vessel_without_label", {"--vessels", "--vessel", "sma"}, {"--vessel sma", "NAME=LABEL"}},
        BadRun{"vessel_label_0", {"--vessels", "--vessel", "sma=0"}, {"--vessel sma=0", "NAME=LABEL"}},
        BadRun{"vessel_without_name", {"--vessels", "--vessel", "=5"}, {"NAME=LABEL"}},
        BadRun{"no_replicates", {"--bootstrap", "0"}, {"--bootstrap"}},
        BadRun{"seed_negative", {"--seed", "-1"}, {"--seed"}},
        BadRun{"tumor_label_text", {"--tumor-label", "tumor"}, {"--tumor-label", "tumor"}},
        BadRun{"tumor_label_too_large", {"--tumor-label", "70000"}, {"--tumor-label"}},
        BadRun{"csv_in_no_folder", {"--csv", "/nowhere/metrics.csv"}, {"/nowhere/metrics.csv"}, 4},
        BadRun{"against_nothing", {"--against", "/nowhere/metrics.json"}, {"/nowhere/metrics.json"}, 3},
        BadRun{"neither_test_nor_folds", {}, {"--test", "--folds"}, 2, true},
        BadRun{"one_fold", {"--folds", "1"}, {"--folds 1", "2 to"}, 2, true},
        BadRun{"more_folds_than_cases", {"--folds", "5"}, {"--folds 5", "(4)"}, 2, true},
        BadRun{"rater_0", {"--folds", "2", "--rater", "0"}, {"--rater"}, 2, true},
        BadRun{"rater_9_of_5", {"--folds", "2", "--rater", "9"}, {"case case_", "rater:9", "5 rater(s)"}, 3, true},
        BadRun{"hard_label_unknown", {"--folds", "2", "--hard-label", "mean"}, {"--hard-label", "mean"}, 2, true},
        BadRun{"test_is_no_file", {"--test", "/nowhere/test.csv"}, {"/nowhere/test.csv"}, 3, true}),
    [](const auto& row) { return row.param.what; });

TEST_F(Cohort, TestAndFoldsTogetherAreRefused) {
  const Outcome outcome = run_twintrack(compare({"--folds", "2", "--test", manifest_.string()}));
  EXPECT_EQ(outcome.status, 2);
}

TEST_F(Cohort, FitAndTestMustNotShareCases) {
  const Outcome outcome = run_twintrack(compare({"--test", manifest_.string()}));
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("case_1"), HasSubstr("different cases")));
}

// Bad files of a single case, so that it decides on the exit status.
class OneCase : public testing::Test {
 protected:
  OneCase() : manifest_(write_cohort(folder_.path(), {.cases = 1})) {}
  std::string message(const Arguments& options = {}, int status = 3) const {
    Arguments arguments{"evaluate", "--manifest", manifest_.string(), "-o", (folder_ / "metrics.json").string(), "-q"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = run_twintrack(arguments);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_FALSE(fs::exists(folder_ / "metrics.json"));
    return outcome.err;
  }
  fs::path file(const std::string& name) const { return folder_ / "case_1" / name; }
  TemporaryFolder folder_;
  fs::path manifest_;
};

TEST_F(OneCase, ColumnsThatAreMissing) {
  write_manifest(manifest_, {0}, {"probability", "raters"});
  EXPECT_THAT(message(), AllOf(HasSubstr("cases.csv"), HasSubstr("no column 'segmentation'")));
  write_manifest(manifest_, {0}, {"probability", "raters", "segmentation"});
  EXPECT_THAT(message({"--vessels"}), HasSubstr("no column 'vessels'"));
}

TEST_F(OneCase, ThreeMapsAreAnotherTask) {
  write_file(manifest_, "case,probability,segmentation,raters\na,p.nii;q.nii;r.nii,s.nii,t.nii\n");
  EXPECT_THAT(message(), AllOf(HasSubstr("case a"), HasSubstr("3 maps, one is right")));
}

TEST_F(OneCase, OneMapIsAnotherTask) { EXPECT_THAT(message({"--task", "curvas2024"}), HasSubstr("probability")); }

TEST_F(OneCase, VesselsOnAnotherGrid) {
  TinyCase made = tiny_case({}, 0);
  made.vessels.geometry.spacing_mm[2] = 3;
  write_case(folder_ / "case_1", made);
  EXPECT_THAT(message({"--vessels"}), AllOf(HasSubstr("vessels.nii.gz"), HasSubstr("probability.nii.gz"),
                                            HasSubstr("0.75x0.75x1.5"), HasSubstr("0.75x0.75x3")));
}

TEST_F(OneCase, VesselsWithoutTheLabelsAskedFor) {
  EXPECT_THAT(message({"--vessels", "--vessel", "ivc=9"}), HasSubstr("vessels.nii.gz"));
}

TEST_F(OneCase, ASegmentationWithOtherLabels) {
  TinyCase made = tiny_case({}, 0);
  made.segmentation.voxels[17] = 2;
  write_case(folder_ / "case_1", made);
  EXPECT_THAT(message(), AllOf(HasSubstr("segmentation.nii.gz"), HasSubstr("label 2"), HasSubstr("--tumor-label")));
}

TEST_F(OneCase, AProbabilityAboveOne) {
  TinyCase made = tiny_case({}, 0);
  made.probability.voxels[17] = 1.25F;
  write_case(folder_ / "case_1", made);
  EXPECT_THAT(message(), AllOf(HasSubstr("probability.nii.gz"), HasSubstr("1.25 at x=17, y=0, z=0")));
}

TEST_F(OneCase, MetricsOfAnotherKindToCompareWith) {
  const fs::path other = folder_ / "other.json";
  write_file(other, R"({"format": "twintrack-case/1"})");
  EXPECT_THAT(message({"--against", other.string()}), AllOf(HasSubstr("other.json"), HasSubstr("twintrack-metrics/1")));
  write_file(other, R"({"format": "twintrack-metrics/1", "task": "curvas2024", "cases": {"a": {}}})");
  EXPECT_THAT(message({"--against", other.string()}), HasSubstr("task"));
  write_file(other, R"({"format": "twintrack-metrics/1", "task": "curvas-pdacvi", "cases": {}})");
  EXPECT_THAT(message({"--against", other.string()}), HasSubstr("no cases"));
  write_file(other, R"({"format": "twintrack-metrics/1", "task": "curvas-pdacvi", "cases": [)");
  EXPECT_THAT(message({"--against", other.string()}), HasSubstr("other.json"));
}

}  // namespace
}  // namespace twintrack::test

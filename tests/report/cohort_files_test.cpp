// metrics.json, table.json and calibrator.json as a report reads them.
#include "twintrack/report/cohort_files.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/report/cohort_links.hpp"

namespace twintrack {
namespace {

using test::error_message;
using test::TemporaryFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Json estimate() { return Json::parse(R"({"mean": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 2})"); }

Json metrics_json() {
  return Json::parse(R"({"format": "twintrack-metrics/1", "task": "curvas-pdacvi",
    "cases": {"a": {"tdsc": 0.5, "hd95_mm": null, "ece": [0.1, 0.2], "ece_mean": 0.15,
                    "volume_mm3": {"prediction": 1000, "raters": [900, 1100]}, "vi": {"sma": {"wasserstein": 3}}},
              "b": {"tdsc": 0.6}},
    "summary": {"tdsc": {"mean": 0.55, "ci_low": 0.5, "ci_high": 0.6, "n": 2},
                "hd95_mm": {"mean": null, "ci_low": null, "ci_high": null, "n": 0}},
    "comparison": null, "failed": {"c": "no such file"}, "bootstrap": {"replicates": 500, "seed": 3},
    "twintrack": "0.1.0"})");
}

Json comparison_json() {
  Json rows = Json::array();
  rows.push_back({{"calibration_target", "none"},
                  {"metrics", {{"tdsc", estimate()}}},
                  {"difference_to_mhr", {{"tdsc", {{"p", 0.25}}}}}});
  rows.push_back({{"calibration_target", "MHR"}, {"metrics", {{"tdsc", estimate()}}}, {"difference_to_mhr", nullptr}});
  return {{"format", "twintrack-comparison/1"},
          {"rows", rows},
          {"cases", {{"a", Json::object()}}},
          {"fit", {{"manifest", "/data/here/fit.csv"}, {"cases", 4}}},
          {"test", {{"folds", 4}}},
          {"bootstrap", {{"replicates", 100}, {"seed", 1}}}};
}

Json calibrator_json() {
  return Json::parse(R"({"format": "twintrack-calibrator/1", "target": "mhr", "x": [0, 1], "y": [0.1, 0.9],
    "warnings": ["one case only"], "diagnostics": {"before": {"brier": 0.2, "calibration_error": 0.1, "tdsc": 0.5},
    "after": {"brier": 0.1, "calibration_error": 0.0, "tdsc": 0.6}, "leave_one_case_out": null},
    "band": {"replicates": 200, "seed": 9, "x": [0, 1], "low": [0, 0.8], "high": [0.2, 1]},
    "input": {"cases": [{"case": "a", "sha256": "abc"}, {"case": "b", "sha256": null}]}, "voxels": 12345,
    "case_weight": "equal", "twintrack": "0.1.0"})");
}

class CohortFiles : public testing::Test {
 protected:
  std::filesystem::path write(const Json& json) {
    write_file(folder_ / "file.json", to_text(json));
    return folder_ / "file.json";
  }
  TemporaryFolder folder_;
};

TEST_F(CohortFiles, MetricsAreReadWithWhatEachCaseHas) {
  const MetricsFile metrics = read_metrics_file(write(metrics_json()));
  ASSERT_EQ(metrics.cases.size(), 2u);
  const CaseFigures& first = metrics.cases[0];
  EXPECT_EQ(first.name, "a");
  EXPECT_EQ(first.value("tdsc"), 0.5);
  EXPECT_EQ(first.value("vi.sma.wasserstein"), 3);
  EXPECT_TRUE(std::isnan(first.value("hd95_mm")));
  EXPECT_TRUE(std::isnan(first.value("nothing")));
  EXPECT_THAT(first.ece, ElementsAre(0.1, 0.2));
  EXPECT_THAT(first.rater_volumes_mm3, ElementsAre(900, 1100));
  EXPECT_TRUE(metrics.cases[1].ece.empty());
  EXPECT_EQ(metrics.summary.at("tdsc").ci_high, 0.6);
  EXPECT_TRUE(std::isnan(metrics.summary.at("hd95_mm").mean));
  EXPECT_THAT(metrics.failed, ElementsAre(Pair("c", "no such file")));
  EXPECT_EQ(metrics.origin.replicates, 500);
  EXPECT_EQ(metrics.origin.seed, 3u);
  EXPECT_EQ(metrics.origin.version, "0.1.0");
}

TEST_F(CohortFiles, TheLargestSeedIsASeed) {
  Json json = metrics_json();
  json["bootstrap"]["seed"] = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(read_metrics_file(write(json)).origin.seed, std::numeric_limits<std::uint64_t>::max());
}

TEST_F(CohortFiles, AComparisonSaysHowItWasDesignedWithoutFolders) {
  const ComparisonFile comparison = read_comparison_file(write(comparison_json()));
  EXPECT_EQ(comparison.rows[0].title, "none");
  EXPECT_EQ(comparison.rows[0].p.at("tdsc"), 0.25);
  EXPECT_TRUE(comparison.rows[1].p.empty());
  EXPECT_THAT(comparison.cases, ElementsAre("a"));
  EXPECT_EQ(comparison.design, "4 folds of fit.csv: each case with calibrators fitted to the other folds");
  Json json = comparison_json();
  json["test"] = {{"manifest", "/elsewhere/test.csv"}};
  EXPECT_EQ(read_comparison_file(write(json)).design, "calibrators fitted to fit.csv, evaluated on test.csv");
}

TEST_F(CohortFiles, ACalibratorMayHoldTheCurveAlone) {
  const CalibratorFile whole = read_calibrator_file(write(calibrator_json()));
  EXPECT_THAT(whole.warnings, ElementsAre("one case only"));
  ASSERT_EQ(whole.quality.size(), 2u);
  EXPECT_EQ(whole.quality[0].second.brier, 0.2);
  EXPECT_THAT(whole.band->high, ElementsAre(0.2, 1));
  EXPECT_THAT(whole.cases, ElementsAre(Pair("a", "abc"), Pair("b", "")));
  EXPECT_EQ(whole.voxels, 12345);
  EXPECT_EQ(whole.origin.replicates, 200);
  const CalibratorFile curve = read_calibrator_file(
      write({{"format", "twintrack-calibrator/1"}, {"target", "mhr"}, {"x", {0.5}}, {"y", {0.25}}}));
  EXPECT_TRUE(curve.warnings.empty() && curve.quality.empty() && curve.cases.empty() && !curve.band);
}

template <typename Reader>
void expect_refused(const Reader& read, const std::filesystem::path& file, const std::string& why) {
  EXPECT_THAT(error_message([&] { read(file); }), AllOf(HasSubstr("file.json"), HasSubstr(why)));
}

TEST_F(CohortFiles, WhatDoesNotFitIsRefusedByFileAndField) {
  const auto metrics = [&](const char* pointer, const Json& value, const std::string& why) {
    Json json = metrics_json();
    json[Json::json_pointer(pointer)] = value;
    expect_refused(read_metrics_file, write(json), why);
  };
  metrics("/format", "twintrack-metrics/2", "format: 'twintrack-metrics/2' is not supported");
  metrics("/task", "curvas2024", "task: a report shows the task curvas-pdacvi");
  metrics("/cases", Json::object(), "cases: no cases");
  metrics("/cases", 5, "cases: expected an object");
  metrics("/cases/a", 5, "cases.a: expected the case's metrics");
  metrics("/cases/a/ece", "many", "cases.a.ece: expected an array");
  metrics("/cases/a/volume_mm3/raters", {"large"}, "cases.a.volume_mm3.raters[0]: expected a number");
  metrics("/summary/tdsc", {{"mean", 1}}, "summary.tdsc: \"ci_low\" is missing");
  metrics("/summary/tdsc/n", -1, "summary.tdsc.n: expected a whole number");
  metrics("/bootstrap", 7, "bootstrap: expected an object");
  metrics("/failed/c", 1, "failed.c: expected a string");

  const auto comparison = [&](const char* pointer, const Json& value, const std::string& why) {
    Json json = comparison_json();
    json[Json::json_pointer(pointer)] = value;
    expect_refused(read_comparison_file, write(json), why);
  };
  comparison("/format", "twintrack-metrics/1", "format: 'twintrack-metrics/1' is not supported");
  comparison("/rows", Json::array(), "rows: no rows");
  comparison("/rows/0/calibration_target", 1, "rows[0].calibration_target: expected a string");
  comparison("/rows/0/difference_to_mhr/tdsc", Json::object(), "rows[0].difference_to_mhr.tdsc: \"p\" is missing");
  comparison("/test", Json::object(), "test: \"manifest\" is missing");

  const auto calibrator = [&](const char* pointer, const Json& value, const std::string& why) {
    Json json = calibrator_json();
    json[Json::json_pointer(pointer)] = value;
    expect_refused(read_calibrator_file, write(json), why);
  };
  calibrator("/x", {1, 0}, "x[1]: 0");
  calibrator("/band/low", {0}, "band.low: 1 values for 2 in x");
  calibrator("/band/x", Json::array(), "band.x: no values");
  calibrator("/band/high", {0.5, 7}, "band.high[1]: expected at most 1");
  calibrator("/diagnostics/before", Json::object(), "diagnostics.before: \"brier\" is missing");
  calibrator("/input", Json::object(), "input: \"cases\" is missing");
  write_file(folder_ / "file.json", "{\"format\": ");
  expect_refused(read_calibrator_file, folder_ / "file.json", "is not valid JSON");
}

TEST(CohortLinks, AreRelativeAndPercentEncoded) {
  EXPECT_EQ(relative_link("/a/b/page.html", "/a/b/case.html"), "case.html");
  EXPECT_EQ(relative_link("/a/b/page.html", "/a/b/cases/case.html"), "cases/case.html");
  EXPECT_EQ(relative_link("/a/b/page.html", "/a/c/../d/case.html"), "../d/case.html");
  EXPECT_EQ(relative_link("page.html", "./x/case.html"), "x/case.html");
  EXPECT_EQ(relative_link("/a/p.html", "/a/<&\"'> 5%#?:\xff.html"), "%3C%26%22%27%3E%205%25%23%3F%3A%FF.html");
}

TEST(CohortLinks, LeadOnlyToWhatExists) {
  const TemporaryFolder folder;
  write_file(folder / "case 1.html", "x");
  std::filesystem::create_directory(folder / "case_2.html");
  const auto links = links_to_case_reports(folder / "page.html", folder.path(), {"case 1", "case_2", "case_3"});
  EXPECT_THAT(links, ElementsAre(Pair("case 1", "case%201.html")));
}

}  // namespace
}  // namespace twintrack

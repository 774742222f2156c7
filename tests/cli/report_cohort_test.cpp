// report on a cohort, as a user runs it and as a browser shows it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

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
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr int kCases = 4;

class CohortReport : public testing::Test {
 protected:
  CohortReport() : manifest_(write_cohort(folder_.path(), {.cases = kCases})) {}
  fs::path operator/(const std::string& name) const { return folder_ / name; }
  fs::path page() const { return *this / "report.html"; }
  static std::string contents(const fs::path& file) { return read_file(file, std::size_t{1} << 26); }

  void run(const Arguments& arguments) const {
    const Outcome outcome = run_twintrack(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  // What evaluate, compare and calibrate give of the cohort.
  void write_inputs() const {
    const std::string cases = manifest_.string();
    run({"evaluate", "--manifest", cases, "-o", (*this / "metrics.json").string(), "--vessels"});
    run({"compare", "--fit", cases, "--folds", "2", "-o", (*this / "table.json").string()});
    run({"calibrate", "--manifest", cases, "-o", (*this / "calibrator.json").string()});
  }
  Outcome report(const Arguments& options = {}) const {
    Arguments all{"report", "--manifest", manifest_.string(), "-o", page().string(), "--bootstrap", "100"};
    all.insert(all.end(), options.begin(), options.end());
    return run_twintrack(all);
  }
  Arguments inputs() const {
    return {"--metrics",    (*this / "metrics.json").string(),   "--table", (*this / "table.json").string(),
            "--calibrator", (*this / "calibrator.json").string()};
  }
  static Arguments with(Arguments arguments, const Arguments& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  // The manifest with a CT for each case.
  void add_images() {
    for (int i = 0; i < kCases; ++i) {
      Volume<float> image = tiny_case({.cases = kCases}, i).agreement;
      for (float& hu : image.voxels) hu = 200 * hu - 50;
      write_volume(folder_ / case_name(i) / "image.nii.gz", image);
    }
    manifest_ = write_manifest(folder_ / "with_images.csv", {0, 1, 2, 3},
                               {"image", "probability", "raters", "roi", "segmentation", "vessels"});
  }

  TemporaryFolder folder_;
  fs::path manifest_;
};

TEST_F(CohortReport, HasEverySectionAndPlotForWhichThereIsInput) {
  write_inputs();
  const Outcome outcome = report(with(inputs(), {"--plots", (*this / "plots").string()}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("report.html: 4 case(s), "), HasSubstr("plots: 15 plots")));
  EXPECT_THAT(outcome.err, HasSubstr(kResearchUse));
  const std::string html = contents(page());
  for (const char* const part : {"Warnings", "Calibration targets compared", "Before calibration", "After calibration",
                                 "Calibration curve", "Worst cases first", "Vessels", "Provenance", "cases.csv",
                                 "in-sample", "percentile intervals of fewer than 20"})
    EXPECT_THAT(html, HasSubstr(part)) << part;
  EXPECT_THAT(html, Not(HasSubstr("Not in this report")));
  EXPECT_THAT(html, Not(HasSubstr(folder_.path().string())));
  for (const char* const file : {"metrics.json", "table.json", "calibrator.json"})
    EXPECT_THAT(html, HasSubstr(sha256_of_file(*this / file))) << file;

  const std::vector<std::string> plots = files_below(*this / "plots");
  EXPECT_EQ(plots.size(), 15u);
  Arguments parse{"/usr/bin/python3", "-c",
                  "import sys, xml.etree.ElementTree as x; [x.parse(f) for f in sys.argv[1:]]"};
  for (const std::string& plot : plots) parse.push_back((*this / "plots" / plot).string());
  const Outcome parsed = run_process(parse);
  EXPECT_EQ(parsed.status, 0) << parsed.err;
}

TEST_F(CohortReport, ShowsTheFiguresOfTheFiles) {
  write_inputs();
  ASSERT_EQ(report(inputs()).status, 0);
  const std::string html = contents(page());
  const Json metrics = read_json(*this / "metrics.json");
  const auto shown = [&](const Json& estimate, const char* pattern) {
    return fmt::format(fmt::runtime(pattern), estimate["mean"].get<double>(), estimate["ci_low"].get<double>(),
                       estimate["ci_high"].get<double>());
  };
  EXPECT_THAT(html, HasSubstr(shown(metrics["summary"]["tdsc"], "mean {:.3f} [{:.3f}, {:.3f}] over 4 cases")));
  for (const auto& [name, of_case] : metrics["cases"].items()) {
    EXPECT_THAT(html, HasSubstr(fmt::format("data-value=\"{}\">{:.3f}<", of_case["tdsc"].get<double>(),
                                            of_case["tdsc"].get<double>())));
  }
  for (const Json& row : read_json(*this / "table.json")["rows"])
    EXPECT_THAT(html, testing::ContainsRegex(shown(row["metrics"]["ece_mean"], "{:.4f}.*\\[{:.4f}, {:.4f}\\]")));
  EXPECT_THAT(html, Not(HasSubstr("computed from other maps")));
}

TEST_F(CohortReport, IsTheSameWithAnyNumberOfThreads) {
  write_inputs();
  ASSERT_EQ(report(with(inputs(), {"--threads", "1"})).status, 0);
  const std::string one = contents(page());
  ASSERT_EQ(report(with(inputs(), {"--threads", "3", "--overwrite"})).status, 0);
  EXPECT_EQ(contents(page()), one);
  ASSERT_EQ(report(with(inputs(), {"--seed", "5", "--overwrite"})).status, 0);
  EXPECT_NE(contents(page()), one);
}

TEST_F(CohortReport, OfTheManifestAloneSaysWhatWouldAddMore) {
  const Outcome outcome = report({"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json document = Json::parse(outcome.out);
  EXPECT_EQ(document["report"], page().string());
  EXPECT_EQ(document["cases"], kCases);
  EXPECT_EQ(document["plots"], Json::array());
  EXPECT_EQ(document["warnings"].size(), 1u);
  EXPECT_THAT(contents(page()), AllOf(HasSubstr("Not in this report"), HasSubstr("Maps as given")));
}

TEST_F(CohortReport, ACaseThatCannotBeReadIsNamedAndTheOthersAreShown) {
  write_file(*this / "case_2" / "probability.nii.gz", "no image");
  const Outcome outcome = report();
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("case_2"));
  EXPECT_THAT(contents(page()),
              AllOf(HasSubstr("case_2: left out of reliability"), HasSubstr("over all voxels of 3 cases")));

  for (int i = 0; i < kCases; ++i) write_file(*this / case_name(i) / "probability.nii.gz", "no image");
  fs::remove(page());
  EXPECT_EQ(report().status, 3);
  EXPECT_FALSE(fs::exists(page()));
}

TEST_F(CohortReport, WhatIsWrongIsRefusedBeforeAnythingIsWritten) {
  write_inputs();
  const auto refused = [&](int status, const Arguments& options, const std::string& message) {
    const Outcome outcome = report(options);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_FALSE(fs::exists(page()));
  };
  refused(3, {"--metrics", (*this / "none.json").string()}, "none.json: no such file");
  refused(3, {"--metrics", (*this / "table.json").string()}, "table.json: format: 'twintrack-comparison/1'");
  refused(3, {"--table", (*this / "metrics.json").string()}, "metrics.json: format: 'twintrack-metrics/1'");
  refused(3, {"--calibrator", manifest_.string()}, "cases.csv: line 1");
  refused(3, {"--case-reports", (*this / "cases").string()}, "image");
  refused(4, {"--plots", manifest_.string()}, "cases.csv");
  refused(2, {"--bootstrap", "0"}, "--bootstrap");

  Outcome outcome =
      run_twintrack({"report", "--manifest", manifest_.string(), "-o", manifest_.string(), "--overwrite"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("is an input"));
  write_file(page(), "mine");
  outcome = report();
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--overwrite"));
  EXPECT_EQ(contents(page()), "mine");
  fs::remove(page());
  fs::create_directory(*this / "plots");
  write_file(*this / "plots" / "reliability.svg", "mine");
  refused(2, {"--plots", (*this / "plots").string()}, "reliability.svg: exists already");
}

TEST_F(CohortReport, WritesReportsOfTheCasesAndLinksToThem) {
  add_images();
  write_inputs();
  const Arguments all = with(inputs(), {"--case-reports", (*this / "the cases").string()});
  write_file(*this / "case_3" / "image.nii.gz", "no image");
  Outcome outcome = report(all);
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.err, HasSubstr("case_3"));
  EXPECT_THAT(files_below(*this / "the cases"), ElementsAre("case_1.html", "case_2.html", "case_4.html"));
  EXPECT_THAT(contents(page()),
              AllOf(HasSubstr("<a href=\"the%20cases/case_1.html\">"), Not(HasSubstr("case_3.html"))));

  const auto written = fs::last_write_time(*this / "the cases" / "case_1.html");
  fs::copy_file(*this / "case_2" / "image.nii.gz", *this / "case_3" / "image.nii.gz",
                fs::copy_options::overwrite_existing);
  fs::remove(page());
  outcome = report(all);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(fs::last_write_time(*this / "the cases" / "case_1.html"), written);  // kept
  EXPECT_THAT(contents(page()), HasSubstr("<a href=\"the%20cases/case_3.html\">"));
}

// Sorts by each column, both ways; follows no link but tells where it leads.
constexpr const char* kScript = R"js((() => {
  const table = document.getElementById("cases");
  const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
  const values = (column) => [...table.tBodies[0].rows].map((row) => Number(row.cells[column].dataset.value));
  const result = { first: names(), columns: [] };
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    if (column === 0) return;
    const button = header.querySelector("button");
    button.click();
    const once = { sort: header.getAttribute("aria-sort"), values: values(column) };
    button.click();
    result.columns.push({ once, twice: { sort: header.getAttribute("aria-sort"), values: values(column) } });
  });
  table.tHead.rows[0].cells[0].querySelector("button").click();
  result.by_name = names();
  result.sorted_headers = table.querySelectorAll("th[aria-sort]").length;
  result.links = [...document.querySelectorAll("main a")].map((a) => a.getAttribute("href"));
  result.overflow = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  result.clipped = [...document.querySelectorAll("svg.plot text")].filter((text) => {
    const box = text.getBoundingClientRect();
    const plot = text.closest("svg").getBoundingClientRect();
    return box.left < plot.left - 1 || box.right > plot.right + 1 || box.bottom > plot.bottom + 1;
  }).map((text) => text.textContent);
  return result;
})())js";

TEST_F(CohortReport, WorksInABrowserOnAnyScreen) {
  write_inputs();
  write_file(*this / "case_2.html", "beside the report");
  ASSERT_EQ(report(inputs()).status, 0);
  write_file(*this / "script.js", kScript);
  for (const auto& [width, scheme] : {std::pair{"1400", "--dark"}, {"390", "--scale=1"}}) {
    const Outcome shown =
        run_process({"/usr/bin/python3", TWINTRACK_SOURCE_DIR "/tests/report/browser.py", page().string(), "--script",
                     (*this / "script.js").string(), "--width", width, scheme});
    if (shown.status == 77) GTEST_SKIP() << shown.err;
    ASSERT_EQ(shown.status, 0) << shown.err;
    const Json result = Json::parse(shown.out);
    ASSERT_EQ(result["columns"].size(), 8u);
    for (const Json& column : result["columns"]) {
      auto values = column["once"]["values"].get<std::vector<double>>();
      const bool ascending = column["once"]["sort"] == "ascending";
      EXPECT_EQ(column["twice"]["sort"], ascending ? "descending" : "ascending");
      EXPECT_TRUE(ascending ? std::ranges::is_sorted(values) : std::ranges::is_sorted(values, std::greater()));
      values = column["twice"]["values"].get<std::vector<double>>();
      EXPECT_TRUE(ascending ? std::ranges::is_sorted(values, std::greater()) : std::ranges::is_sorted(values));
    }
    EXPECT_EQ(result["by_name"], (Json{"case_1", "case_2", "case_3", "case_4"}));
    EXPECT_EQ(result["sorted_headers"], 1);
    EXPECT_EQ(result["links"], Json{"case_2.html"});
    EXPECT_EQ(result["overflow"], false) << width;
    EXPECT_EQ(result["clipped"], Json::array()) << width;
  }
}

}  // namespace
}  // namespace twintrack::test

// The page about a cohort: what is on it, in which order, and that nothing of an input acts as markup.
#include "twintrack/report/cohort_report.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <set>

#include "support/svg.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_cohort.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/report/cohort_metric.hpp"

namespace twintrack {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

CaseFigures figures(const std::string& name, double tdsc) {
  return {name,
          {{"tdsc", tdsc}, {"dsc", 0.6}, {"ece_mean", 0.002}, {"crps", 1234.5}, {"volume_mm3.prediction", 5000}},
          {0.001, 0.003},
          {4000, 6000}};
}

MetricsFile metrics_of(const std::vector<CaseFigures>& cases) {
  MetricsFile metrics;
  metrics.cases = cases;
  metrics.summary = {{"tdsc", {0.65, 0.6, 0.7, std::ssize(cases)}}, {"hd95_mm", {kNaN, kNaN, kNaN, 0}}};
  metrics.origin = {"0.1.0", 500, 3};
  return metrics;
}

ComparisonFile comparison_of(const std::vector<std::string>& cases) {
  ComparisonFile comparison;
  comparison.rows = {
      {"none", {{"tdsc", {0.55, 0.5, 0.6, 3}}, {"ece_mean", {0.003, 0.002, 0.004, 3}}}, {{"tdsc", 0.04}}},
      {"MHR", {{"tdsc", {0.58, 0.5, 0.7, 3}}, {"ece_mean", {0.005, 0.002, 0.009, 3}}}, {}}};
  comparison.cases = cases;
  comparison.design = "2 folds of <fit>.csv";
  return comparison;
}

CalibratorFile calibrator() {
  CalibratorFile file;
  file.calibrator = {"mhr", {0, 1}, {0, 0.9F}, {}, {}};
  file.warnings = {"the curve is constant"};
  return file;
}

class Page : public testing::Test {
 protected:
  Page() : manifest_(read_manifest(test::write_cohort(folder_.path(), {.cases = 3}), {})), maps_(manifest_, {}, {}) {
    for (const CohortCase& item : manifest_.cases) maps_.add(item);
  }
  // metrics.json as evaluate makes it of these maps, as far as the page compares them.
  MetricsFile matching_metrics() const {
    std::vector<CaseFigures> cases{figures("case_1", 0.7), figures("case_2", 0.5), figures("case_3", 0.6)};
    for (std::size_t i = 0; i < 3; ++i) cases[i].values["response_calibration_error"] = maps_.given().response_error[i];
    return metrics_of(cases);
  }
  CohortReportInput input() const {
    CohortReportInput input{{"case_1", "case_2", "case_3"}, maps_, {}, {}, {}, {}, {}, {}};
    input.files = {{"manifest", "cases.csv", "0123abcd"}};
    input.replicates = 50;
    return input;
  }
  static std::string page_of(const CohortReportInput& input) { return cohort_report(input, cohort_plots(input)); }

  test::TemporaryFolder folder_;
  Manifest manifest_;
  CohortMaps maps_;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_F(Page, OfAManifestAloneShowsReliabilityAndSaysWhatWouldAddMore) {
  const std::string page = page_of(input());
  EXPECT_THAT(page, AllOf(HasSubstr("<h1>Cohort report</h1>"), HasSubstr("cases.csv"), HasSubstr("0123abcd"),
                          HasSubstr(kResearchUse)));
  EXPECT_EQ(count(page, "<figure"), 1u);
  EXPECT_THAT(page, AllOf(HasSubstr("Maps as given"), HasSubstr("<code>--metrics metrics.json</code>"),
                          HasSubstr("<code>--table table.json</code>"),
                          HasSubstr("<code>--calibrator calibrator.json</code>"), HasSubstr("--save-uncalibrated")));
  EXPECT_THAT(page,
              Not(testing::AnyOf(HasSubstr("id=\"comparison\""), HasSubstr("id=\"cases\""), HasSubstr("Vessels"))));
}

TEST_F(Page, WithAllInputsHasEverySection) {
  CohortReportInput all = input();
  all.metrics = matching_metrics();
  all.metrics->summary["vi.sma.wasserstein"] = {4, 3, 5, 3};
  all.metrics->summary["vi.sma.geometric.prediction.expected"] = {40, 30, 50, 3};
  all.comparison = comparison_of(all.cases);
  all.calibrator = calibrator();
  const std::string page = page_of(all);
  std::size_t at = 0;  // in this order, warnings first
  for (const char* const part : {"Warnings", "class=\"headline\"", "Calibration targets compared", "id=\"comparison\"",
                                 "Published by the paper", "id=\"published\"", "Calibration</h2>", "Cases</h2>",
                                 "Volumes</h2>", "Worst cases first", "Vessels</h2>", "Provenance</h2>"}) {
    const std::size_t next = page.find(part, at);
    ASSERT_NE(next, std::string::npos) << part;
    at = next;
  }
  EXPECT_THAT(page, HasSubstr(kVascularNote));
  EXPECT_THAT(page, Not(HasSubstr("--metrics metrics.json")));
  EXPECT_EQ(count(page, "<figure"), cohort_plots(all).size());
}

TEST_F(Page, MarksTheBestMeanOfAColumnAndShowsWhatThePaperPublished) {
  CohortReportInput with = input();
  with.comparison = comparison_of(with.cases);
  const std::string page = page_of(with);
  EXPECT_THAT(
      page,
      HasSubstr("<strong>0.580 \u2605</strong><br><span class=\"hint\">[0.500, 0.700]</span>"));  // higher is better
  EXPECT_THAT(page, HasSubstr("<strong>0.0030 \u2605</strong>"));                                 // lower is better
  EXPECT_THAT(page, Not(HasSubstr("<strong>0.550")));
  EXPECT_THAT(page, HasSubstr("0.550<br><span class=\"hint\">[0.500, 0.600], p 0.0400</span>"));
  EXPECT_THAT(page, HasSubstr("2 folds of &lt;fit&gt;.csv"));
  for (const char* const value : {"0.553", "0.300", "0.307", "0.569", "0.0156", "0.0209", "0.0147"})
    EXPECT_THAT(page, HasSubstr(value));
}

TEST_F(Page, ListsTheWorstCaseFirstAndThoseWithoutAValueLast) {
  CohortReportInput with = input();
  with.cases = {"good", "bad", "none", "middling"};
  with.metrics =
      metrics_of({figures("good", 0.9), figures("none", kNaN), figures("bad", 0.1), figures("middling", 0.5)});
  with.links = {{"bad", "cases/bad.html"}, {"gone", "gone.html"}};
  const std::string page = page_of(with);
  const std::string table = page.substr(page.find("id=\"cases\""));
  EXPECT_LT(table.find(">bad<"), table.find(">middling<"));
  EXPECT_LT(table.find(">middling<"), table.find(">good<"));
  EXPECT_LT(table.find(">good<"), table.find(">none<"));
  EXPECT_EQ(count(page, "<a href="), 1u);
  EXPECT_THAT(page, HasSubstr("<a href=\"cases/bad.html\">"));
  EXPECT_THAT(table, HasSubstr("data-value=\"0.1\">0.100<"));
}

TEST_F(Page, NamesOfAnyBytesAreText) {
  const std::string hostile = "<script>alert('x')</script>\"&\xff\x01";
  CohortReportInput with = input();
  with.cases = {hostile, std::string(5000, 'n')};
  with.metrics = metrics_of({figures(hostile, 0.5), figures(std::string(5000, 'n'), 0.6)});
  with.metrics->summary["vi." + hostile + ".wasserstein"] = {1, 0, 2, 2};
  with.metrics->failed = {{hostile, hostile}};
  with.comparison = comparison_of({hostile});
  with.comparison->rows[0].title = hostile;
  with.comparison->design = hostile;
  with.calibrator = calibrator();
  with.calibrator->calibrator.target = hostile;
  with.calibrator->warnings = {hostile};
  with.failed = {{hostile, hostile}};
  with.files = {{"manifest", hostile, "x", {hostile, 1, 1}}};
  with.links = {{hostile, "\"><script>x"}};
  const std::string page = page_of(with);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("\"><script>x")));
  EXPECT_EQ(page.find('\xff'), std::string::npos);
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  for (const NamedPlot& plot : cohort_plots(with)) EXPECT_NO_THROW(test::svg_elements(plot.drawing.file()));
}

TEST_F(Page, WarnsWhereFilesDoNotBelongTogether) {
  CohortReportInput with = input();
  with.metrics = matching_metrics();
  EXPECT_THAT(cohort_warnings(with), testing::ElementsAre(HasSubstr("3 cases: percentile intervals")));
  with.metrics->cases[0].values["response_calibration_error"] *= 1.001;
  with.metrics->cases[2].name = "another";
  with.metrics->failed = {{"case_9", "no such file"}};
  with.comparison = comparison_of({"case_1", "case_2", "case_3", "case_4"});
  with.calibrator = calibrator();
  with.failed = {{"case_3", "truncated"}};
  const std::vector<std::string> warnings = cohort_warnings(with);
  for (const char* const expected :
       {"case_3: left out of reliability: truncated", "case_9: could not be evaluated: no such file",
        "1 of the manifest's cases are not in the metrics: case_3",
        "1 cases of the metrics are not in the manifest: another",
        "the metrics of 1 case were computed from other maps than the manifest's: case_1",
        "1 cases of the comparison are not in the manifest: case_4", "calibrator: the curve is constant"}) {
    EXPECT_THAT(warnings, Contains(expected));
  }
}

TEST_F(Page, OfThousandsOfCasesStaysReadable) {
  CohortReportInput with = input();
  with.cases.clear();
  std::vector<CaseFigures> cases;
  for (int i = 0; i < 5000; ++i) {
    cases.push_back(figures("case_" + std::to_string(i), static_cast<double>(i * 7919 % 5000) / 5000));
    with.cases.push_back(cases.back().name);
  }
  with.metrics = metrics_of(cases);
  const std::vector<NamedPlot> plots = cohort_plots(with);
  for (const NamedPlot& plot : plots) EXPECT_LT(plot.drawing.height(), 1100) << plot.file_name;
  EXPECT_LT(cohort_report(with, plots).size(), std::size_t{12} << 20);
}

TEST_F(Page, PlotsHaveNamesOfTheList) {
  CohortReportInput all = input();
  all.metrics = matching_metrics();
  all.metrics->summary["vi.sma.wasserstein"] = {4, 3, 5, 3};
  all.comparison = comparison_of(all.cases);
  all.calibrator = calibrator();
  const std::vector<std::string_view> names = cohort_plot_names();
  std::set<std::string_view> seen;
  for (const NamedPlot& plot : cohort_plots(all)) {
    EXPECT_THAT(names, Contains(plot.file_name));
    EXPECT_TRUE(seen.insert(plot.file_name).second) << plot.file_name;
  }
  EXPECT_EQ(seen.size(), names.size() - 2);  // before and after are for two stages
}

TEST(MetricText, IsForPeople) {
  EXPECT_EQ(interval_text({0.6543, 0.6, 0.7, 3}, 3), "0.654 [0.600, 0.700]");
  EXPECT_EQ(interval_text({kNaN, kNaN, kNaN, 0}, 3), "\u2013");
  EXPECT_EQ(p_text(0.01234), "0.0123");
  EXPECT_EQ(p_text(0.00001), "< 0.0001");
  EXPECT_EQ(p_text(kNaN), "\u2013");
  EXPECT_EQ(counted(1, "case"), "1 case");
  EXPECT_EQ(counted(0, "case"), "0 cases");
}

}  // namespace
}  // namespace twintrack

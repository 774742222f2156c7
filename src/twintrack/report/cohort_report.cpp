#include "twintrack/report/cohort_report.hpp"

#include "report_assets.hpp"
#include "twintrack/core/markup.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/report/cohort_metric.hpp"
#include "twintrack/report/cohort_tables.hpp"
#include "twintrack/report/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace twintrack {
namespace {

constexpr std::size_t kMostNamed = 10;
constexpr std::int64_t kFewCases = 20;
constexpr double kSameError = 1e-9;  // relative: the same sums, written as JSON and read back

using Names = std::set<std::string>;

std::string listed(const Names& names) {
  std::string text;
  std::size_t count = 0;
  for (const std::string& name : names) {
    if (count == kMostNamed) return text + fmt::format(" and {} more", names.size() - kMostNamed);
    text += (count++ == 0 ? "" : ", ") + name;
  }
  return text;
}

Names without(const Names& names, const Names& others) {
  Names rest;
  std::ranges::set_difference(names, others, std::inserter(rest, rest.end()));
  return rest;
}

// Cases that only the manifest or only a file has.
void compare_names(const Names& manifest, const Names& file, const char* what, std::vector<std::string>& warnings) {
  if (const Names rest = without(manifest, file); !rest.empty())
    warnings.push_back(
        fmt::format("{} of the manifest's cases are not in the {}: {}", rest.size(), what, listed(rest)));
  if (const Names rest = without(file, manifest); !rest.empty())
    warnings.push_back(fmt::format("{} cases of the {} are not in the manifest: {}", rest.size(), what, listed(rest)));
}

// The metrics' calibration error is computed again from the maps: another value means another map.
Names cases_of_other_maps(const MetricsFile& metrics, const CohortMaps& maps) {
  std::map<std::string, double> noted;
  for (const CaseFigures& item : metrics.cases) noted[item.name] = item.value("response_calibration_error");
  Names others;
  for (std::size_t i = 0; i < maps.cases().size(); ++i) {
    const auto found = noted.find(maps.cases()[i]);
    const double error = maps.given().response_error[i];
    if (found != noted.end() && std::abs(found->second - error) > kSameError * std::max(error, kSameError))
      others.insert(maps.cases()[i]);
  }
  return others;
}

std::string section(const char* title, const std::string& contents) {
  return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", title, contents);
}

std::string card(const std::string& contents) { return "<div class=\"card\">\n" + contents + "</div>\n"; }

// The plots whose names begin with one of the prefixes, side by side.
std::string figures(const std::vector<NamedPlot>& plots, std::initializer_list<std::string_view> prefixes) {
  std::string html;
  for (const std::string_view prefix : prefixes) {
    for (const NamedPlot& plot : plots) {
      if (plot.file_name.starts_with(prefix))
        html += "<figure class=\"card\">\n" + plot.drawing.element() + "</figure>\n";
    }
  }
  return "<div class=\"figures\">\n" + html + "</div>\n";
}

std::string warnings_html(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return "";
  std::string list;
  for (const std::string& warning : warnings) list += "<li>" + escape_markup(warning) + "</li>\n";
  return fmt::format("<div class=\"warnings\" role=\"note\"><strong>Warnings</strong>\n<ul>\n{}</ul></div>\n", list);
}

std::string headline(const MetricsFile& metrics) {
  std::string html;
  for (const ReportedMetric& metric : case_metrics()) {
    const auto found = metrics.summary.find(metric.key);
    if (found == metrics.summary.end()) continue;
    const Estimate& mean = found->second;
    const std::string text = interval_text(mean, metric.decimals);
    const std::size_t end = std::min(text.find(" ["), text.size());
    const std::string fewer = mean.n < std::ssize(metrics.cases) ? ", " + counted(mean.n, "case") : "";
    html += fmt::format("<div class=\"card\"><dt>{}</dt><dd>{}<small>{}{}</small></dd></div>\n",
                        title_with_unit(metric), text.substr(0, end), text.substr(end), fewer);
  }
  return fmt::format(
      "<dl class=\"headline\">\n{}</dl>\n<p class=\"muted\">Bootstrap means over {} with 95\u00a0% intervals ({} "
      "replicates, seed {}).</p>\n",
      html, counted(std::ssize(metrics.cases), "case"), metrics.origin.replicates, metrics.origin.seed);
}

std::string comparison_section(const ComparisonFile& comparison, const std::vector<NamedPlot>& plots) {
  std::string text =
      "<p>The same networks' maps, uncalibrated and calibrated to three different targets; only the target differs";
  text += comparison.design.empty() ? ". " : fmt::format(" ({}). ", escape_markup(comparison.design));
  text += fmt::format(
      "Bootstrap means over {} with 95\u00a0% intervals; p is of the paired difference to MHR (sign-flip "
      "permutation "
      "test, no correction for several comparisons). \u2605 marks the best mean of a column, as printed.</p>\n",
      counted(std::ssize(comparison.cases), "case"));
  const std::string here = "<p><strong>This cohort</strong></p>\n" + comparison_table_html(comparison);
  const std::string paper =
      "<p><strong>Published by the paper</strong><br><span class=\"hint\">64 patients of the CURVAS-PDACVI test set "
      "(Kirscher et al., TwinTrack, MIDL 2026, arXiv 2604.15950). Another cohort: compare the order of rows, not "
      "values.</span></p>\n" +
      paper_table_html();
  return section("Calibration targets compared", text + "<div class=\"compared\">\n" + card(here) + card(paper) +
                                                     "</div>\n" + figures(plots, {"comparison-"}));
}

std::string calibration_section(const CohortReportInput& input, const std::vector<NamedPlot>& plots) {
  std::string text = fmt::format(
      "<p>What experts mark, against what the maps say. A dot is one of 50 equal bins of probability: the mean human "
      "response of its voxels against their mean probability, over all voxels of {} within 20 voxels around the "
      "raters' "
      "marks. The band is the 95\u00a0% interval of a bootstrap over cases ({} replicates, seed {}); a bin that a "
      "single "
      "case "
      "fills is hollow and has none. The calibration error of a case is the mean of its bins' |probability \u2212 "
      "response|, weighted by voxels: the many voxels near 0 count most.</p>\n",
      counted(std::ssize(input.maps.cases()), "case"), input.replicates, input.seed);
  std::string tables = card(reliability_table_html(input));
  if (input.calibrator) {
    const CalibratorFile& file = *input.calibrator;
    text +=
        "<p>The calibration curve leads from uncalibrated probability to expected share of raters: isotonic "
        "regression, linear between its knots";
    if (file.band) {
      text +=
          fmt::format(", with its pointwise 95\u00a0% band (bootstrap over the fitted cases, {} replicates, seed {})",
                      file.origin.replicates, file.origin.seed);
    }
    text +=
        ". The bar at its foot is the range of probabilities that were fitted; beyond it the curve is constant.</p>\n";
    if (!file.quality.empty()) tables += card(calibrator_table_html(file));
  }
  return section(
      "Calibration",
      text + figures(plots, {"reliability-before", "reliability.svg", "calibration-curve", "reliability-after"}) +
          "<div class=\"tables\">\n" + tables + "</div>\n");
}

std::string cases_section(const MetricsFile& metrics, const std::vector<NamedPlot>& plots) {
  std::string text = fmt::format(
      "<p>A dot is a case, the worst at the top. Dashed: the bootstrap mean over cases; shaded: its 95\u00a0% interval "
      "({} "
      "replicates, seed {}). Grey: the raters, each a tick, their range a line.</p>\n",
      metrics.origin.replicates, metrics.origin.seed);
  return section("Cases", text + figures(plots, {"cases-tdsc", "cases-dsc", "cases-ece", "cases-calibration-error",
                                                 "cases-crps", "cases-hd95"})) +
         section("Volumes", "<p>The expected volume is the sum of the probabilities times the voxel volume.</p>\n" +
                                figures(plots, {"volumes", "cases-volume"}));
}

std::string worst_section(const CohortReportInput& input) {
  const char* const hint = input.links.empty() ? "" : " A name opens the case's own report.";
  return section("Worst cases first",
                 fmt::format("<p>A press on a header sorts by that column, its worst end first.{}</p>\n", hint) +
                     "<div class=\"card scroll-box\">\n" + cases_table_html(*input.metrics, input.links) + "</div>\n");
}

std::string vessels_section(const MetricsFile& metrics, const std::vector<NamedPlot>& plots) {
  const std::vector<std::string> vessels = vessels_of(metrics);
  if (vessels.empty()) return "";
  const std::string note = fmt::format("<p><strong>{}</strong></p>\n", escape_markup(kVascularNote));
  return section("Vessels", note + figures(plots, {"vessels"}) + card(vessels_table_html(metrics, vessels)));
}

// What else the page could hold.
std::string missing_section(const CohortReportInput& input) {
  std::string list;
  const auto add = [&](const char* what) { list += fmt::format("<li>{}</li>\n", what); };
  if (!input.metrics) {
    add("<code>--metrics metrics.json</code> (of <code>twintrack evaluate</code>): cohort means, plots of all cases, "
        "volumes, worst cases first");
  } else if (vessels_of(*input.metrics).empty()) {
    add("metrics of <code>twintrack evaluate --vessels</code>: contact angles of vessels");
  }
  if (!input.comparison)
    add("<code>--table table.json</code> (of <code>twintrack compare</code>): calibration targets compared");
  if (!input.calibrator)
    add("<code>--calibrator calibrator.json</code> (of <code>twintrack calibrate</code>): its curve");
  if (input.maps.stages().size() == 1) {
    add("reliability before and after calibration: maps of <code>twintrack predict --save-uncalibrated</code>, or "
        "uncalibrated maps and <code>--calibrator</code>");
  }
  return list.empty() ? "" : section("Not in this report", "<p>What would add more:</p>\n<ul>\n" + list + "</ul>\n");
}

std::string manifest_name(const CohortReportInput& input) {
  const auto found = std::ranges::find(input.files, "manifest", &ReportedFile::role);
  return found == input.files.end() ? "" : found->name;
}

}  // namespace

std::vector<std::string> cohort_warnings(const CohortReportInput& input) {
  std::vector<std::string> warnings;
  for (const auto& [name, why] : input.failed)
    warnings.push_back(fmt::format("{}: left out of reliability: {}", name, why));
  for (std::string& warning : input.maps.warnings()) warnings.push_back(std::move(warning));
  const Names manifest(input.cases.begin(), input.cases.end());
  if (input.metrics) {
    for (const auto& [name, why] : input.metrics->failed)
      warnings.push_back(fmt::format("{}: could not be evaluated: {}", name, why));
    Names names;
    for (const CaseFigures& item : input.metrics->cases) names.insert(item.name);
    compare_names(manifest, names, "metrics", warnings);
    if (const Names others = cases_of_other_maps(*input.metrics, input.maps); !others.empty()) {
      warnings.push_back(fmt::format("the metrics of {} were computed from other maps than the manifest's: {}",
                                     counted(std::ssize(others), "case"), listed(others)));
    }
  }
  if (input.comparison) {
    compare_names(manifest, Names(input.comparison->cases.begin(), input.comparison->cases.end()), "comparison",
                  warnings);
  }
  if (input.calibrator) {
    for (const std::string& warning : input.calibrator->warnings) warnings.push_back("calibrator: " + warning);
  }
  const auto cases = static_cast<std::int64_t>(input.maps.cases().size());
  if (cases < kFewCases) {
    warnings.push_back(fmt::format(
        "{}: percentile intervals of fewer than {} are too narrow (10 cases: a nominal 95 % covers about 90 %)",
        counted(cases, "case"), kFewCases));
  }
  return warnings;
}

std::string cohort_report(const CohortReportInput& input, const std::vector<NamedPlot>& plots) {
  std::string body = fmt::format("<header><h1>Cohort report</h1><p class=\"muted\">{}, {}</p></header>\n",
                                 escape_markup(manifest_name(input)), counted(std::ssize(input.cases), "case"));
  body += warnings_html(cohort_warnings(input));
  if (input.metrics) body += headline(*input.metrics);
  if (input.comparison) body += comparison_section(*input.comparison, plots);
  body += calibration_section(input, plots);
  if (input.metrics)
    body += cases_section(*input.metrics, plots) + worst_section(input) + vessels_section(*input.metrics, plots);
  body += missing_section(input);
  body += section("Provenance", card(provenance_html(input)));
  body += fmt::format("<script>\n{}</script>\n", report_assets::cohort_js);
  const std::string head = fmt::format("<style>\n{}{}</style>\n", plot::plot_style(), report_assets::cohort_css);
  return html_page("Cohort report: " + manifest_name(input), head, body);
}

}  // namespace twintrack

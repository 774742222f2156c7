// The plots of a cohort report.
#include "twintrack/plot/scale.hpp"
#include "twintrack/report/cohort_metric.hpp"
#include "twintrack/report/cohort_report.hpp"
#include "twintrack/report/cohort_tables.hpp"
#include "twintrack/report/plot_dots.hpp"
#include "twintrack/report/plot_reliability.hpp"
#include "twintrack/report/plot_volumes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kMm3PerMl = 1000;
constexpr std::string_view kReliability = "reliability.svg";
constexpr std::string_view kReliabilityBefore = "reliability-before.svg";
constexpr std::string_view kReliabilityAfter = "reliability-after.svg";
constexpr std::string_view kCurve = "calibration-curve.svg";
constexpr std::string_view kVolumes = "volumes.svg";
constexpr std::string_view kCaseVolumes = "cases-volume.svg";
constexpr std::string_view kVessels = "vessels.svg";
// In the order of paper_metrics() and case_metrics().
constexpr std::array<std::string_view, 3> kComparisons{"comparison-tdsc.svg", "comparison-ece.svg",
                                                       "comparison-crps.svg"};
constexpr std::array<std::string_view, 6> kCases{"cases-tdsc.svg", "cases-dsc.svg",
                                                 "cases-ece.svg",  "cases-calibration-error.svg",
                                                 "cases-crps.svg", "cases-hd95.svg"};

plot::Ink ink_of(const MapStage& stage) { return stage.calibrated ? plot::Ink::blue : plot::Ink::orange; }

NamedPlot reliability(const CohortReportInput& input, const MapStage& stage) {
  const bool alone = input.maps.stages().size() == 1;
  const Estimate error = bootstrap_mean(stage.response_error, input.replicates, input.seed);
  const std::string_view name = alone ? kReliability : stage.calibrated ? kReliabilityAfter : kReliabilityBefore;
  return {name, reliability_plot(cohort_reliability(stage.tables, input.replicates, input.seed), stage.title,
                                 "calibration error " + interval_text(error, 4), ink_of(stage))};
}

std::string mean_text(const Estimate& mean, int decimals) {
  return fmt::format("mean {} over {}", interval_text(mean, decimals), counted(mean.n, "case"));
}

// Rows without a value are left out.
void sort_rows(std::vector<DotRow>& rows, bool ascending) {
  std::erase_if(rows, [](const DotRow& row) { return !std::isfinite(row.value); });
  std::ranges::stable_sort(
      rows, [&](double a, double b) { return ascending ? a < b : a > b; }, &DotRow::value);
}

DotRow row_of(const CaseFigures& item, const ReportedMetric& metric) {
  DotRow row{item.name, item.value(metric.key), {}, {}, ""};
  if (std::string_view(metric.key) == "ece_mean") {
    row.others = item.ece;
    row.spread = plot::range_of(item.ece);
  }
  row.tooltip = fmt::format("{}: {}", item.name, plot::number_text(row.value, metric.decimals));
  return row;
}

DotPlot cases_plot(const MetricsFile& metrics, const ReportedMetric& metric) {
  DotPlot spec;
  const Estimate mean = metrics.mean(metric.key);
  spec.title = fmt::format("{} of each case", metric.title);
  spec.subtitle = mean_text(mean, metric.decimals);
  spec.axis = fmt::format("{} ({} is better)", title_with_unit(metric), metric.higher_is_better ? "higher" : "lower");
  spec.mean = mean;
  for (const CaseFigures& item : metrics.cases) {
    spec.rows.push_back(row_of(item, metric));
    if (!spec.rows.back().others.empty()) spec.rows.back().tooltip += ", the mean over raters";
  }
  if (std::string_view(metric.key) == "ece_mean") spec.subtitle += "; ticks: each rater";
  sort_rows(spec.rows, metric.higher_is_better);
  return spec;
}

std::vector<CaseVolumes> volumes_of(const MetricsFile& metrics) {
  std::vector<CaseVolumes> volumes;
  for (const CaseFigures& item : metrics.cases) {
    volumes.push_back({item.name, item.value("volume_mm3.prediction") / kMm3PerMl, {}});
    for (const double volume : item.rater_volumes_mm3) volumes.back().raters_ml.push_back(volume / kMm3PerMl);
  }
  return volumes;
}

DotPlot volumes_by_case(const MetricsFile& metrics) {
  DotPlot spec;
  Estimate mean = metrics.mean("volume_mm3.prediction");
  for (double* const value : {&mean.mean, &mean.ci_low, &mean.ci_high}) *value /= kMm3PerMl;
  spec.title = "Expected volume of each case";
  spec.subtitle = mean_text(mean, 1) + "; ticks: each rater";
  spec.axis = "volume, ml";
  spec.mean = mean;
  spec.may_be_logarithmic = true;
  for (const CaseVolumes& item : volumes_of(metrics)) {
    spec.rows.push_back({item.name, item.expected_ml, plot::range_of(item.raters_ml), item.raters_ml,
                         fmt::format("{}: expected {:.1f} ml", item.name, item.expected_ml)});
  }
  sort_rows(spec.rows, false);
  return spec;
}

DotPlot comparison_plot(const ComparisonFile& comparison, const ReportedMetric& metric) {
  DotPlot spec;
  spec.title = title_with_unit(metric);
  spec.subtitle = fmt::format("{} is better; lines: 95 % intervals", metric.higher_is_better ? "higher" : "lower");
  spec.axis = title_with_unit(metric);
  for (const ComparisonFile::Row& row : comparison.rows) {
    const auto found = row.means.find(metric.key);
    if (found == row.means.end()) continue;
    const Estimate& mean = found->second;
    spec.rows.push_back({row.title,
                         mean.mean,
                         plot::Range{mean.ci_low, mean.ci_high},
                         {},
                         fmt::format("{}: {}", row.title, interval_text(mean, metric.decimals))});
  }
  return spec;
}

DotPlot vessels_plot(const MetricsFile& metrics, const std::vector<std::string>& vessels) {
  DotPlot spec;
  spec.title = "Expected contact angle of each vessel";
  spec.subtitle = "means over cases with 95 % intervals; ticks: the raters' mean";
  spec.axis = "contact angle, degrees";
  for (const std::string& vessel : vessels) {
    const std::string prefix = "vi." + vessel + ".geometric.";
    const Estimate mean = metrics.mean(prefix + "prediction.expected");
    const Estimate raters = metrics.mean(prefix + "raters.mean");
    spec.rows.push_back({vessel,
                         mean.mean,
                         plot::Range{mean.ci_low, mean.ci_high},
                         {raters.mean},
                         fmt::format("{}: {} degrees", vessel, interval_text(mean, 0))});
  }
  return spec;
}

std::string curve_subtitle(const CalibratorFile& file) {
  std::string text = "target " + file.calibrator.target;
  if (!file.cases.empty()) text += ", " + counted(std::ssize(file.cases), "case");
  if (file.voxels > 0) text += fmt::format(", {:.1f} million voxels", static_cast<double>(file.voxels) / 1e6);
  return file.case_weight == "equal" ? text + ", cases weigh the same" : text;
}

}  // namespace

std::vector<std::string_view> cohort_plot_names() {
  std::vector<std::string_view> names{kReliability, kReliabilityBefore, kReliabilityAfter, kCurve,
                                      kVolumes,     kCaseVolumes,       kVessels};
  names.insert(names.end(), kComparisons.begin(), kComparisons.end());
  names.insert(names.end(), kCases.begin(), kCases.end());
  return names;
}

std::vector<NamedPlot> cohort_plots(const CohortReportInput& input) {
  std::vector<NamedPlot> plots;
  for (std::size_t i = 0; input.comparison && i < kComparisons.size(); ++i)
    plots.push_back({kComparisons[i], dot_plot(comparison_plot(*input.comparison, paper_metrics()[i]))});
  for (const MapStage& stage : input.maps.stages()) plots.push_back(reliability(input, stage));
  if (input.calibrator) {
    plots.push_back({kCurve, calibration_curve_plot(input.calibrator->calibrator, input.calibrator->band,
                                                    curve_subtitle(*input.calibrator))});
  }
  if (!input.metrics) return plots;
  const MetricsFile& metrics = *input.metrics;
  for (std::size_t i = 0; i < kCases.size(); ++i)
    plots.push_back({kCases[i], dot_plot(cases_plot(metrics, case_metrics()[i]))});
  plots.push_back({kCaseVolumes, dot_plot(volumes_by_case(metrics))});
  plots.push_back({kVolumes, volume_plot(volumes_of(metrics), "dashed: expected = raters' mean")});
  if (const auto vessels = vessels_of(metrics); !vessels.empty())
    plots.push_back({kVessels, dot_plot(vessels_plot(metrics, vessels))});
  return plots;
}

}  // namespace twintrack

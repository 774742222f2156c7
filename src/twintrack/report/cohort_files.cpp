#include "twintrack/report/cohort_files.hpp"

#include "twintrack/core/json.hpp"
#include "twintrack/evaluation/cohort_metrics.hpp"

#include <fmt/format.h>

#include <limits>

namespace twintrack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

void require_format(const JsonView& document, const char* right) {
  const JsonView format = document.at("format");
  if (format.as_string() != right) format.fail(fmt::format("'{}' is not supported; {} is", format.as_string(), right));
}

double number_or_nan(const JsonView& view) { return view.is_null() ? kNaN : view.as_number(); }

// The member, when it is there and not null.
std::optional<JsonView> known(const JsonView& view, const std::string& key) {
  const auto member = view.find(key);
  return member && !member->is_null() ? member : std::nullopt;
}

std::vector<double> numbers(const JsonView& list) {
  std::vector<double> values;
  for (const JsonView& element : list.elements()) values.push_back(number_or_nan(element));
  return values;
}

FileOrigin origin_of(const JsonView& document, const std::string& bootstrap) {
  FileOrigin origin;
  if (const auto version = known(document, "twintrack")) origin.version = version->as_string();
  if (const auto settings = known(document, bootstrap)) {
    origin.replicates = settings->at("replicates").as_integer(0, kMost);
    const JsonView seed = settings->at("seed");
    origin.seed = seed.raw().is_number_unsigned() ? seed.raw().get<std::uint64_t>()
                                                  : static_cast<std::uint64_t>(seed.as_integer(0, kMost));
  }
  return origin;
}

Estimates read_estimates(const JsonView& summary) {
  Estimates estimates;
  for (const auto& [metric, row] : summary.members()) {
    estimates[metric] = {number_or_nan(row.at("mean")), number_or_nan(row.at("ci_low")),
                         number_or_nan(row.at("ci_high")), row.at("n").as_integer(0, kMost)};
  }
  return estimates;
}

CaseFigures read_case(const std::string& name, const JsonView& metrics) {
  CaseFigures figures{name, {}, {}, {}};
  if (!metrics.is_object()) metrics.fail("expected the case's metrics");
  for (const auto& [metric, value] : scalar_metrics(metrics.raw())) figures.values[metric] = value;
  if (const auto ece = known(metrics, "ece")) figures.ece = numbers(*ece);
  if (const auto volume = known(metrics, "volume_mm3"); volume && known(*volume, "raters"))
    figures.rater_volumes_mm3 = numbers(volume->at("raters"));
  return figures;
}

ComparisonFile::Row read_row(const JsonView& row) {
  ComparisonFile::Row result{row.at("calibration_target").as_string(), read_estimates(row.at("metrics")), {}};
  if (const auto difference = known(row, "difference_to_mhr")) {
    for (const auto& [metric, of_metric] : difference->members()) result.p[metric] = number_or_nan(of_metric.at("p"));
  }
  return result;
}

// Of the manifest's path its name alone.
std::string file_name(const JsonView& part) {
  return std::filesystem::path(part.at("manifest").as_string()).filename().string();
}

std::string design_of(const JsonView& document) {
  const auto fit = known(document, "fit");
  const auto test = known(document, "test");
  if (!fit || !test) return "";
  if (const auto folds = test->find("folds"))
    return fmt::format("{} folds of {}: each case with calibrators fitted to the other folds",
                       folds->as_integer(2, kMost), file_name(*fit));
  return fmt::format("calibrators fitted to {}, evaluated on {}", file_name(*fit), file_name(*test));
}

FitQuality read_quality(const JsonView& view) {
  return {number_or_nan(view.at("brier")), number_or_nan(view.at("calibration_error")), number_or_nan(view.at("tdsc"))};
}

std::vector<std::pair<std::string, FitQuality>> read_diagnostics(const JsonView& diagnostics) {
  std::vector<std::pair<std::string, FitQuality>> quality;
  for (const auto& [key, title] : {std::pair{"before", "as predicted"},
                                   {"after", "calibrated, on the cases it was fitted to"},
                                   {"leave_one_case_out", "calibrated, each case left out of its fit"}}) {
    if (const auto row = known(diagnostics, key)) quality.emplace_back(title, read_quality(*row));
  }
  return quality;
}

std::vector<double> band_values(const JsonView& band, const std::string& key, std::size_t count) {
  const JsonView list = band.at(key);
  std::vector<double> values;
  for (const JsonView& element : list.elements()) values.push_back(element.as_number(0, 1));
  if (count > 0 && values.size() != count) list.fail(fmt::format("{} values for {} in x", values.size(), count));
  return values;
}

CurveBand read_band(const JsonView& view) {
  CurveBand band;
  band.x = band_values(view, "x", 0);
  if (band.x.empty()) view.at("x").fail("no values");
  band.low = band_values(view, "low", band.x.size());
  band.high = band_values(view, "high", band.x.size());
  return band;
}

}  // namespace

double CaseFigures::value(const std::string& metric) const {
  const auto found = values.find(metric);
  return found == values.end() ? kNaN : found->second;
}

Estimate MetricsFile::mean(const std::string& metric) const {
  const auto found = summary.find(metric);
  return found == summary.end() ? Estimate{kNaN, kNaN, kNaN, 0} : found->second;
}

MetricsFile read_metrics_file(const std::filesystem::path& file) {
  const Json json = read_json(file);
  const JsonView document(json, file.string());
  require_format(document, kMetricsFormat);
  constexpr const char* task = "curvas-pdacvi";
  if (document.at("task").as_string() != task)
    document.at("task").fail(fmt::format("a report shows the task {}", task));
  MetricsFile metrics;
  for (const auto& [name, of_case] : document.at("cases").members()) metrics.cases.push_back(read_case(name, of_case));
  if (metrics.cases.empty()) document.at("cases").fail("no cases");
  metrics.summary = read_estimates(document.at("summary"));
  if (const auto failed = known(document, "failed")) {
    for (const auto& [name, why] : failed->members()) metrics.failed.emplace_back(name, why.as_string());
  }
  metrics.origin = origin_of(document, "bootstrap");
  return metrics;
}

ComparisonFile read_comparison_file(const std::filesystem::path& file) {
  const Json json = read_json(file);
  const JsonView document(json, file.string());
  require_format(document, "twintrack-comparison/1");
  ComparisonFile comparison;
  for (const JsonView& row : document.at("rows").elements()) comparison.rows.push_back(read_row(row));
  if (comparison.rows.empty()) document.at("rows").fail("no rows");
  for (const auto& [name, of_case] : document.at("cases").members()) comparison.cases.push_back(name);
  comparison.design = design_of(document);
  comparison.origin = origin_of(document, "bootstrap");
  return comparison;
}

CalibratorFile read_calibrator_file(const std::filesystem::path& file) {
  const Json json = read_json(file);
  const JsonView document(json, file.string());
  CalibratorFile result;
  result.calibrator = parse_calibrator(document);
  if (const auto warnings = known(document, "warnings")) {
    for (const JsonView& warning : warnings->elements()) result.warnings.push_back(warning.as_string());
  }
  if (const auto diagnostics = known(document, "diagnostics")) result.quality = read_diagnostics(*diagnostics);
  if (const auto band = known(document, "band")) result.band = read_band(*band);
  if (const auto input = known(document, "input")) {
    for (const JsonView& item : input->at("cases").elements()) {
      const auto sha256 = known(item, "sha256");
      result.cases.emplace_back(item.at("case").as_string(), sha256 ? sha256->as_string() : "");
    }
  }
  if (const auto voxels = known(document, "voxels")) result.voxels = voxels->as_integer(0, kMost);
  if (const auto weight = known(document, "case_weight")) result.case_weight = weight->as_string();
  result.origin = origin_of(document, "band");
  return result;
}

}  // namespace twintrack

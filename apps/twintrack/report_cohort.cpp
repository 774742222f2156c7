// report --manifest: a page about a cohort, and its plots as files.
#include "report_cohort.hpp"

#include <cstdio>

#include "inventory.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/report/case_report.hpp"
#include "twintrack/report/cohort_links.hpp"
#include "twintrack/report/cohort_report.hpp"
#include "twintrack/report/find_case.hpp"

namespace twintrack::cli {
namespace {

namespace fs = std::filesystem;

// The page, and whatever plots there may be.
std::vector<fs::path> outputs_of(const CohortReportArguments& a) {
  std::vector<fs::path> outputs{a.output};
  if (a.plots.empty()) return outputs;
  make_output_folder(a.plots);
  for (const std::string_view name : cohort_plot_names()) outputs.push_back(a.plots / name);
  return outputs;
}

void refuse_inputs_as_output(const CohortReportArguments& a) {
  for (const fs::path& input : {a.manifest, a.metrics, a.table, a.calibrator}) {
    if (!input.empty() && input == a.output) throw UsageError("{}: is an input, not a report", input.string());
  }
}

fs::path case_page(const CohortReportArguments& a, const std::string& name) {
  return a.case_reports / (name + ".html");
}

ReportedFile reported(const char* role, const fs::path& file, const FileOrigin& origin = {}) {
  return {role, file.filename().string(), sha256_of_file(file), origin};
}

// Adds the cases whose maps can be read.
void add_cases(const CohortReportArguments& a, const Manifest& manifest, CohortMaps& maps, CohortReportInput& input) {
  Progress progress("read maps", std::ssize(manifest.cases), a.cohort.reporting.progress());
  for (const CohortCase& item : manifest.cases) {
    throw_if_interrupted();
    try {
      require_one_map(item, manifest);
      maps.add(item);
    } catch (const InputError& error) {
      if (manifest.cases.size() == 1) throw;
      report_failure(a.cohort.reporting, item.name, error);
      input.failed.emplace_back(item.name, error.what());
    }
    progress.advance();
  }
}

// A page for each case, kept where it is there already; those that cannot be made are named.
bool write_case_reports(const CohortReportArguments& a, const Manifest& manifest) {
  bool all = true;
  Progress progress("case reports", std::ssize(manifest.cases), a.cohort.reporting.progress());
  for (const CohortCase& item : manifest.cases) {
    throw_if_interrupted();
    const fs::path page = case_page(a, item.name);
    try {
      if (a.cohort.overwrite || !fs::exists(page)) {
        CaseFiles files = case_of_manifest(manifest, item.name);
        files.tumor_labels = a.cohort.tumor_labels;
        write_file(page, case_report(files).html);
      }
    } catch (const InputError& error) {
      if (manifest.cases.size() == 1) throw;
      report_failure(a.cohort.reporting, item.name, error);
      all = false;
    }
    progress.advance();
  }
  return all;
}

void print_result(const CohortReportArguments& a, const CohortReportInput& input, const std::vector<NamedPlot>& plots) {
  const std::vector<std::string> warnings = cohort_warnings(input);
  if (a.cohort.reporting.json) {
    Json files = Json::array();
    for (const NamedPlot& plot : plots) {
      if (!a.plots.empty()) files.push_back((a.plots / plot.file_name).string());
    }
    fmt::print("{}\n", to_text(Json{{"report", a.output.string()},
                                    {"cases", input.cases.size()},
                                    {"plots", std::move(files)},
                                    {"warnings", warnings}}));
    return;
  }
  fmt::print("{}: {} case(s), {} warning(s)\n", a.output.string(), input.cases.size(), warnings.size());
  if (!a.plots.empty()) fmt::print("{}: {} plots\n", a.plots.string(), plots.size());
}

}  // namespace

void add_cohort_report_options(CLI::App& job, CohortReportArguments& a) {
  job.add_option("--metrics", a.metrics, "metrics.json of evaluate: plots of all cases, volumes, worst cases first")
      ->type_name(kFile);
  job.add_option("--table", a.table, "table.json of compare: calibration targets compared")->type_name(kFile);
  job.add_option("--calibrator", a.calibrator,
                 "calibrator.json of calibrate: its curve; also applied to the maps when they are uncalibrated")
      ->type_name(kFile);
  job.add_option("--plots", a.plots, "Also each plot as an SVG file in this folder")->type_name(kFolder);
  job.add_option("--case-reports", a.case_reports,
                 "Also a report on each case, CASE.html, in this folder (column image); those that are there are kept "
                 "(--overwrite: made anew)")
      ->type_name(kFolder);
}

ExitStatus run_cohort_report(const CohortReportArguments& a) {
  refuse_inputs_as_output(a);
  if (!a.case_reports.empty()) make_output_folder(a.case_reports);
  prepare(a.cohort, outputs_of(a));
  std::vector<Column> needed{Column::probability, Column::raters};
  if (!a.case_reports.empty()) needed.push_back(Column::image);
  const Manifest manifest = read_manifest(a.manifest, needed);
  std::vector<ReportedFile> files{reported("manifest", a.manifest)};
  std::optional<MetricsFile> metrics;
  std::optional<ComparisonFile> comparison;
  std::optional<CalibratorFile> calibrator;
  if (!a.metrics.empty()) {
    metrics = read_metrics_file(a.metrics);
    files.push_back(reported("metrics", a.metrics, metrics->origin));
  }
  if (!a.table.empty()) {
    comparison = read_comparison_file(a.table);
    files.push_back(reported("comparison", a.table, comparison->origin));
  }
  if (!a.calibrator.empty()) {
    calibrator = read_calibrator_file(a.calibrator);
    files.push_back(reported("calibrator", a.calibrator, calibrator->origin));
  }

  CohortMaps maps(manifest, calibrator, a.cohort.tumor_labels);
  CohortReportInput input{{}, maps, std::move(metrics), std::move(comparison), std::move(calibrator),
                          {}, {},   std::move(files),   a.cohort.replicates,   a.cohort.seed};
  for (const CohortCase& item : manifest.cases) input.cases.push_back(item.name);
  add_cases(a, manifest, maps, input);
  if (maps.cases().empty()) throw InputError("{}: every case failed", a.manifest.string());
  const bool complete = a.case_reports.empty() || write_case_reports(a, manifest);
  const fs::path pages = a.case_reports.empty() ? fs::absolute(a.output).parent_path() : a.case_reports;
  input.links = links_to_case_reports(a.output, pages, input.cases);

  const std::vector<NamedPlot> plots = cohort_plots(input);
  if (!a.plots.empty()) {
    for (const NamedPlot& plot : plots) write_file(a.plots / plot.file_name, plot.drawing.file());
  }
  write_file(a.output, cohort_report(input, plots));
  print_result(a, input, plots);
  print_note(a.cohort.reporting, kResearchUse);
  return input.failed.empty() && complete ? ExitStatus::done : ExitStatus::some_cases_failed;
}

}  // namespace twintrack::cli

// report: one self-contained HTML page on a case or a cohort.
#include <cstdio>

#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "report_cohort.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/report/case_report.hpp"
#include "twintrack/report/find_case.hpp"

namespace twintrack::cli {
namespace {

namespace fs = std::filesystem;

struct ReportArguments {
  CohortReportArguments cohort;  // manifest, output and what all jobs on cohorts share count for a case, too
  std::string case_name;
  fs::path image;
  std::string series_uid;
  fs::path results;
  std::vector<fs::path> raters;
  fs::path vessels;
};

bool is_on_manifest(const ReportArguments& a) { return !a.cohort.manifest.empty(); }
bool is_on_cohort(const ReportArguments& a) { return is_on_manifest(a) && a.case_name.empty(); }

void check(const ReportArguments& a) {
  if (is_on_manifest(a)) {
    const bool files = !a.image.empty() || !a.results.empty() || !a.raters.empty() || !a.vessels.empty();
    if (files) throw UsageError("--manifest: names all files; -i, --results, --raters and --vessels are for one CT");
  } else if (a.image.empty() || a.results.empty()) {
    throw UsageError("report: needs -i CT and --results FOLDER, or --manifest CSV");
  }
  const CohortReportArguments& c = a.cohort;
  const bool plots =
      !c.metrics.empty() || !c.table.empty() || !c.calibrator.empty() || !c.plots.empty() || !c.case_reports.empty();
  if (plots && !is_on_cohort(a)) {
    throw UsageError(
        "--metrics, --table, --calibrator, --plots, --case-reports: are for a cohort (--manifest without "
        "--case)");
  }
}

CaseFiles files_of(const ReportArguments& a) {
  CaseFiles files;
  if (is_on_manifest(a)) {
    const Manifest manifest = read_manifest(a.cohort.manifest, std::vector{Column::image, Column::probability});
    files = case_of_manifest(manifest, a.case_name);
  } else {
    files = case_of_results(a.results, a.image, a.case_name.empty() ? std::nullopt : std::optional(a.case_name));
    files.raters = a.raters;
    if (!a.vessels.empty()) files.vessels = a.vessels;
  }
  if (!a.series_uid.empty()) files.series_uid = a.series_uid;
  files.tumor_labels = a.cohort.cohort.tumor_labels;
  return files;
}

ExitStatus run_case_report(const ReportArguments& a) {
  const CohortArguments& shared = a.cohort.cohort;
  prepare(shared, {a.cohort.output});
  const CaseFiles files = files_of(a);
  const CaseReport report = case_report(files);
  write_file(a.cohort.output, report.html);
  for (const std::string& warning : report.warnings) print_warning(shared.reporting, warning, files.name);
  if (shared.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"report", a.cohort.output.string()},
                                    {"case", files.name},
                                    {"bytes", report.html.size()},
                                    {"thinning", report.thinning},
                                    {"warnings", report.warnings}}));
  } else {
    fmt::print("{}: case {}, {:.1f} MB, {} warning(s)\n", a.cohort.output.string(), files.name,
               static_cast<double>(report.html.size()) / 1e6, report.warnings.size());
  }
  print_note(shared.reporting, kResearchUse);
  return ExitStatus::done;
}

ExitStatus run(const ReportArguments& a) {
  check(a);
  return is_on_cohort(a) ? run_cohort_report(a.cohort) : run_case_report(a);
}

}  // namespace

void add_report(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<ReportArguments>();
  CLI::App* const job = app.add_subcommand("report", "One self-contained HTML page on a case or a cohort");
  job->footer(
      "Examples:\n"
      "  twintrack report -i ct.nii.gz --results results -o case.html                  what predict wrote\n"
      "  twintrack report -i ct.nii.gz --results results --raters a.nii.gz b.nii.gz -o case.html\n"
      "  twintrack report --manifest cases.csv --case case_7 -o case_7.html            a case of a cohort\n"
      "  twintrack report --manifest cases.csv --metrics metrics.json -o cohort.html   the whole cohort\n\n"
      "The page opens in any browser, offline; it holds the image around the region of interest. Save the region with\n"
      "predict --save-roi, and the map before calibration with --save-uncalibrated, to have them shown.\n"
      "Research use only; not for diagnosis.");
  job->add_option("-i,--input", a->image, "CT that was predicted: a volume or a DICOM series folder")
      ->type_name(kFileOrFolder);
  job->add_option("--results", a->results, "What predict wrote for it")->type_name(kFolder);
  job->add_option("--case", a->case_name,
                  "Case in the results or the manifest (default: the CT's; the whole manifest)");
  job->add_option("--raters", a->raters, "What experts marked, a label map each, on the CT's grid")->type_name(kFile);
  job->add_option("--vessels", a->vessels,
                  "Label map of vessels (1 portal vein, 2 SMV, 3 aorta, 4 celiac trunk, 5 SMA): their outlines and "
                  "contact angles")
      ->type_name(kFile);
  job->add_option("--series", a->series_uid, "SeriesInstanceUID, when a DICOM folder holds several series");
  job->add_option("--manifest", a->cohort.manifest,
                  "CSV file with the cases (case, image, probability, segmentation, raters, vessels, roi)")
      ->type_name(kFile);
  job->add_option("-o,--output", a->cohort.output, "The page (.html)")->type_name(kFile)->required();
  add_cohort_report_options(*job, a->cohort);
  add_cohort_options(*job, a->cohort.cohort);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

// calibrate: probability maps and raters of a cohort in, calibrator.json out.
#include <cstdio>
#include <set>

#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/calibration/fit.hpp"
#include "twintrack/calibration/statistics_file.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/pipeline/bundle.hpp"
#include "twintrack/pipeline/prediction_record.hpp"

namespace twintrack::cli {
namespace {

struct CalibrateArguments {
  std::filesystem::path manifest;
  std::vector<std::filesystem::path> merge;
  std::filesystem::path output;
  std::filesystem::path statistics_out;
  std::filesystem::path bundle;
  std::string target = "mhr";
  std::string case_weight = "voxel";
  CohortArguments cohort;
};

// The networks that made the cohort's maps, as `predict` noted beside them.
std::optional<std::string> recorded_networks(const CalibrateArguments& a, const Manifest& manifest) {
  std::set<std::string> known;
  std::size_t recorded = 0;
  std::size_t calibrated = 0;
  for (const CohortCase& item : manifest.cases) {
    const auto record = prediction_record(item.probability.front());
    if (!record) continue;
    ++recorded;
    known.insert(record->networks_sha256);
    calibrated += record->calibrated ? 1 : 0;
  }
  if (calibrated > 0) {
    print_warning(a.cohort.reporting,
                  fmt::format("{} of {} maps are calibrated already; calibrators are fitted to CASE_uncalibrated "
                              "(predict --save-uncalibrated)",
                              calibrated, manifest.cases.size()));
  }
  if (known.size() > 1) {
    throw InputError(
        "{}: the maps come from {} different networks, as the summaries beside them say; one calibrator "
        "belongs to one",
        manifest.file.string(), known.size());
  }
  if (recorded == 0) return std::nullopt;
  if (recorded < manifest.cases.size()) {
    print_warning(a.cohort.reporting,
                  fmt::format("only {} of {} maps say which networks made them; the others are taken to be the same",
                              recorded, manifest.cases.size()));
  }
  return *known.begin();
}

std::optional<std::string> networks_of(const CalibrateArguments& a, const Manifest& manifest) {
  const std::optional<std::string> recorded = recorded_networks(a, manifest);
  if (a.bundle.empty()) return recorded;
  const std::string given = networks_sha256(read_bundle(a.bundle));
  if (recorded && *recorded != given) {
    print_warning(
        a.cohort.reporting,
        fmt::format("the summaries beside the maps name other networks ({:.12}...) than those of --bundle ({:.12}...)",
                    *recorded, given));
  }
  return given;
}

void add_cohort(const CalibrateArguments& a, CalibrationStatistics& statistics) {
  const Manifest manifest = read_manifest(a.manifest, std::vector{Column::probability, Column::raters});
  statistics.networks_sha256 = networks_of(a, manifest);
  std::size_t without_region = 0;
  {
    Progress progress("count voxels", std::ssize(manifest.cases), a.cohort.reporting.progress());
    for (const CohortCase& item : manifest.cases) {
      throw_if_interrupted();
      require_one_map(item, manifest);
      CaseMaps maps = read_case_maps(item, a.cohort.tumor_labels, {.roi = true});
      if (!maps.roi) {
        ++without_region;
        maps.roi = region_of_marks(maps.probability, maps.raters);
      }
      add_case(statistics, {item.name, case_identity(item), maps.probability.voxels, maps.raters, *maps.roi});
      progress.advance();
    }
  }
  if (without_region > 0) {
    print_note(a.cohort.reporting,
               fmt::format("{} of {} cases have no `roi`: fitted over the box of probabilities above 0 and raters' "
                           "marks, grown by 20 voxels",
                           without_region, manifest.cases.size()));
  }
}

void print_quality(const char* what, const FitQuality& q) {
  fmt::print("{:<26} {:>10.6f} {:>18.6f} {:>8.4f}\n", what, q.brier, q.calibration_error, q.tdsc);
}

void print_fit(const CalibrateArguments& a, const CalibratorFit& fit, const Json& document) {
  if (a.cohort.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"calibrator", a.output.string()},
                                    {"target", document["target"]},
                                    {"cases", document["cases"]},
                                    {"voxels", document["voxels"]},
                                    {"knots", fit.calibrator.x.size()},
                                    {"diagnostics", document["diagnostics"]},
                                    {"warnings", document["warnings"]}}));
    return;
  }
  fmt::print("{}: target {}, {} case(s), {:.1f} million voxels, {} knots\n", a.output.string(), fit.calibrator.target,
             document["cases"].get<std::size_t>(), document["voxels"].get<double>() / 1e6, fit.calibrator.x.size());
  fmt::print("{:<26} {:>10} {:>18} {:>8}\n", "", "Brier", "calibration error", "TDSC");
  print_quality("as predicted", fit.diagnostics.before);
  print_quality("calibrated (in-sample)", fit.diagnostics.after);
  if (fit.diagnostics.leave_one_out) print_quality("calibrated (left-out case)", *fit.diagnostics.leave_one_out);
}

ExitStatus run(const CalibrateArguments& a) {
  if (a.manifest.empty() && a.merge.empty()) {
    throw UsageError("calibrate: a cohort is needed: --manifest cases.csv, or --merge with statistics of others");
  }
  if (a.output.empty() && a.statistics_out.empty()) {
    throw UsageError("calibrate: an output is needed: -o calibrator.json, --statistics-out FILE, or both");
  }
  if (a.output == a.statistics_out) {
    throw UsageError("{}: given for both the calibrator and the statistics; each needs a file of its own",
                     a.output.string());
  }
  for (const auto& output : {a.output, a.statistics_out}) {
    if (!output.empty() && output == a.manifest) throw UsageError("{}: is the manifest", output.string());
  }
  const CalibrationTarget target = parse_target(a.target);
  prepare(a.cohort, {a.output, a.statistics_out});

  std::optional<CalibrationStatistics> statistics;
  if (!a.manifest.empty()) {
    statistics.emplace();
    statistics->target = target;
    statistics->case_weight = a.case_weight == "equal" ? CaseWeight::equal : CaseWeight::voxel;
    add_cohort(a, *statistics);
  }
  for (const std::filesystem::path& file : a.merge) {
    const CalibrationStatistics other = read_statistics(file);
    if (statistics) {
      merge(*statistics, other, file.string());
    } else {
      statistics = other;
    }
  }
  if (!a.statistics_out.empty()) write_statistics(a.statistics_out, *statistics);
  if (!a.output.empty()) {
    const CalibratorFit fit = fit_calibrator(*statistics, a.cohort.replicates, a.cohort.seed);
    for (const std::string& warning : fit.warnings) print_warning(a.cohort.reporting, warning);
    const Json document = to_json(fit, *statistics);
    write_file(a.output, to_text(document, 1) + "\n");
    print_fit(a, fit, document);
  }
  print_note(a.cohort.reporting, kResearchUse);
  return ExitStatus::done;
}

}  // namespace

void add_calibrate(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<CalibrateArguments>();
  CLI::App* const job = app.add_subcommand("calibrate", "Fit a calibrator: probability maps and raters in");
  job->footer(
      "Examples:\n"
      "  twintrack calibrate --manifest cases.csv -o calibrator.json\n"
      "  twintrack calibrate --manifest here.csv --statistics-out here.stats     on each machine, then\n"
      "  twintrack calibrate --merge here.stats there.stats -o calibrator.json\n\n"
      "The manifest is a CSV file with the columns case, probability, raters (paths separated by ';', or a glob)\n"
      "and, when there is one, roi. Paths are relative to it.");
  CLI::Option* const manifest =
      job->add_option("--manifest", a->manifest, "CSV file with columns case, probability, raters and optionally roi")
          ->type_name(kFile);
  job->add_option("--merge", a->merge, "Statistics that --statistics-out wrote, here or elsewhere")->type_name(kFile);
  job->add_option("-o,--output", a->output, "The calibrator (JSON)")->type_name(kFile);
  job->add_option("--statistics-out", a->statistics_out, "Also write the statistics that the fit needs, for --merge")
      ->type_name(kFile);
  job->add_option("--target", a->target,
                  "What to fit: mhr (share of raters), rater:K (rater K alone, from 1), majority, staple")
      ->needs(manifest)
      ->capture_default_str();
  job->add_option("--case-weight", a->case_weight, "voxel: every voxel counts the same; equal: every case does")
      ->check(CLI::IsMember({"voxel", "equal"}))
      ->needs(manifest)
      ->capture_default_str();
  job->add_option("--bundle", a->bundle,
                  "The bundle that made the maps (default: what predict's summaries beside them say)")
      ->type_name(kFolder)
      ->needs(manifest);
  add_cohort_options(*job, a->cohort);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

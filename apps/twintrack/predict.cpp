// predict: the whole pipeline, CT in, calibrated probability map, segmentation and summary out.
#include <spdlog/spdlog.h>

#include <cstdio>

#include "case_identity.hpp"
#include "dicom_output.hpp"
#include "dry_run.hpp"
#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/pipeline/pipeline.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::cli {
namespace {

struct PredictArguments {
  std::filesystem::path bundle;
  InferenceArguments inference;
  bool save_uncalibrated = false;
  bool save_roi = false;
  std::optional<double> threshold;
  std::filesystem::path calibrator;
  std::filesystem::path vessels;
  std::filesystem::path dicom_out;
  IdentityArguments identity;
  bool force = false;
};

// The bundle with the calibrator asked for.
Bundle read_calibrated_bundle(const PredictArguments& a) {
  Bundle bundle = read_bundle(a.bundle);
  if (!a.calibrator.empty()) bundle.calibrator = read_calibrator(a.calibrator);
  const std::string file = (a.calibrator.empty() ? a.bundle / kBundleCalibratorFile : a.calibrator).string();
  if (bundle.calibrator && !a.force) require_made_for(*bundle.calibrator, bundle, file);
  return bundle;
}

std::filesystem::path summary_file(const PredictArguments& a, const std::string& name) {
  return a.inference.output / (name + ".json");
}

// Of the vessels that a summary speaks of; empty when of none.
std::string vessels_sha256(const std::filesystem::path& summary) {
  const Json document = read_json(summary);
  const auto sum = JsonView(document, summary.string()).find("vessels_sha256");
  return sum ? sum->as_string() : "";
}

// In the order in which they are written.
std::vector<std::filesystem::path> result_files(const PredictArguments& a, const DicomOutput& dicom,
                                                const std::string& name, bool calibrated) {
  std::vector<std::filesystem::path> files;
  for (const char* part : {"_probability", "_segmentation"}) files.push_back(a.inference.output_file(name + part));
  if (a.save_uncalibrated && calibrated) files.push_back(a.inference.output_file(name + "_uncalibrated"));
  if (a.save_roi) files.push_back(a.inference.output_file(name + "_roi"));
  for (std::filesystem::path& file : dicom.files(name)) files.push_back(std::move(file));
  files.push_back(summary_file(a, name));
  return files;
}

// The summary is written last, so where it stands the case is complete.
bool is_complete(const PredictArguments& a, const DicomOutput& dicom, const Case& item, bool calibrated) {
  if (a.inference.overwrite) return false;
  for (const std::filesystem::path& file : result_files(a, dicom, item.name, calibrated)) {
    if (!std::filesystem::exists(file)) return false;
  }
  if (a.identity.deidentify && !is_deidentified(read_json(summary_file(a, item.name)))) return false;
  return a.vessels.empty() || vessels_sha256(summary_file(a, item.name)) == sha256_of_file(a.vessels);
}

void refuse_vessels_of_several(const PredictArguments& a, const std::vector<Case>& cases) {
  if (a.vessels.empty() || cases.size() == 1) return;
  throw UsageError("--vessels {}: belongs to one case, and {} holds {}; predict them one by one", a.vessels.string(),
                   a.inference.input.string(), cases.size());
}

// Nothing without --vessels. Read before the hours that networks may take, so that a wrong file is told at once.
std::optional<Vessels> read_vessels_of(const PredictArguments& a, const Case& item, const CaseInput& input) {
  if (a.vessels.empty()) return {};
  Vessels vessels = read_vessels(a.vessels, challenge_vessels());
  require_same_grid(input.ct.geometry, item.path, vessels.geometry, a.vessels);
  return vessels;
}

void write_results(const PredictArguments& a, const DicomOutput& dicom, const std::optional<SourceStudy>& source,
                   const std::string& name, CaseResult& result, const Volume<std::uint8_t>& segmentation,
                   const Json& summary) {
  const Geometry& geometry = segmentation.geometry;
  const auto file = [&](const char* part) { return a.inference.output_file(name + part); };
  std::filesystem::remove(summary_file(a, name));  // one of an earlier run must not vouch for a mixture of old and new
  write_volume(file("_probability"), result.probability);
  write_volume(file("_segmentation"), segmentation);
  if (a.save_uncalibrated && !result.uncalibrated.empty()) {
    write_volume(file("_uncalibrated"), Volume<float>{geometry, std::move(result.uncalibrated)});
  }
  if (a.save_roi) write_volume(file("_roi"), Volume<std::uint8_t>{geometry, std::move(result.region.mask)});
  dicom.write(name, source, result.probability, segmentation, summary);
  write_file(summary_file(a, name), to_text(summary, 2) + "\n");
}

void print_result(const PredictArguments& a, const Json& summary) {
  if (a.inference.reporting.json) {
    fmt::print("{}\n", to_text(summary));
    return;
  }
  constexpr double mm3_per_ml = 1000;
  fmt::print(
      "{}: tumour {:.2f} ml at threshold {:g}, expected volume {:.2f} ml, maximum probability {:.3f}, {} "
      "component(s)\n",
      summary["case"].get<std::string>(), summary["tumor_volume_mm3"].get<double>() / mm3_per_ml,
      summary["threshold"].get<double>(), summary["expected_volume_mm3"].get<double>() / mm3_per_ml,
      summary["maximum_probability"].get<double>(), summary["components"].get<std::size_t>());
  if (!summary.contains("vascular")) return;
  for (const auto& [vessel, contact] : summary["vascular"].items()) {
    if (contact.is_null()) continue;
    fmt::print("  {}: expected contact {:.0f} degrees, {:.0f} to {:.0f} by agreement level\n", vessel,
               contact["expected"].get<double>(), contact["min"].get<double>(), contact["max"].get<double>());
  }
}

ExitStatus show_plan(const PredictArguments& a, const InferenceOptions& options, const std::vector<Case>& cases,
                     const DicomOutput& dicom) {
  const Bundle bundle = read_calibrated_bundle(a);
  const bool calibrated = bundle.calibrator.has_value();
  RunCost cost = run_cost(bundle, options);
  cost.keeps_uncalibrated = a.save_uncalibrated && calibrated;
  return print_plan({cases, [&](const Case& item) { return is_complete(a, dicom, item, calibrated); },
                     [&](const Case& item) { return result_files(a, dicom, item.name, calibrated); },
                     [&](const Geometry& geometry) { return pipeline_cost(cost, geometry); }},
                    a.inference);
}

ExitStatus run(const PredictArguments& a) {
  const InferenceOptions options = prepare(a.inference);
  const std::vector<Case> cases = named(list_cases(a.inference.input), a.identity);
  refuse_results_among_inputs(a.inference, cases);
  refuse_vessels_of_several(a, cases);
  const DicomOutput dicom(a.dicom_out, a.inference.series(), a.identity.deidentify);
  dicom.check(cases);
  if (a.inference.dry_run) return show_plan(a, options, cases, dicom);
  dicom.make_folder();
  Pipeline pipeline(read_calibrated_bundle(a), options);
  const RunFacts facts{pipeline.engine_name(),
                       a.inference.device,
                       name_of(options.precision),
                       thread_count(),
                       options.step_size,
                       options.mirroring,
                       a.threshold.value_or(pipeline.bundle().threshold),
                       a.calibrator.empty() ? std::nullopt : std::optional(sha256_of_file(a.calibrator))};
  const ReportingOptions& reporting = a.inference.reporting;
  const bool calibrated = pipeline.bundle().calibrator.has_value();
  const auto process = [&](const Case& item, CaseInput& input) {
    const std::optional<Vessels> vessels = read_vessels_of(a, item, input);
    const std::optional<SourceStudy> source = dicom.read(item, input.ct.geometry);
    StageBars bars(reporting.progress());
    CaseResult result = pipeline.predict(input, a.save_uncalibrated,
                                         [&](const std::string& stage, std::int64_t done, std::int64_t total) {
                                           bars.show(cases.size() > 1 ? item.name + ": " + stage : stage, done, total);
                                         });
    if (source) result.warnings.insert(result.warnings.end(), source->warnings.begin(), source->warnings.end());
    for (const std::string& warning : result.warnings) print_warning(reporting, warning, item.name);
    const Volume<std::uint8_t> segmentation{input.ct.geometry, threshold_map(result, facts.threshold)};
    Json summary = case_summary(item.name, input, result, segmentation.voxels, pipeline.bundle(), facts);
    if (a.identity.deidentify) deidentify(summary, input.warnings.size());
    if (vessels) add_vascular(summary, result.probability, *vessels, sha256_of_file(a.vessels));
    write_results(a, dicom, source, item.name, result, segmentation, summary);
    print_result(a, summary);
  };
  const BatchReport report = run_cases<CaseInput>(
      cases, [&](const Case& item) { return is_complete(a, dicom, item, calibrated); },
      [&](const Case& item) { return pipeline.read(item.path, a.inference.series()); }, process,
      [&](const Case& item, const Error& error) { report_failure(reporting, item.name, error); });
  if (!a.vessels.empty()) print_note(reporting, kVascularNote);
  print_note(reporting, kResearchUse);
  return close_batch(reporting, report);
}

}  // namespace

void add_predict(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<PredictArguments>();
  CLI::App* const job =
      app.add_subcommand("predict", "CT in, calibrated probability map, segmentation and summary out");
  job->footer(
      "Example:\n  twintrack predict -b models/pdac -i ct.nii.gz -o results\n\n"
      "Writes CASE_probability, CASE_segmentation (1 = tumour) and CASE.json.\nResearch use only; not for diagnosis.");
  job->add_option("-b,--bundle", a->bundle, "Bundle folder (made with `twintrack bundle create`)")
      ->type_name(kFolder)
      ->required();
  add_inference_options(*job, a->inference);
  job->add_flag("--save-uncalibrated", a->save_uncalibrated,
                "Also write CASE_uncalibrated: the members' mean probability");
  job->add_flag("--save-roi", a->save_roi, "Also write CASE_roi: where the members looked");
  job->add_option("--threshold", a->threshold,
                  "Probability from which a voxel is segmented as tumour (default: the bundle's)")
      ->check(number_within(0, 1));
  job->add_option("--calibrator", a->calibrator, "calibrator.json to use in place of the bundle's")->type_name(kFile);
  job->add_option("--vessels", a->vessels,
                  "Label map of vessels on the CT's grid (1 portal vein, 2 SMV, 3 aorta, 4 celiac trunk, 5 SMA): also "
                  "their contact angles in CASE.json")
      ->type_name(kFile);
  job->add_option("--dicom-out", a->dicom_out,
                  "Folder for the results as DICOM objects: segmentation, probabilities, parametric map and structured "
                  "report; the input must be DICOM")
      ->type_name(kFolder);
  add_identity_options(*job, a->identity);
  job->add_flag("--force", a->force, "Use a calibrator that was fitted to probabilities of other networks");
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

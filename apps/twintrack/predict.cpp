// predict: the whole pipeline, CT in, calibrated probability map, segmentation and summary out.
#include <spdlog/spdlog.h>

#include <cstdio>

#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
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

// The summary is written last, so where it stands the case is complete.
bool is_complete(const PredictArguments& a, const Case& item, bool calibrated) {
  if (a.inference.overwrite || !std::filesystem::exists(summary_file(a, item.name))) return false;
  std::vector<std::string> parts{"_probability", "_segmentation"};
  if (a.save_uncalibrated && calibrated) parts.push_back("_uncalibrated");
  if (a.save_roi) parts.push_back("_roi");
  for (const std::string& part : parts) {
    if (!std::filesystem::exists(a.inference.output_file(item.name + part))) return false;
  }
  return true;
}

void write_results(const PredictArguments& a, const std::string& name, const CaseInput& input, CaseResult& result,
                   std::vector<std::uint8_t> segmentation, Json summary) {
  const Geometry& geometry = input.ct.geometry;
  const auto file = [&](const char* part) { return a.inference.output_file(name + part); };
  std::filesystem::remove(summary_file(a, name));  // one of an earlier run must not vouch for a mixture of old and new
  write_volume(file("_probability"), result.probability);
  write_volume(file("_segmentation"), Volume<std::uint8_t>{geometry, std::move(segmentation)});
  if (a.save_uncalibrated && !result.uncalibrated.empty()) {
    write_volume(file("_uncalibrated"), Volume<float>{geometry, std::move(result.uncalibrated)});
  }
  if (a.save_roi) write_volume(file("_roi"), Volume<std::uint8_t>{geometry, std::move(result.region.mask)});
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
}

ExitStatus run(const PredictArguments& a) {
  const InferenceOptions options = prepare(a.inference);
  const std::vector<Case> cases = list_cases(a.inference.input);
  refuse_results_among_inputs(a.inference, cases);
  Pipeline pipeline(read_calibrated_bundle(a), options);
  const RunFacts facts{pipeline.engine_name(),
                       a.inference.device,
                       name_of(options.precision),
                       thread_count(),
                       options.step_size,
                       options.mirroring,
                       a.threshold.value_or(pipeline.bundle().threshold),
                       a.calibrator.empty() ? std::nullopt : std::optional(sha256_of_file(a.calibrator))};
  const bool quiet = a.inference.reporting.quiet;
  const bool calibrated = pipeline.bundle().calibrator.has_value();
  const auto process = [&](const Case& item, CaseInput& input) {
    StageBars bars(quiet);
    CaseResult result = pipeline.predict(input, a.save_uncalibrated,
                                         [&](const std::string& stage, std::int64_t done, std::int64_t total) {
                                           bars.show(cases.size() > 1 ? item.name + ": " + stage : stage, done, total);
                                         });
    for (const std::string& warning : result.warnings)
      fmt::print(stderr, "twintrack: {}: warning: {}\n", item.name, warning);
    std::vector<std::uint8_t> segmentation = threshold_map(result, facts.threshold);
    const Json summary = case_summary(item.name, input, result, segmentation, pipeline.bundle(), facts);
    write_results(a, item.name, input, result, std::move(segmentation), summary);
    print_result(a, summary);
  };
  const BatchReport report = run_cases<CaseInput>(
      cases, [&](const Case& item) { return is_complete(a, item, calibrated); },
      [&](const Case& item) { return pipeline.read(item.path, a.inference.series()); }, process, report_failure);
  if (!quiet) fmt::print(stderr, "{}\n", kResearchUse);
  return close_batch(report, quiet);
}

}  // namespace

void add_predict(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<PredictArguments>();
  CLI::App* const job =
      app.add_subcommand("predict", "CT in, calibrated probability map, segmentation and summary out");
  job->footer(
      "Example:\n  twintrack predict -b models/pdac -i ct.nii.gz -o results\n\n"
      "Writes CASE_probability, CASE_segmentation (1 = tumour) and CASE.json.\nResearch use only; not for diagnosis.");
  job->add_option("-b,--bundle", a->bundle, "Bundle folder (made with `twintrack bundle create`)")->required();
  add_inference_options(*job, a->inference);
  job->add_flag("--save-uncalibrated", a->save_uncalibrated,
                "Also write CASE_uncalibrated: the members' mean probability");
  job->add_flag("--save-roi", a->save_roi, "Also write CASE_roi: where the members looked");
  job->add_option("--threshold", a->threshold,
                  "Probability from which a voxel is segmented as tumour (default: the bundle's)")
      ->check(number_within(0, 1));
  job->add_option("--calibrator", a->calibrator, "calibrator.json to use in place of the bundle's");
  job->add_flag("--force", a->force, "Use a calibrator that was fitted to probabilities of other networks");
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

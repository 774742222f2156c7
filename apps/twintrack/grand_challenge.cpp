// grand-challenge: one job of grand-challenge.org: the CT in the interface's input folder, the results in its output
// folders. The platform shows stderr as a warning, so only warnings and errors go there.
#include <cstdio>
#include <map>

#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/pipeline/detection_map.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::cli {
namespace {

namespace fs = std::filesystem;

enum class Task { curvas_pdacvi, panorama };

const std::map<std::string, Task> kTasks{{"curvas-pdacvi", Task::curvas_pdacvi}, {"panorama", Task::panorama}};

// Where the platform unpacks an algorithm's model, and where a container may bring its own.
constexpr const char* kBundlePlaces[] = {"/opt/ml/model", "/opt/app/bundle"};

struct GrandChallengeArguments {
  std::string task;
  fs::path bundle;
  InferenceArguments inference;
};

fs::path ct_folder(Task task) {
  return fs::path("images") / (task == Task::panorama ? "venous-ct" : "thoracic-abdominal-ct");
}

// Below the output folder.
std::vector<fs::path> result_files(Task task) {
  if (task == Task::panorama) return {"images/pdac-detection-map/detection_map.mha", "pdac-likelihood.json"};
  return {"images/pdac-segmentation/output.mha", "images/pdac-confidence/output.mha"};
}

// The one .mha file of the folder.
fs::path find_ct(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw InputError("{}: there is no such folder; the CT is expected in it, as one .mha file", folder.string());
  }
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".mha") found.push_back(entry.path());
  }
  if (found.size() != 1) throw InputError("{}: {} .mha files; one is right", folder.string(), found.size());
  return found.front();
}

fs::path find_bundle(const fs::path& named) {
  if (!named.empty()) return named;
  for (const char* place : kBundlePlaces) {
    if (fs::exists(fs::path(place) / kBundleFile)) return place;
  }
  throw UsageError("no bundle: neither {} nor {} holds a {}; name its folder with -b or TWINTRACK_BUNDLE",
                   kBundlePlaces[0], kBundlePlaces[1], kBundleFile);
}

void write_curvas_pdacvi(const std::vector<fs::path>& files, const CaseResult& result,
                         const std::vector<std::uint8_t>& segmentation) {
  write_volume(files[1], result.probability);
  write_volume(files[0], Volume<std::uint8_t>{result.probability.geometry, segmentation});
}

// Of the networks' own probabilities: the challenge ranks patients, and an isotonic calibrator maps different ones to
// the same.
void write_panorama(const std::vector<fs::path>& files, const CaseResult& result) {
  const std::vector<float>& probability = result.uncalibrated.empty() ? result.probability.voxels : result.uncalibrated;
  const Geometry& geometry = result.probability.geometry;
  DetectionMap map = detection_map(probability, geometry.shape());
  write_volume(files[0], Volume<float>{geometry, std::move(map.confidence)});
  write_file(files[1], to_text(Json(map.likelihood)) + "\n");
}

void print_result(const GrandChallengeArguments& a, const std::vector<fs::path>& files, const Json& summary) {
  if (a.inference.reporting.json) {
    fmt::print("{}\n", to_text(summary));
    return;
  }
  for (const fs::path& file : files) fmt::print("{}\n", file.string());
  if (!a.inference.reporting.quiet) fmt::print("{}\n", kResearchUse);
}

ExitStatus run(const GrandChallengeArguments& a) {
  const Task task = kTasks.at(a.task);
  const fs::path ct = find_ct(a.inference.input / ct_folder(task));
  const fs::path bundle = find_bundle(a.bundle);
  const InferenceOptions options = prepare(a.inference);
  std::vector<fs::path> files = result_files(task);
  for (fs::path& file : files) {
    file = a.inference.output / file;
    make_output_folder(file.parent_path());
  }
  Pipeline pipeline(read_bundle(bundle), options);
  if (const auto& calibrator = pipeline.bundle().calibrator)
    require_made_for(*calibrator, pipeline.bundle(), (bundle / kBundleCalibratorFile).string());

  CaseInput input = pipeline.read(ct, {});
  CaseResult result = pipeline.predict(
      input, task == Task::panorama,
      [](const std::string& /*stage*/, std::int64_t /*done*/, std::int64_t /*total*/) { throw_if_interrupted(); });
  for (const std::string& warning : result.warnings) print_warning(a.inference.reporting, warning);
  const double threshold = pipeline.bundle().threshold;
  const std::vector<std::uint8_t> segmentation = threshold_map(result, threshold);
  if (task == Task::panorama) {
    write_panorama(files, result);
  } else {
    write_curvas_pdacvi(files, result, segmentation);
  }
  const RunFacts facts{pipeline.engine_name(),
                       a.inference.device,
                       name_of(options.precision),
                       thread_count(),
                       options.step_size,
                       options.mirroring,
                       threshold,
                       {}};
  print_result(a, files, case_summary(volume_stem(ct), input, result, segmentation, pipeline.bundle(), facts));
  return ExitStatus::done;
}

}  // namespace

void add_grand_challenge(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<GrandChallengeArguments>();
  a->inference.input = "/input";
  a->inference.output = "/output";
  CLI::App* const job =
      app.add_subcommand("grand-challenge", "One job of grand-challenge.org, with an interface's fixed folders");
  job->footer(
      "Example:\n  twintrack grand-challenge --task curvas-pdacvi -b models/pdac\n\n"
      "curvas-pdacvi: reads the .mha file in images/thoracic-abdominal-ct, writes images/pdac-segmentation/output.mha\n"
      "(1 = tumour) and images/pdac-confidence/output.mha (calibrated probability).\n"
      "panorama: reads the .mha file in images/venous-ct, writes images/pdac-detection-map/detection_map.mha (lesion\n"
      "candidates of the uncalibrated probability) and pdac-likelihood.json (its maximum).\n"
      "Results that exist are replaced. Research use only; not for diagnosis.");
  job->add_option("--task", a->task, "The interface")
      ->envname("TWINTRACK_TASK")
      ->required()
      ->check(CLI::IsMember({"curvas-pdacvi", "panorama"}));
  job->add_option("-b,--bundle", a->bundle,
                  "Bundle folder (default: the one of /opt/ml/model and /opt/app/bundle that holds one)")
      ->type_name(kFolder)
      ->envname("TWINTRACK_BUNDLE");
  job->add_option("--input", a->inference.input, "Folder that the platform mounts as input")
      ->type_name(kFolder)
      ->capture_default_str();
  job->add_option("--output", a->inference.output, "Folder that the platform collects results from")
      ->type_name(kFolder)
      ->capture_default_str();
  add_network_options(*job, a->inference);
  add_reporting_options(*job, a->inference.reporting);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

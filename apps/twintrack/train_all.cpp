// train all: from a dataset to a bundle. Every step is kept when it is complete, so that the command continues where it
// stopped.
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "inventory.hpp"
#include "train_options.hpp"
#include "twintrack/cohort/manifest.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/pipeline/bundle_create.hpp"
#include "twintrack/planning/organ_dataset.hpp"
#include "twintrack/training/bundle_calibration.hpp"

namespace twintrack::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOrgan = "pancreas";
constexpr const char* kModel = "nnUNetTrainer__nnUNetPlans__3d_fullres";
constexpr double kMm3PerMl = 1000.0;

struct TrainAllArguments {
  fs::path dataset;
  fs::path work;
  fs::path output;
  fs::path raters;
  std::vector<int> rater_labels;
  std::vector<std::string> tumor_labels{"tumor"};
  std::vector<std::string> organ_labels{"pancreas", "tumor"};
  std::vector<double> margin_mm{30, 30, 30};
  std::vector<double> localizer_volume_ml{2.0, 1000.0};
  int members = 3;
  std::optional<int> member;
  bool localizer_only = false;
  std::string weights = "fp32";
  std::string name;
  std::string trained_on;
  PlanArguments member_plan;
  PlanArguments localizer_plan;
  std::optional<std::int64_t> localizer_epochs;
  RunArguments run;
};

TrainingSource source_of(const TrainingDataset& dataset, const fs::path& work, const PlanArguments& plan,
                         const std::optional<CropToLabels>& crop, const RunArguments& run) {
  TrainingSource source;
  source.dataset = dataset;
  source.work_folder = work;
  source.plans_file = work / "plans.json";
  PlanOptions options = plan_options(plan);
  options.low_resolution = false;
  source.plans = plan_dataset(dataset, work, options, crop, run.overwrite, run.reporting);
  return source;
}

// "models/mine/" too ends with the folder's name.
fs::path without_slash(const fs::path& folder) {
  const fs::path full = fs::absolute(folder).lexically_normal();
  return full.has_filename() ? full : full.parent_path();
}

fs::path localizer_folder(const TrainAllArguments& a) { return a.work / "localizer" / kModel; }
fs::path member_folder(const TrainAllArguments& a, int member) {
  return a.work / "members" / fmt::format("member_{}", member) / kModel;
}

// Members differ in seed and, while there are folds enough, in fold.
int fold_of(int member, const TrainingDataset& dataset) {
  return member % static_cast<int>(std::min<std::ptrdiff_t>(5, std::ssize(dataset.cases)));
}

void train_localizer(const TrainAllArguments& a, const TrainingDataset& dataset, TrainingSettings settings) {
  const TrainingSource source =
      source_of(organ_dataset(dataset, kOrgan, a.organ_labels), a.work / "localizer", a.localizer_plan, {}, a.run);
  settings.fold = 0;
  settings.epochs = a.localizer_epochs.value_or(settings.epochs);
  const TrainingOutcome outcome = train_with_progress(source, settings, localizer_folder(a), "localiser", a.run);
  if (a.localizer_only) print_outcome(outcome, localizer_folder(a), settings.fold, a.run.reporting);
}

void train_members(const TrainAllArguments& a, const TrainingDataset& dataset, const TrainingSettings& settings) {
  const CropToLabels crop{a.organ_labels, {a.margin_mm[0], a.margin_mm[1], a.margin_mm[2]}};
  const TrainingSource source = source_of(dataset, a.work / "members", a.member_plan, crop, a.run);
  for (int member = 0; member < a.members; ++member) {
    if (a.member && *a.member != member) continue;
    TrainingSettings own = settings;
    own.seed = settings.seed + static_cast<std::uint64_t>(member) + 1;
    own.fold = fold_of(member, dataset);
    const TrainingOutcome outcome =
        train_with_progress(source, own, member_folder(a, member), fmt::format("member {}", member), a.run);
    if (a.member) print_outcome(outcome, member_folder(a, member), own.fold, a.run.reporting);
  }
}

BundleRecipe recipe_of(const TrainAllArguments& a, const TrainingDataset& dataset) {
  BundleRecipe recipe;
  recipe.name = a.name.empty() ? without_slash(a.output).filename().string() : a.name;
  recipe.trained_on = a.trained_on.empty() ? dataset.name() : a.trained_on;
  recipe.intended_use = "Research use only";
  recipe.localizer = ModelSource{localizer_folder(a), {{"0"}}};
  recipe.localizer_label = kOrgan;
  recipe.localizer_minimal_volume_mm3 = a.localizer_volume_ml[0] * kMm3PerMl;
  recipe.localizer_maximal_volume_mm3 = a.localizer_volume_ml[1] * kMm3PerMl;
  for (int member = 0; member < a.members; ++member) {
    recipe.members.push_back({member_folder(a, member), {{std::to_string(fold_of(member, dataset))}}});
  }
  recipe.tumor_labels = a.tumor_labels;
  std::copy_n(a.margin_mm.begin(), 3, recipe.roi_margin_mm.begin());
  recipe.weights = a.weights == "bf16" ? DType::bfloat16 : DType::float32;
  return recipe;
}

// Before days of training: a file that is not there. What is in the files is checked when they are read.
std::optional<Manifest> read_raters_manifest(const fs::path& file) {
  if (file.empty()) return {};
  Manifest manifest = read_manifest(file, std::vector{Column::image, Column::raters});
  for (const CohortCase& item : manifest.cases) {
    std::vector<fs::path> files = item.raters;
    files.push_back(*item.image);
    for (const fs::path& path : files) {
      if (!fs::exists(path))
        throw InputError("{}: case '{}': no such file: {}", file.string(), item.name, path.string());
    }
  }
  return manifest;
}

Bundle make_bundle(const TrainAllArguments& a, const TrainingDataset& dataset,
                   const std::optional<Manifest>& manifest) {
  BundleRecipe recipe = recipe_of(a, dataset);
  if (!manifest) return create_bundle(recipe, a.output, a.run.overwrite);
  const Bundle plain = create_bundle(recipe, a.work / "uncalibrated", true);
  recipe.calibrator = a.work / kBundleCalibratorFile;
  Progress progress("calibrate", std::ssize(manifest->cases), a.run.reporting.progress());
  const Json calibrator = calibrate_bundle(plain, *manifest, a.rater_labels, {0.5, true, Precision::fp32},
                                           [&](std::int64_t, std::int64_t) { progress.advance(); });
  write_file(*recipe.calibrator, to_text(calibrator, 1) + "\n");
  return create_bundle(recipe, a.output, a.run.overwrite);
}

// A place for a bundle, or one that is to be replaced.
void check_output(const fs::path& output, bool overwrite) {
  if (output.empty()) throw UsageError("train all: -o BUNDLE is needed (or --member, --localizer-only)");
  const bool free = !fs::exists(output) || (fs::is_directory(output) && fs::is_empty(output));
  if (!free && !overwrite) {
    throw UsageError(
        "{}: exists already; without it the same command makes a bundle of the networks that are trained, --overwrite "
        "trains them anew too",
        output.string());
  }
  if (!free && !fs::exists(output / kBundleFile)) {
    throw UsageError("{}: exists and is no bundle; it is not replaced", output.string());
  }
  make_output_folder(without_slash(output).parent_path());
}

void check(const TrainAllArguments& a, const TrainingDataset& dataset) {
  const LabelScheme& labels = dataset.dataset.labels;
  const std::string file = dataset.json_path().string();
  for (const std::string& name : a.tumor_labels) {
    if (labels.channel(name, file) == 0 && !labels.regions) throw UsageError("--tumor-label {}: is background", name);
  }
  organ_dataset(dataset, kOrgan, a.organ_labels);
  if (a.member && *a.member >= a.members) {
    throw UsageError("--member {}: there are {} members, counted from 0", *a.member, a.members);
  }
  if (a.localizer_volume_ml[0] > a.localizer_volume_ml[1]) {
    throw UsageError("--localizer-volume-ml {:g},{:g}: the smaller number comes first", a.localizer_volume_ml[0],
                     a.localizer_volume_ml[1]);
  }
}

ExitStatus run(const TrainAllArguments& a) {
  const TrainingSettings settings = prepare(a.run);
  torch_plugin();
  const TrainingDataset dataset = read_training_dataset(a.dataset, Validation::held_out);
  check(a, dataset);
  std::optional<Manifest> raters;
  const bool whole = !a.member && !a.localizer_only;
  if (whole) {
    check_output(a.output, a.run.overwrite);
    raters = read_raters_manifest(a.raters);
  }
  if (!a.member) train_localizer(a, dataset, settings);
  if (!a.localizer_only) train_members(a, dataset, settings);
  if (!whole) return ExitStatus::done;
  const Bundle bundle = make_bundle(a, dataset, raters);
  if (a.run.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"bundle", a.output.string()},
                                    {"sha256", bundle.hash},
                                    {"members", bundle.members.size()},
                                    {"calibrated", bundle.calibrator.has_value()}}));
  } else {
    fmt::print("{}: localiser and {} member(s), {}, sha256 {}\n", a.output.string(), bundle.members.size(),
               bundle.calibrator ? "calibrated to the mean human response" : "not calibrated (--raters)", bundle.hash);
  }
  print_note(a.run.reporting, kResearchUse);
  return ExitStatus::done;
}

void add_data_options(CLI::App& job, TrainAllArguments& a) {
  job.add_option("-d,--dataset", a.dataset, "nnU-Net raw dataset: dataset.json, imagesTr, labelsTr")
      ->type_name(kFolder)
      ->required();
  job.add_option("-o,--output", a.output, "The bundle")->type_name(kFolder);
  job.add_option("--work", a.work, "Folder for plans, preprocessed cases and models")->type_name(kFolder)->required();
  job.add_option("--raters", a.raters,
                 "Manifest (CSV: case, image, raters) of other cases to calibrate on (default: no calibrator)")
      ->type_name(kFile);
  job.add_option("--rater-label", a.rater_labels, "Value of raters' files that is tumour; repeat (default: 1)")
      ->check(CLI::Range(0, 65535));
  job.add_option("--tumor-label", a.tumor_labels, "Label that is tumour; repeat to merge several")
      ->capture_default_str();
  job.add_option("--organ-label", a.organ_labels, "Labels that the localiser finds together; repeat")
      ->capture_default_str();
  job.add_option("--roi-margin-mm", a.margin_mm, "Margin around them in which the members look: X,Y,Z")
      ->delimiter(',')
      ->expected(3)
      ->check(number_within(0, 1000))
      ->capture_default_str();
  job.add_option("--localizer-volume-ml", a.localizer_volume_ml, "Plausible volume: MIN,MAX")
      ->delimiter(',')
      ->expected(2)
      ->check(number_within(0, 1e6))
      ->capture_default_str();
}

}  // namespace

void add_train_all(CLI::App& group, ExitStatus& status) {
  const auto a = std::make_shared<TrainAllArguments>();
  a->localizer_plan.spacing_mm = {4.5, 4.5, 9};
  CLI::App* const job = group.add_subcommand("all", "From a dataset to a bundle: localiser, members, calibrator");
  job->footer(
      "Examples:\n"
      "  twintrack train all -d Dataset001_Pancreas -o models/mine --work work --raters cases.csv\n"
      "  twintrack train all -d Dataset001_Pancreas --work work --member 1 --device cuda:1     one member, on its own "
      "GPU\n\n"
      "The same command continues where an earlier one stopped. Members differ in seed and fold.");
  add_data_options(*job, *a);
  job->add_option("--members", a->members, "High-resolution networks")->check(CLI::Range(1, 20))->capture_default_str();
  CLI::Option* const member =
      job->add_option("--member", a->member, "Train this member only, from 0")->check(CLI::Range(0, 19));
  job->add_flag("--localizer-only", a->localizer_only, "Train the localiser only")->excludes(member);
  job->add_option("--weights", a->weights, "Precision of the bundle's parameters")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  job->add_option("--name", a->name, "Name of the bundle (default: the folder's)");
  job->add_option("--trained-on", a->trained_on,
                  "What the bundle says it was trained on (default: the dataset's folder)");
  add_plan_options(*job, a->member_plan, "");
  add_plan_options(*job, a->localizer_plan, "localizer-");
  job->add_option("--localizer-epochs", a->localizer_epochs, "Epochs of the localiser (default: --epochs)")
      ->check(CLI::Range(1, 1'000'000));
  add_run_options(*job, a->run);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

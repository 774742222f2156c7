// train run: one fold of one configuration.
#include <charconv>

#include "inventory.hpp"
#include "train_options.hpp"
#include "twintrack/cohort/manifest.hpp"
#include "twintrack/network/torch_plugin.hpp"

namespace twintrack::cli {
namespace {

struct TrainRunArguments {
  std::filesystem::path dataset;
  std::filesystem::path work;
  std::filesystem::path output;
  std::string fold = "0";
  std::filesystem::path raters;
  std::vector<int> rater_labels;
  RunArguments run;
};

std::optional<int> parse_fold(const std::string& text) {
  if (text == "all") return std::nullopt;
  int fold = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), fold);
  if (error != std::errc() || end != text.data() + text.size() || fold < 0) {
    throw UsageError("--fold {}: a number from 0, or `all`", text);
  }
  return fold;
}

ExitStatus run(const TrainRunArguments& a) {
  TrainingSettings settings = prepare(a.run);
  settings.fold = parse_fold(a.fold);
  if (settings.soft_label.empty() != a.raters.empty()) {
    throw UsageError("--raters and --soft-label go together: whose marks, and which label they mark");
  }
  torch_plugin();
  TrainingSource source;
  source.dataset = read_training_dataset(a.dataset, settings.fold ? Validation::held_out : Validation::none);
  source.plans_file = a.work / "plans.json";
  if (!std::filesystem::exists(source.plans_file)) {
    throw InputError("{}: no such file; twintrack train plan -d {} -o {} writes it", source.plans_file.string(),
                     a.dataset.string(), a.work.string());
  }
  source.plans = read_json(source.plans_file);
  source.work_folder = a.work;
  source.rater_labels = a.rater_labels;
  if (!a.raters.empty()) {
    for (CohortCase& item : read_manifest(a.raters, std::vector{Column::raters}).cases) {
      source.raters[item.name] = std::move(item.raters);
    }
  }
  const TrainingOutcome outcome = train_with_progress(source, settings, a.output, "fold " + a.fold, a.run);
  print_outcome(outcome, a.output, settings.fold, a.run.reporting);
  return ExitStatus::done;
}

}  // namespace

void add_train_run(CLI::App& group, ExitStatus& status) {
  const auto a = std::make_shared<TrainRunArguments>();
  CLI::App* const job = group.add_subcommand("run", "Train one fold into an nnU-Net v2 model folder");
  job->footer(
      "Example:\n"
      "  twintrack train run -d Dataset001_Pancreas -p work -o nnUNetTrainer__nnUNetPlans__3d_fullres --fold 0\n\n"
      "Writes fold_0/checkpoint_final.pth, which `segment`, `bundle create` and nnU-Net read, training.json and\n"
      "progress.svg. The same command continues an interrupted training.");
  job->add_option("-d,--dataset", a->dataset, "nnU-Net raw dataset: dataset.json, imagesTr, labelsTr")
      ->type_name(kFolder)
      ->required();
  job->add_option("-p,--plans", a->work, "Folder with plans.json; preprocessed cases are kept there too")
      ->type_name(kFolder)
      ->required();
  job->add_option("-o,--output", a->output, "Model folder")->type_name(kFolder)->required();
  job->add_option("--configuration", a->run.settings.configuration, "Configuration of the plans")
      ->capture_default_str();
  job->add_option("--fold", a->fold, "Fold of the cross-validation, or all: every case is trained on")
      ->capture_default_str();
  job->add_option("--raters", a->raters, "Manifest (CSV: case, raters): train --soft-label on the raters' mean")
      ->type_name(kFile);
  job->add_option("--soft-label", a->run.settings.soft_label, "Label that the raters mark");
  job->add_option("--rater-label", a->rater_labels, "Value of raters' files that is this label; repeat (default: 1)")
      ->check(CLI::Range(0, 65535));
  add_run_options(*job, a->run);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

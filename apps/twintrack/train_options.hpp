// Options that the training jobs share.
#pragma once

#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "options.hpp"
#include "twintrack/planning/planner.hpp"
#include "twintrack/training/trainer.hpp"

namespace twintrack::cli {

// How networks are planned, as typed: axes x, y, z.
struct PlanArguments {
  std::string preset = "plain";
  std::optional<double> memory_gib;
  std::vector<double> spacing_mm;
  std::vector<std::int64_t> patch;
  std::optional<std::int64_t> batch_size;
  std::int64_t base_features = 32;
  std::int64_t maximal_features = 320;
  std::vector<std::int64_t> features;
  std::optional<int> stages;
};
// `prefix`: "" or "localizer-", before each option's name.
void add_plan_options(CLI::App& job, PlanArguments& arguments, const std::string& prefix);
PlanOptions plan_options(const PlanArguments& arguments);

// How they are trained.
struct RunArguments {
  TrainingSettings settings;
  std::string loss = "dice-ce";
  std::string precision = "fp32";
  bool no_mirroring = false;
  bool no_augmentation = false;
  bool no_deep_supervision = false;
  std::vector<std::string> devices{"cpu"};
  int threads = 0;
  int workers = 0;
  bool overwrite = false;
  ReportingOptions reporting;
};
void add_run_options(CLI::App& job, RunArguments& arguments);
// Sets log and threads. Throws UsageError.
TrainingSettings prepare(const RunArguments& arguments);

// Plans for the dataset in work_folder (dataset_fingerprint.json, plans.json), or those that are there already when
// they are the same. Every case is read and checked for it.
Json plan_dataset(const TrainingDataset& dataset, const std::filesystem::path& work_folder, const PlanOptions& options,
                  const std::optional<CropToLabels>& crop, bool overwrite, const ReportingOptions& reporting);

// Trains with a bar on stderr and a line for each epoch.
TrainingOutcome train_with_progress(const TrainingSource& source, const TrainingSettings& settings,
                                    const std::filesystem::path& model_folder, const std::string& what,
                                    const RunArguments& run);

// The result on stdout: the final checkpoint and its last epoch.
void print_outcome(const TrainingOutcome& outcome, const std::filesystem::path& model_folder,
                   const std::optional<int>& fold, const ReportingOptions& reporting);

void add_train_plan(CLI::App& group, ExitStatus& status);
void add_train_run(CLI::App& group, ExitStatus& status);
void add_train_all(CLI::App& group, ExitStatus& status);

}  // namespace twintrack::cli

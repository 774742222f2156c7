// Trains one fold of one configuration, as nnU-Net v2 does, into a model folder that nnU-Net reads.
#pragma once

#include "twintrack/training/training_log.hpp"
#include "twintrack/training/training_settings.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// While an epoch runs.
struct TrainingStatus {
  std::int64_t epoch = 0;
  std::int64_t epochs = 0;
  std::int64_t iteration = 0;  // done in this epoch, validation included
  std::int64_t iterations = 0;
  std::int64_t first_epoch = 0;  // that this run began with
  double loss = 0;               // mean of the epoch so far
  double learning_rate = 0;
  double patches_per_second = 0;
  double loading_share = 0;  // of the time so far
  double forward_share = 0;
  double backward_share = 0;
};

struct TrainingObserver {
  std::function<void(std::int64_t done, std::int64_t total)> on_case;  // preprocessing; may throw to stop
  std::function<void(const std::string&)> on_note;                     // a line for a person, before the first epoch
  std::function<void(const TrainingStatus&)> on_iteration;             // may throw to stop
  std::function<void(const EpochReport&)> on_epoch;
};

struct TrainingOutcome {
  std::vector<EpochReport> epochs;
  bool already_complete = false;
};

// Writes plans.json, dataset.json and fold_N/{checkpoint_latest,checkpoint_best,checkpoint_final}.pth, training.json
// and progress.svg into `model_folder`. An interrupted run continues from checkpoint_latest.pth, as if it had not been
// interrupted; a complete one is left alone. With `overwrite` training begins anew. Every case that the fold needs is
// read, checked and preprocessed before the first epoch, unless it lies in the cache already. Needs memory for the
// batches that wait, the network, and what the system keeps of the mapped cache. Throws UsageError when the folder
// holds a run with other settings or folds of other plans, InputError for what is wrong with dataset or plans
// (dropout, which the network leaves out), ResourceError.
TrainingOutcome train(const TrainingSource& source, const TrainingSettings& settings,
                      const std::filesystem::path& model_folder, bool overwrite, const TrainingObserver& observer);

// Preprocesses the cases of the settings' fold into the cache, as train() does first. For processes that will train
// together: the cache is to be made by one of them.
void preprocess_cases(const TrainingSource& source, const TrainingSettings& settings, const TrainingObserver& observer);

// Name of the fold's folder: "fold_0", "fold_all".
std::string fold_folder_name(const std::optional<int>& fold);

}  // namespace twintrack

// What is trained on, and how.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/network/trainable_network.hpp"
#include "twintrack/planning/training_dataset.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct TrainingSettings {
  std::string configuration = "3d_fullres";
  std::optional<int> fold = 0;  // nothing: nnU-Net's "all"
  std::int64_t epochs = 1000;
  std::int64_t iterations = 250;  // an epoch
  std::int64_t validation_iterations = 50;
  double learning_rate = 0.01;  // the first epoch's; falls as (1 - epoch / epochs)^0.9
  double foreground_share = 0.33;
  bool augmentation = true;
  bool mirroring = true;  // among the augmentations, and allowed at inference
  std::uint64_t seed = 0;
  TrainingOptions
      network;             // batch_dice is the plans' to say; its group is one of several processes that train together
  std::string soft_label;  // train this label on the raters' mean; empty: on the label map
  int workers = 1;         // threads that prepare patches
  std::int64_t save_every = 1;  // epochs between checkpoints
};

struct TrainingSource {
  TrainingDataset dataset;
  Json plans;
  std::filesystem::path plans_file;   // for messages
  std::filesystem::path work_folder;  // for the cache of preprocessed cases, and splits_final.json
  std::map<std::string, std::vector<std::filesystem::path>> raters;  // by case; with soft_label
  std::vector<int> rater_labels;                                     // of the raters' files
};

// Throws UsageError naming what is out of its range.
void check_settings(const TrainingSettings& settings);

// Everything that the result depends on, besides the machine: a training is continued with the same only.
Json identity_of(const TrainingSource& source, const TrainingSettings& settings);

// Keys that only one of two objects has, or that differ in value: "epochs, seed".
std::string differing_keys(const Json& a, const Json& b);

}  // namespace twintrack

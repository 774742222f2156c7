// A training as a file, by which one process tells others what to train with it.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/training/training_settings.hpp"

#include <filesystem>

namespace twintrack {

struct TrainingJob {
  TrainingSource source;
  TrainingSettings settings;
  std::filesystem::path model_folder;
  bool overwrite = false;
};

Json to_json(const TrainingJob& job);
// Finds the dataset's cases again. Throws InputError naming file and field.
TrainingJob parse_job(const JsonView& document);

}  // namespace twintrack

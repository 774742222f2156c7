// Data-parallel training: this process and more of the same program, one for each device.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "twintrack/core/error.hpp"
#include "twintrack/training/trainer.hpp"
#include "twintrack/training/training_job.hpp"

namespace twintrack::cli {

// Trains on all devices; each processes its share of every batch. The cases are preprocessed first, by this process.
// With one device it is train().
TrainingOutcome train_on_devices(TrainingJob job, const std::vector<std::string>& devices,
                                 const TrainingObserver& observer);

// What the other processes run: `train rank FILE`. Not for people.
void add_train_rank(CLI::App& group, ExitStatus& status);

}  // namespace twintrack::cli

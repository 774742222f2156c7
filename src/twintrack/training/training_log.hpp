// What a training run reports, epoch by epoch, and its files: training.json and a plot.
#pragma once

#include "twintrack/core/json.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace twintrack {

// Losses are means over the epoch's batches; Dice is nnU-Net's pseudo-Dice, of all validation patches together, NaN for
// a class that neither they nor the network have.
struct EpochReport {
  std::int64_t epoch = 0;  // from 0
  double learning_rate = 0;
  double training_loss = 0;
  double validation_loss = 0;
  std::vector<double> dice;  // per foreground class
  double mean_dice = 0;      // of those that are not NaN; NaN when all are
  double smoothed_dice = 0;  // 0.9 of the last epoch's and 0.1 of mean_dice
  double seconds = 0;
  double patches_per_second = 0;  // of training, without validation
  double loading_seconds = 0;     // waiting for patches
  double forward_seconds = 0;
  double backward_seconds = 0;
  double validation_seconds = 0;
  std::int64_t end_time = 0;  // seconds since 1970
};

Json to_json(const EpochReport& report);
// Throws InputError naming the field.
EpochReport parse_epoch(const JsonView& view);

// nnU-Net's `logging` of its checkpoints.
Json nnunet_logging(const std::vector<EpochReport>& epochs);

// Losses (left axis), pseudo-Dice and its moving average (right axis) over epochs, as SVG.
std::string training_plot(const std::vector<EpochReport>& epochs, std::int64_t total_epochs, const std::string& title);

}  // namespace twintrack

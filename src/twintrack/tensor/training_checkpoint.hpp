// Training checkpoints of nnU-Net v2 (checkpoint_final.pth, checkpoint_latest.pth, ...): torch.save archives that
// nnU-Net predicts with and continues from, and that this program continues from.
// Source: nnunetv2/training/nnUNetTrainer/nnUNetTrainer.py, save_checkpoint and load_checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/core/json.hpp"
#include "twintrack/tensor/tensor.hpp"

namespace twintrack {

class ByteSource;

struct TrainingCheckpoint {
  TensorMap parameters;            // by canonical names ("encoder.stages.0.0.convs.0.conv.weight"), all heads
  TensorMap momenta;               // of the same names and shapes; empty before the first step
  std::vector<std::string> order;  // names of `parameters` as network.parameters() yields them
  double learning_rate = 0;
  double momentum = 0.99;
  double weight_decay = 3e-5;
  std::int64_t epoch = 0;          // epochs completed; nnU-Net's current_epoch
  std::optional<double> best_ema;  // nnU-Net's _best_ema
  Json logging;                    // nnU-Net's logger: lists of numbers by name; null where a number is not finite
  Json init_args;                  // plans, configuration, fold, dataset_json, ...
  std::string trainer_name = "nnUNetTrainer";
  std::optional<std::vector<int>> mirroring_axes;  // inference_allowed_mirroring_axes; nothing: None
  Json twintrack;  // what this program needs to continue, under a key that nnU-Net ignores; null: not written by it
};

// Writes it complete or not at all: an earlier file of that name stays until the new one is on disk. Everything in it
// is a tensor or of a plain Python type, so that torch.load opens it with weights_only=True. Throws InputError when
// `order`, `parameters` and `momenta` do not fit each other, when a value is not finite or when `logging` or
// `init_args` is no object; ResourceError when the file cannot be written.
void write_training_checkpoint(const std::filesystem::path& path, const TrainingCheckpoint& checkpoint);

// Reads one of ours or of nnU-Net; fields beside the weights may be absent. `order` is that of network_weights, which
// nnU-Net's optimizer has too. `momenta` are empty when the optimizer has none; for single parameters without one they
// are zeros, from which SGD makes the same next step. In `logging`, `init_args` and `twintrack` tuples are lists, numpy
// scalars numbers, a torch.device is its name, and null stands for what JSON cannot hold. Throws InputError naming the
// file and the field.
TrainingCheckpoint read_training_checkpoint(const std::filesystem::path& path);
TrainingCheckpoint read_training_checkpoint(const ByteSource& source);

}  // namespace twintrack

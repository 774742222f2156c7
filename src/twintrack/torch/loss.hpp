// nnU-Net's losses: soft Dice with cross entropy, averaged over resolutions (deep supervision).
#pragma once

#include "twintrack/network/trainable_network.hpp"

#include <ATen/core/Tensor.h>

#include <vector>

namespace twintrack::libtorch {

// The targets of one resolution on the logits' device.
struct Target {
  at::Tensor labels;  // (N, z, y, x), int64
  at::Tensor soft;    // undefined, or (N, z, y, x) float32 in [0, 1]
};

// Isensee et al. 2021; Milletari et al. 2016 for soft Dice. Mean over samples (or the batch, with batch_dice) and
// foreground channels of the negative Dice, plus cross entropy (binary cross entropy for regions). Ignored voxels count
// nowhere.
at::Tensor loss_of(const at::Tensor& logits, const Target& target, const TrainingTargets& scheme,
                   const TrainingOptions& options);

// Weights of the heads, finest first: 1, 1/2, 1/4 ... with 0 for the coarsest (of several), scaled to a sum of 1.
std::vector<double> supervision_weights(std::size_t heads);

// Counts of hard predictions at the finest resolution per foreground channel: rows true positives, false positives,
// false negatives; (3, channels) float64 on the CPU.
at::Tensor confusion_counts(const at::Tensor& logits, const Target& target, const TrainingTargets& scheme);

}  // namespace twintrack::libtorch

// What a training run feeds its network: which batch is made of what depends on the settings and its number alone.
#pragma once

#include "twintrack/augmentation/settings.hpp"
#include "twintrack/network/trainable_network.hpp"
#include "twintrack/training/patch_sampler.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

struct BatchRecipe {
  SamplingRule sampling;  // its drawn_shape is set by make_batch
  AugmentationSettings augmentation;
  std::vector<Shape3> target_shapes;  // of the network's outputs, finest first
  // Of processes that train together each makes its share of the batch, which is divisible by their number.
  std::int64_t share = 0;
  std::int64_t shares = 1;
};

// The batch of an iteration of an epoch, or the recipe's share of it. Safe to be called from several threads at once.
TrainingBatch make_batch(std::span<const CachedCase> cases, const BatchRecipe& recipe, std::int64_t epoch,
                         std::int64_t iteration);

}  // namespace twintrack

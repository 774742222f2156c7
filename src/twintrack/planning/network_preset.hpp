// The figures in which nnU-Net's planners differ. Internal to this module.
#pragma once

#include "twintrack/network/network.hpp"
#include "twintrack/planning/planner.hpp"

namespace twintrack {

struct PresetRules {
  const char* option_name;
  const char* planner;     // class of nnU-Net
  const char* plans_name;  // that it gives
  Architecture::Kind kind;
  double reference_elements;  // feature map elements that fit two patches into reference_gib
  double reference_gib;
  double dataset_share;  // of the training set's voxels, that one batch may hold
};

const PresetRules& rules_of(NetworkPreset preset);

// With features, kernels and strides still empty.
Architecture architecture_of(NetworkPreset preset, int stages);

}  // namespace twintrack

// One configuration of the plans: patch, network and batch for a spacing. Internal to this module.
#pragma once

#include "twintrack/network/network.hpp"
#include "twintrack/planning/planner.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace twintrack {

// What holds for all configurations.
struct PlanFacts {
  std::array<int, 3> transpose_forward{0, 1, 2};
  double cases = 0;
  std::int64_t classes = 2;  // entries of dataset.json's labels, as nnU-Net counts them when it estimates memory
};

// Axes are those after transpose_forward.
struct ConfigurationPlan {
  Spacing3 spacing_mm{};
  std::array<double, 3> median_shape{};  // of the images at this spacing
  Shape3 patch_size{};
  std::int64_t batch_size = 0;
  bool batch_dice = false;
  Architecture architecture;

  int stages() const { return static_cast<int>(architecture.features.size()); }
};

inline double product(const std::array<double, 3>& values) { return values[0] * values[1] * values[2]; }

// Throws UsageError for what is wrong whatever the dataset is.
void check_options(const PlanOptions& options);

// The largest patch that fits the memory, shaped as the image and the spacing ask, or the one of `options` (its axes
// transposed); `case_voxels` of a case in the middle decide how large a batch may be. With fewer stages than options
// ask for where the patch has no room for them. Throws as make_plans does.
ConfigurationPlan plan_configuration(const Spacing3& spacing_mm, const std::array<double, 3>& median_shape,
                                     double case_voxels, const PlanFacts& facts, const PlanOptions& options);

// "48 x 128 x 288 (z, y, x)": axes named as in the file.
std::string describe(const Shape3& shape, const std::array<int, 3>& transpose_forward);

}  // namespace twintrack

// What follows from spacing and patch: where a U-Net halves which axis, which kernels it has, and what it costs.
#pragma once

#include "twintrack/core/shape.hpp"
#include "twintrack/network/network.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace twintrack {

struct Topology {
  std::vector<Shape3> strides;  // per stage; the first is 1, 1, 1
  std::vector<Shape3> kernels;  // per stage
  Shape3 divisor{1, 1, 1};      // all strides multiplied: what a patch must be a multiple of

  int stages() const { return static_cast<int>(strides.size()); }
  friend bool operator==(const Topology&, const Topology&) = default;
};

// nnU-Net v2's rule for patches of about `size` voxels (not a whole number where it is a median): an axis is halved
// while it keeps 4 voxels and its spacing is less than twice the finest of those that can be halved; kernels are 3
// along an axis as soon as its spacing is less than twice the finest, and in the last stage. At most `maximal_stages`.
Topology plan_topology(const Spacing3& spacing_mm, const std::array<double, 3>& size, int maximal_stages);

// The next multiple of the divisor, per axis.
Shape3 pad_to_multiple(const std::array<double, 3>& size, const Shape3& divisor);

// Elements of all feature maps that the network's convolutions write for one patch, by which nnU-Net estimates the
// memory that training needs.
double feature_map_elements(const Architecture& architecture, const Shape3& patch);

}  // namespace twintrack

// A training patch on its way from a preprocessed case to the network.
#pragma once

#include "twintrack/core/shape.hpp"

#include <cstdint>
#include <vector>

namespace twintrack {

// Axes are those of the preprocessed image (z, y, x after transpose_forward).
struct Patch {
  Shape3 shape{};
  std::int64_t channels = 1;
  std::vector<float> image;          // (channels, shape), normalised
  std::vector<std::int16_t> labels;  // (shape)
  std::vector<float> soft;           // empty, or (shape): share of raters who mark the voxel
};

}  // namespace twintrack

// Changes of one channel's intensities, in place; `values` are (z, y, x). What they compute is what batchgeneratorsv2's
// transforms of these names compute. All run on the calling thread.
#pragma once

#include "twintrack/core/shape.hpp"

#include <array>
#include <cstdint>
#include <span>

namespace twintrack::intensity {

// Adds independent normal noise; the key alone decides which (bits may differ between instruction sets).
void add_noise(std::span<float> values, float deviation, std::uint64_t key);

// Gaussian blur, axis by axis, the image mirrored about its outermost voxels. The kernel has round(3 sigma - 1/4)
// voxels on each side and sums to 1.
void blur(std::span<float> values, const Shape3& shape, const std::array<double, 3>& sigma_voxels);

void multiply(std::span<float> values, float factor);

// Differences from the mean times `factor`, then clipped to the range that the values had.
void stretch_contrast(std::span<float> values, float factor);

// The nearest voxels of a grid of round(scale * extent) voxels, linearly interpolated back.
void lower_resolution(std::span<float> values, const Shape3& shape, const std::array<double, 3>& scale);

// x^gamma on the values' range mapped to [0, 1], or 1 - (1 - x)^gamma when inverted; mean and standard deviation are
// then made what they were. Constant values remain.
void apply_gamma(std::span<float> values, float gamma, bool inverted);

struct Statistics {
  float mean = 0;
  float deviation = 0;
  float low = 0;
  float high = 0;
};
Statistics statistics(std::span<const float> values);

}  // namespace twintrack::intensity

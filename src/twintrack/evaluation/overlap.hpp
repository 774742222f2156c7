// Dice and intersection over union, from numbers of voxels.
#pragma once

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/cohort/challenge.hpp"

#include <cstdint>

namespace twintrack {

// Sizes of two sets of voxels and of their intersection.
struct Overlap {
  std::int64_t both = 0;
  std::int64_t first = 0;
  std::int64_t second = 0;
};

Overlap overlap(const BitMask& a, const BitMask& b);

// 2 both / (first + second + smoothing); 1 where both sets are empty.
double dice(const Overlap& sets, double smoothing = 0);

// both / (first + second - both); 1 where both sets are empty.
double intersection_over_union(const Overlap& sets);

// The smallest float32 above `threshold`: p > threshold, as float64 compares, is p >= first_float_above(threshold).
float first_float_above(double threshold);

}  // namespace twintrack

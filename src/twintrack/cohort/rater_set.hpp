// What the raters of a case marked, and what follows from it alone.
#pragma once

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/volume/volume.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

inline constexpr std::size_t kMaximalRaters = 64;

struct RaterSet {
  Geometry geometry;
  std::vector<BitMask> masks;  // one a rater, 1 to kMaximalRaters, on the geometry's grid

  int size() const { return static_cast<int>(masks.size()); }
};

// How many raters marked each of the voxels [begin, begin + counts.size()); `begin` is a multiple of 64. The mean human
// response is this over raters.size().
void rater_counts(const RaterSet& raters, std::int64_t begin, std::span<std::uint8_t> counts);

// Smallest box around the voxels that any rater marked; empty() when there are none.
Box3 bounding_box(const RaterSet& raters);

// Voxels by who marked them: bit k of `pattern` is rater k. Every pattern that occurs, ascending; the empty one first
// when it occurs. All that rating statistics need (STAPLE's as well) follows from these few numbers.
struct RaterPattern {
  std::uint64_t pattern = 0;
  std::int64_t voxels = 0;
};
std::vector<RaterPattern> rater_patterns(const RaterSet& raters);

// Voxels whose pattern satisfies the predicate given as one flag for each of `patterns` (all that occur, ascending).
BitMask voxels_with(const RaterSet& raters, std::span<const RaterPattern> patterns, const std::vector<bool>& chosen);

// Voxels that more than half of the raters marked.
BitMask majority(const RaterSet& raters);

// Simultaneous truth and performance level estimation (Warfield et al., IEEE TMI 2004), as ITK's STAPLEImageFilter
// computes it on the whole grid: the prior is the mean share of marked voxels, iterated until no sensitivity or
// specificity changes by more than 1e-7. Nothing marked: empty.
struct Staple {
  BitMask consensus;                // probability of truth above 0.5
  std::vector<double> sensitivity;  // of each rater
  std::vector<double> specificity;
  int iterations = 0;
};
Staple staple(const RaterSet& raters);

}  // namespace twintrack

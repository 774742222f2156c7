// Cases to evaluate, made up for tests, and plain readings of them for reference computations.
#pragma once

#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/volume/volume.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace twintrack::test {

struct RatedCase {
  Volume<float> probability;
  RaterSet raters;
  BitMask segmentation;
};

// `shape` in z, y, x.
inline Geometry grid(const Shape3& shape, const Spacing3& spacing_mm = {1, 1, 1}) {
  Geometry geometry;
  geometry.size = {shape[2], shape[1], shape[0]};
  geometry.spacing_mm = {spacing_mm[2], spacing_mm[1], spacing_mm[0]};
  return geometry;
}

template <typename Predicate>  // of z, y, x
BitMask mask_where(const Shape3& shape, const Predicate& set) {
  BitMask mask(shape);
  std::int64_t voxel = 0;
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x, ++voxel) {
        if (set(z, y, x)) mask.set(voxel);
      }
    }
  }
  return mask;
}

// Nothing marked, probability 0.
inline RatedCase empty_case(const Shape3& shape, int raters, const Spacing3& spacing_mm = {1, 1, 1}) {
  RatedCase made;
  made.probability = {grid(shape, spacing_mm), std::vector<float>(voxel_count(shape))};
  made.raters = {made.probability.geometry, std::vector<BitMask>(raters, BitMask(shape))};
  made.segmentation = BitMask(shape);
  return made;
}

// A blob that raters outline differently, with probabilities around their agreement. Half of the probabilities lie on
// multiples of 0.02 and of 1/K, where thresholds and bounds of bins are.
inline RatedCase random_case(const Shape3& shape, int raters, unsigned seed, const Spacing3& spacing_mm = {1, 1, 1}) {
  std::mt19937 generator(seed);
  const auto uniform = [&] { return static_cast<double>(generator()) / 4294967296.0; };
  RatedCase made = empty_case(shape, raters, spacing_mm);
  const auto radius = [&](std::int64_t voxel) {
    const Shape3 at{voxel / (shape[1] * shape[2]), voxel / shape[2] % shape[1], voxel % shape[2]};
    double sum = 0;
    for (int a = 0; a < 3; ++a) {
      const double d = (static_cast<double>(2 * at[a] + 1) / static_cast<double>(shape[a]) - 1) * 1.6;
      sum += shape[a] > 1 ? d * d : 0;
    }
    return sum;
  };
  std::vector<double> size(raters);
  for (double& value : size) value = 0.4 + uniform();
  for (std::int64_t voxel = 0; voxel < voxel_count(shape); ++voxel) {
    const double r = radius(voxel);
    int marks = 0;
    for (int k = 0; k < raters; ++k) {
      if (r + 0.3 * (uniform() - 0.5) >= size[k]) continue;
      made.raters.masks[k].set(voxel);
      ++marks;
    }
    double p =
        r > 2.5 ? 0 : std::min(1.0, std::max(0.0, static_cast<double>(marks) / raters + 0.6 * (uniform() - 0.5)));
    if (generator() % 4 == 0) p = std::round(p * 50) / 50;
    if (generator() % 4 == 0) p = std::round(p * raters) / raters;
    made.probability.voxels[voxel] = static_cast<float>(p);
    if (p > 0.5) made.segmentation.set(voxel);
  }
  return made;
}

// How many raters marked the voxel.
inline int marks_at(const RaterSet& raters, std::int64_t voxel) {
  int marks = 0;
  for (const BitMask& mask : raters.masks) marks += mask[voxel] ? 1 : 0;
  return marks;
}

// Shapes with whole and broken words, thin ones, and K from 1 to 64.
struct Scene {
  Shape3 shape;
  int raters;
};
inline std::vector<Scene> scenes() {
  return {{{12, 17, 19}, 5}, {{9, 16, 64}, 3}, {{1, 30, 31}, 2},   {{50, 1, 1}, 5},  {{1, 1, 1}, 1},
          {{7, 9, 11}, 1},   {{8, 10, 9}, 64}, {{60, 50, 70}, 10}, {{1, 1, 65}, 25}, {{41, 43, 47}, 5}};
}

}  // namespace twintrack::test

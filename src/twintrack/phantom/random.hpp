// Smooth noise that is the same on every machine and for every number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "twintrack/core/random.hpp"
#include "twintrack/core/shape.hpp"

namespace twintrack::phantom {

// A smooth field over space with values in [-1, 1] and features of about 1.5 lattice steps: uniform numbers on a
// periodic lattice, trilinear between them with smooth weights.
class SmoothNoise {
 public:
  explicit SmoothNoise(std::uint64_t key);

  // Coordinates in lattice steps.
  float operator()(float x, float y, float z) const;

 private:
  static constexpr int kPeriod = 32;
  std::vector<float> values_;
};

// A smooth Gaussian random field that is exactly N(0, 1) at every point: independent normal numbers on a lattice,
// quadratic B-spline weights between them, divided by the root of the weights' sum of squares.
class GaussianField {
 public:
  // Covers a grid of `shape` (z, y, x) voxels; `step_voxels` per lattice step along each axis, above 0.
  GaussianField(std::uint64_t key, const Shape3& shape, const Spacing3& step_voxels);

  // The field's values along the row of voxels (z, y, 0 ... shape[2] - 1).
  void row(std::int64_t z, std::int64_t y, float* values) const;

 private:
  struct Weights {
    std::int64_t first;
    float weight[3];
  };
  Shape3 lattice_{};
  std::vector<float> values_;
  std::vector<Weights> weights_[3];
};

}  // namespace twintrack::phantom

#include "twintrack/augmentation/spatial.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace twintrack {
namespace {

using Matrix = std::array<std::array<double, 3>, 3>;

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix result{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) {
      for (int k = 0; k < 3; ++k) result[i][j] += a[i][k] * b[k][j];
    }
  }
  return result;
}

// Turns axis `from` towards axis `to`.
Matrix rotation(int from, int to, double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  Matrix result{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  result[from][from] = result[to][to] = std::cos(angle);
  result[to][from] = std::sin(angle);
  result[from][to] = -result[to][from];
  return result;
}

using Reach = std::array<double, 3>;

// How far from the centre a patch's voxels are looked up, along each axis.
Reach reach(const Shape3& patch, const Matrix& matrix) {
  Reach result{};
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) result[i] += std::abs(matrix[i][j]) * static_cast<double>(patch[j] - 1) / 2;
  }
  return result;
}

// Extents, odd where the patch's are, whose outermost voxel centres are at least `needed` from the centre.
Shape3 shape_around(const Shape3& patch, const Reach& needed) {
  constexpr double rounding = 1e-4;
  Shape3 shape{};
  for (int axis = 0; axis < 3; ++axis) {
    shape[axis] = static_cast<std::int64_t>(std::ceil(2 * needed[axis] + 1 - rounding));
    shape[axis] += (patch[axis] - shape[axis]) & 1;
  }
  return shape;
}

// Of all rotations, over a grid of angles. Between its points a turn reaches further by less than `slack`: at most half
// a step about each axis, whose effect is of second order where the reach is largest.
Reach furthest_rotation(const Shape3& patch, const AugmentationSettings& settings) {
  constexpr int steps = 24;
  const DrawnRange range = settings.rotation_degrees;
  const double step = (range.high - range.low) / steps;
  Reach furthest{};
  const auto angle = [&](int i) { return range.low + step * i; };
  for (int i = 0; i <= steps; ++i) {
    for (int j = 0; j <= (settings.in_plane ? 0 : steps); ++j) {
      for (int k = 0; k <= (settings.in_plane ? 0 : steps); ++k) {
        const std::array<double, 3> degrees =
            settings.in_plane ? std::array{angle(i), 0.0, 0.0} : std::array{angle(i), angle(j), angle(k)};
        const Reach r = reach(patch, rotation_and_scaling(degrees, 1).matrix);
        for (int axis = 0; axis < 3; ++axis) furthest[axis] = std::max(furthest[axis], r[axis]);
      }
    }
  }
  const double half_steps = (settings.in_plane ? 1 : 3) * step / 2 * std::numbers::pi / 180;
  const bool spared = settings.in_plane;
  const double diagonal = std::hypot(spared ? 0.0 : static_cast<double>(patch[0] - 1),
                                     static_cast<double>(patch[1] - 1), static_cast<double>(patch[2] - 1)) /
                          2;
  const double slack = diagonal * half_steps * half_steps / 2;
  for (int axis = spared ? 1 : 0; axis < 3; ++axis) furthest[axis] = std::min(diagonal, furthest[axis] + slack);
  return furthest;
}

}  // namespace

SpatialTransform rotation_and_scaling(const std::array<double, 3>& degrees, double scale) {
  SpatialTransform transform{
      false, product(rotation(0, 1, degrees[2]), product(rotation(2, 0, degrees[1]), rotation(1, 2, degrees[0])))};
  for (auto& row : transform.matrix) {
    for (double& element : row) element *= scale;
  }
  return transform;
}

SpatialTransform draw_spatial_transform(const AugmentationSettings& settings, Random& random) {
  const bool rotates = random.happens(settings.rotation_probability);
  const bool scales = random.happens(settings.scaling_probability);
  if (!rotates && !scales) return {};
  std::array<double, 3> degrees{};
  if (rotates) {
    for (int axis = 0; axis < (settings.in_plane ? 1 : 3); ++axis) {
      degrees[axis] = random.uniform(settings.rotation_degrees.low, settings.rotation_degrees.high);
    }
  }
  const double scale = scales ? random.uniform(settings.scaling.low, settings.scaling.high) : 1;
  SpatialTransform transform = rotation_and_scaling(degrees, scale);
  if (settings.in_plane) transform.matrix[0][0] = 1;
  return transform;
}

Shape3 source_shape(const Shape3& patch, const SpatialTransform& transform) {
  return transform.identity ? patch : shape_around(patch, reach(patch, transform.matrix));
}

Shape3 drawn_shape(const Shape3& patch, const AugmentationSettings& settings) {
  check_settings(settings);
  Reach furthest = reach(patch, SpatialTransform{}.matrix);
  if (settings.rotation_probability > 0) {
    const Reach turned = furthest_rotation(patch, settings);
    for (int axis = 0; axis < 3; ++axis) furthest[axis] = std::max(furthest[axis], turned[axis]);
  }
  if (settings.scaling_probability > 0) {
    for (int axis = settings.in_plane ? 1 : 0; axis < 3; ++axis) furthest[axis] *= std::max(1.0, settings.scaling.high);
  }
  return shape_around(patch, furthest);
}

}  // namespace twintrack

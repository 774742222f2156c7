// Vessels and tumours of known shape on a grid.
#pragma once

#include "twintrack/evaluation/vascular_point.hpp"
#include "twintrack/evaluation/vascular_vessels.hpp"
#include "twintrack/volume/volume.hpp"

#include <numbers>

namespace twintrack::test {

// Sets the voxels whose centre, in mm from the first voxel's (z, y, x), satisfies the predicate.
template <typename Predicate>
BitMask mask_where(const Geometry& geometry, const Predicate& predicate) {
  const Shape3 shape = geometry.shape();
  const Spacing3 spacing = geometry.spacing_zyx_mm();
  BitMask mask(shape);
  std::int64_t voxel = 0;
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x, ++voxel) {
        if (predicate(Point{static_cast<double>(z) * spacing[0], static_cast<double>(y) * spacing[1],
                            static_cast<double>(x) * spacing[2]}))
          mask.set(voxel);
      }
    }
  }
  return mask;
}

inline Geometry grid(const Shape3& shape, const Spacing3& spacing_mm) {
  Geometry geometry;
  geometry.size = {shape[2], shape[1], shape[0]};
  geometry.spacing_mm = {spacing_mm[2], spacing_mm[1], spacing_mm[0]};
  return geometry;
}

// A point seen from a straight vessel.
struct Cylindrical {
  double along_mm = 0;
  double radial_mm = 0;
  double degrees = 0;  // (-180, 180]
};

class Axis {
 public:
  Axis(const Point& centre, const Point& direction) : centre_(centre), along_(unit(direction)) {
    const Point other = std::abs(along_[0]) < 0.8 ? Point{1, 0, 0} : Point{0, 1, 0};
    across_ = unit(cross(along_, other));
    third_ = cross(along_, across_);
  }

  Cylindrical operator()(const Point& point) const {
    const Point d = point - centre_;
    const double a = dot(d, across_);
    const double b = dot(d, third_);
    return {dot(d, along_), std::hypot(a, b), std::atan2(b, a) * 180 / std::numbers::pi};
  }

 private:
  Point centre_;
  Point along_;
  Point across_{};
  Point third_{};
};

}  // namespace twintrack::test

// Sections across a vessel: where its wall lies. Internal to this module.
#pragma once

#include "twintrack/evaluation/vascular_centreline.hpp"
#include "twintrack/evaluation/vascular_region.hpp"

#include <cmath>
#include <optional>
#include <vector>

namespace twintrack {

// The eight voxels around a point and how near each is: linear interpolation in a region's byte arrays, which are 0
// outside it.
class Interpolation {
 public:
  Interpolation(const Shape3& shape, const Spacing3& spacing_mm, const Point& point_mm) {
    strides_ = {shape[1] * shape[2], shape[2], 1};
    for (int axis = 0; axis < 3; ++axis) {
      const double index = point_mm[axis] / spacing_mm[axis];
      if (!(index >= 0 && index < static_cast<double>(shape[axis] - 1))) return;
      const auto whole = static_cast<std::int64_t>(index);
      voxel_ += whole * strides_[axis];
      fraction_[axis] = index - static_cast<double>(whole);
    }
    inside_ = true;
  }

  bool inside() const { return inside_; }
  // The first of the eight.
  std::int64_t voxel() const { return voxel_; }
  std::int64_t corner(int c) const {
    return voxel_ + (c >> 2) * strides_[0] + (c >> 1 & 1) * strides_[1] + (c & 1) * strides_[2];
  }

  // Of bit `map` of the bytes, in [0, 1].
  double value(const std::vector<std::uint8_t>& bytes, int map = 0) const {
    if (!inside_) return 0;
    std::array<double, 8> corners{};
    for (int c = 0; c < 8; ++c) corners[c] = bytes[corner(c)] >> map & 1;
    for (int axis = 0; axis < 3; ++axis) {
      const int half = 4 >> axis;
      for (int c = 0; c < half; ++c) corners[c] += fraction_[axis] * (corners[c + half] - corners[c]);
    }
    return corners[0];
  }

 private:
  bool inside_ = false;
  std::int64_t voxel_ = 0;
  Shape3 strides_{};
  std::array<double, 3> fraction_{};
};

// What counts as inside of an interpolated map.
inline constexpr double kInside = 0.5;
inline constexpr int kRays = 180;

// A point of the wall and the direction, of unit length, in which it was found.
struct WallPoint {
  Point position_mm{};
  Point ray{};
};

class Sections {
 public:
  explicit Sections(const VesselRegion& vessel);

  // Where kRays rays, evenly spread across the vessel at this point of its centreline, leave it; those that do not
  // within five times the distance from the centreline to the surface are left out. Rays start from the centre of the
  // section's area. Nothing where the point is not within the vessel.
  std::vector<WallPoint> wall(const CentrelinePoint& at) const;

 private:
  std::optional<double> wall_mm(const Point& centre, const Point& ray, double limit_mm) const;
  Point centre_of_area(const Point& centre, const std::vector<Point>& rays, double limit_mm) const;
  double vessel_at(const Point& point_mm) const;

  const VesselRegion& vessel_;
  std::vector<std::uint8_t> filled_;  // 1 where the voxel and its next ones along z, y and x (eight in all) are set
};

}  // namespace twintrack

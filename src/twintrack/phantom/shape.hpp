// Solids in the patient, in millimetres: signed distances (negative inside) of ellipsoids, drums and tubes, joined.
// Patient coordinates are LPS: x to the left, y to the back, z to the head.
#pragma once

#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "twintrack/phantom/random.hpp"

namespace twintrack::phantom {

struct Point {
  float x = 0;
  float y = 0;
  float z = 0;
  friend Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y, a.z + b.z}; }
  friend Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y, a.z - b.z}; }
  friend Point operator*(float s, Point a) { return {s * a.x, s * a.y, s * a.z}; }
};
float dot(Point a, Point b);
float length(Point a);

struct Ellipsoid {
  Point centre;
  Point radii_mm;
  float turns_about_y = 0;  // tilt in the coronal plane
};

// A cylinder along z with an elliptic section.
struct Drum {
  Point centre;
  float radius_x_mm = 0;
  float radius_y_mm = 0;
  float half_height_mm = 0;
};

// A cone with round ends.
struct Segment {
  Point from;
  Point to;
  float from_radius_mm = 0;
  float to_radius_mm = 0;
};

using Primitive = std::variant<Ellipsoid, Drum, Segment>;

struct Part {
  std::vector<Primitive> primitives;
  float blend_mm = 0;  // width of the smooth union with the parts before it
};

struct Solid {
  std::vector<Part> parts;
  float roughness_mm = 0;  // amplitude of the smooth noise that is added to the distance
  float roughness_scale_mm = 10;
  Point roughness_place;  // where in the noise, in lattice steps
};

struct Knot {
  Point point;
  float radius_mm = 0;
};
// Catmull-Rom spline through the knots at `place` in [0, size - 1]; whole numbers are the knots.
Knot along(std::span<const Knot> knots, float place);
// The tube swept along that spline, as cones.
std::vector<Primitive> sweep(std::span<const Knot> knots, int cones_per_knot = 6);
// Place of the point of the spline that is nearest to `point`.
float nearest_place(std::span<const Knot> knots, Point point);

// A slice of the voxel grid.
struct SliceGrid {
  int size_x = 0;
  int size_y = 0;
  Point origin;  // centre of the slice's first voxel
  float step_x_mm = 1;
  float step_y_mm = 1;
  float x_mm(int x) const { return origin.x + static_cast<float>(x) * step_x_mm; }
  float y_mm(int y) const { return origin.y + static_cast<float>(y) * step_y_mm; }
};

struct Rectangle {  // of voxels, [begin, end)
  int begin_x = 0;
  int end_x = 0;
  int begin_y = 0;
  int end_y = 0;
  bool empty() const { return begin_x >= end_x || begin_y >= end_y; }
  int width() const { return end_x - begin_x; }
};

// Distances are exact (for ellipsoids: of first order) up to the reach, by default this far from the surface, and
// kFar_mm somewhere beyond.
inline constexpr float kReach_mm = 8;
inline constexpr float kFar_mm = 1000;

// Signed distances on a rectangle of a slice, row by row.
struct DistanceMap {
  Rectangle box;
  std::vector<float> values;
  float& at(int x, int y) {
    return values[static_cast<std::size_t>(y - box.begin_y) * box.width() + (x - box.begin_x)];
  }
  float at(int x, int y) const {
    return values[static_cast<std::size_t>(y - box.begin_y) * box.width() + (x - box.begin_x)];
  }
};

// The solid on the slice; the box is empty where the slice does not come within reach of it. `scratch` is memory for
// several calls.
void evaluate(const Solid& solid, const SliceGrid& slice, const SmoothNoise& noise, DistanceMap& map,
              std::vector<float>& scratch, float reach_mm = kReach_mm);

// Smallest box [low, high] around the solid, grown by `margin_mm`.
struct Extent {
  Point low;
  Point high;
};
Extent extent_of(const Solid& solid, float margin_mm);

}  // namespace twintrack::phantom

#include "twintrack/phantom/shape.hpp"

#include <algorithm>
#include <cmath>

#include "twintrack/core/portable_math.hpp"

namespace twintrack::phantom {
namespace {

// Row-major axes of the ellipsoid, each divided by its radius.
struct EllipsoidAxes {
  Point u;
  Point v;
  Point w;
};

EllipsoidAxes axes_of(const Ellipsoid& e) {
  const auto c = static_cast<float>(cosine_of_turns(e.turns_about_y));
  const auto s = static_cast<float>(sine_of_turns(e.turns_about_y));
  return {(1 / e.radii_mm.x) * Point{c, 0, s}, Point{0, 1 / e.radii_mm.y, 0}, (1 / e.radii_mm.z) * Point{-s, 0, c}};
}

Extent extent(const Ellipsoid& e) {
  const float wide = e.turns_about_y == 0 ? e.radii_mm.x : std::max(e.radii_mm.x, e.radii_mm.z);
  const float tall = e.turns_about_y == 0 ? e.radii_mm.z : std::max(e.radii_mm.x, e.radii_mm.z);
  const Point r{wide, e.radii_mm.y, tall};
  return {e.centre - r, e.centre + r};
}

Extent extent(const Drum& d) {
  const Point r{d.radius_x_mm, d.radius_y_mm, d.half_height_mm};
  return {d.centre - r, d.centre + r};
}

Extent extent(const Segment& s) {
  const float r = std::max(s.from_radius_mm, s.to_radius_mm);
  return {{std::min(s.from.x, s.to.x) - r, std::min(s.from.y, s.to.y) - r, std::min(s.from.z, s.to.z) - r},
          {std::max(s.from.x, s.to.x) + r, std::max(s.from.y, s.to.y) + r, std::max(s.from.z, s.to.z) + r}};
}

Extent extent_of_primitive(const Primitive& primitive) {
  return std::visit([](const auto& p) { return extent(p); }, primitive);
}

// First-order distance f (f - 1) / |grad|, f the ellipsoid's norm of the point; at the centre, where that is 0 / 0,
// any depth within the ellipsoid will do.
float first_order_distance(float f, float gradient, float smallest_radius_mm) {
  return f > 1e-4F ? f * (f - 1) / gradient : -smallest_radius_mm;
}

void lower_row(const Ellipsoid& e, const EllipsoidAxes& axes, Point start, float step, int count, float* row) {
  const Point at = start - e.centre;
  const float u0 = dot(axes.u, at), v0 = dot(axes.v, at), w0 = dot(axes.w, at);
  const float du = axes.u.x * step, dv = axes.v.x * step, dw = axes.w.x * step;
  const float uu = dot(axes.u, axes.u), vv = dot(axes.v, axes.v), ww = dot(axes.w, axes.w);
  const float smallest = std::min({e.radii_mm.x, e.radii_mm.y, e.radii_mm.z});
  for (int i = 0; i < count; ++i) {
    const auto n = static_cast<float>(i);
    const float u = u0 + n * du, v = v0 + n * dv, w = w0 + n * dw;
    const float f = std::sqrt(u * u + v * v + w * w);
    const float gradient = std::sqrt(u * u * uu + v * v * vv + w * w * ww);
    row[i] = std::min(row[i], first_order_distance(f, gradient, smallest));
  }
}

void lower_row(const Drum& d, Point start, float step, int count, float* row) {
  const float y = (start.y - d.centre.y) / d.radius_y_mm;
  const float cap = std::abs(start.z - d.centre.z) - d.half_height_mm;
  for (int i = 0; i < count; ++i) {
    const float x = (start.x + static_cast<float>(i) * step - d.centre.x) / d.radius_x_mm;
    const float f = std::sqrt(x * x + y * y);
    const float gx = x / d.radius_x_mm, gy = y / d.radius_y_mm;
    const float side = first_order_distance(f, std::sqrt(gx * gx + gy * gy), std::min(d.radius_x_mm, d.radius_y_mm));
    row[i] = std::min(row[i], std::max(side, cap));
  }
}

void lower_row(const Segment& s, Point start, float step, int count, float* row) {
  const Point axis = s.to - s.from;
  const float scale = 1 / std::max(dot(axis, axis), 1e-6F);
  const Point at = start - s.from;
  const float along0 = dot(at, axis) * scale, along_step = axis.x * step * scale;
  const float taper = s.to_radius_mm - s.from_radius_mm;
  for (int i = 0; i < count; ++i) {
    const auto n = static_cast<float>(i);
    const float t = std::clamp(along0 + n * along_step, 0.0F, 1.0F);
    const float x = at.x + n * step - t * axis.x, y = at.y - t * axis.y, z = at.z - t * axis.z;
    row[i] = std::min(row[i], std::sqrt(x * x + y * y + z * z) - (s.from_radius_mm + t * taper));
  }
}

Rectangle rectangle_of(const Extent& e, float margin, const SliceGrid& slice) {
  if (slice.origin.z < e.low.z - margin || slice.origin.z > e.high.z + margin) return {};
  const auto voxel = [](float mm, float origin, float step, int size) {
    return static_cast<int>(std::clamp(std::floor((mm - origin) / step), -1.0F, static_cast<float>(size)));
  };
  Rectangle r;
  r.begin_x = std::max(0, voxel(e.low.x - margin, slice.origin.x, slice.step_x_mm, slice.size_x));
  r.end_x = std::min(slice.size_x, 2 + voxel(e.high.x + margin, slice.origin.x, slice.step_x_mm, slice.size_x));
  r.begin_y = std::max(0, voxel(e.low.y - margin, slice.origin.y, slice.step_y_mm, slice.size_y));
  r.end_y = std::min(slice.size_y, 2 + voxel(e.high.y + margin, slice.origin.y, slice.step_y_mm, slice.size_y));
  return r;
}

Rectangle union_of(const Rectangle& a, const Rectangle& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  return {std::min(a.begin_x, b.begin_x), std::max(a.end_x, b.end_x), std::min(a.begin_y, b.begin_y),
          std::max(a.end_y, b.end_y)};
}

void lower(const Primitive& primitive, const SliceGrid& slice, const Rectangle& box, const Rectangle& map_box,
           float* values) {
  EllipsoidAxes axes;
  if (const auto* e = std::get_if<Ellipsoid>(&primitive)) axes = axes_of(*e);
  for (int y = box.begin_y; y < box.end_y; ++y) {
    float* const row =
        values + static_cast<std::size_t>(y - map_box.begin_y) * map_box.width() + (box.begin_x - map_box.begin_x);
    const Point start{slice.x_mm(box.begin_x), slice.y_mm(y), slice.origin.z};
    if (const auto* e = std::get_if<Ellipsoid>(&primitive)) {
      lower_row(*e, axes, start, slice.step_x_mm, box.width(), row);
    } else if (const auto* d = std::get_if<Drum>(&primitive)) {
      lower_row(*d, start, slice.step_x_mm, box.width(), row);
    } else {
      lower_row(std::get<Segment>(primitive), start, slice.step_x_mm, box.width(), row);
    }
  }
}

// Polynomial smooth minimum (Quilez).
float smooth_minimum(float a, float b, float width) {
  const float h = std::max(width - std::abs(a - b), 0.0F) / width;
  return std::min(a, b) - h * h * width * 0.25F;
}

void roughen(const Solid& solid, const SliceGrid& slice, const SmoothNoise& noise, float reach_mm, DistanceMap& map) {
  const float scale = 1 / solid.roughness_scale_mm;
  const float reach = solid.roughness_mm + reach_mm;
  for (int y = map.box.begin_y; y < map.box.end_y; ++y) {
    for (int x = map.box.begin_x; x < map.box.end_x; ++x) {
      float& d = map.at(x, y);
      if (std::abs(d) > reach) continue;
      d += solid.roughness_mm * noise(slice.x_mm(x) * scale + solid.roughness_place.x,
                                      slice.y_mm(y) * scale + solid.roughness_place.y,
                                      slice.origin.z * scale + solid.roughness_place.z);
    }
  }
}

}  // namespace

float dot(Point a, Point b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
float length(Point a) { return std::sqrt(dot(a, a)); }

Knot along(std::span<const Knot> knots, float place) {
  const int last = static_cast<int>(knots.size()) - 1;
  const int i = std::clamp(static_cast<int>(place), 0, std::max(0, last - 1));
  const float t = std::clamp(place - static_cast<float>(i), 0.0F, 1.0F);
  const auto knot = [&](int n) { return knots[std::clamp(n, 0, last)]; };
  const Knot a = knot(i - 1), b = knot(i), c = knot(i + 1), d = knot(i + 2);
  const auto spline = [t](float p, float q, float r, float s) {
    return q + 0.5F * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
  };
  return {{spline(a.point.x, b.point.x, c.point.x, d.point.x), spline(a.point.y, b.point.y, c.point.y, d.point.y),
           spline(a.point.z, b.point.z, c.point.z, d.point.z)},
          b.radius_mm + t * (c.radius_mm - b.radius_mm)};
}

std::vector<Primitive> sweep(std::span<const Knot> knots, int cones_per_knot) {
  std::vector<Primitive> cones;
  const int count = (static_cast<int>(knots.size()) - 1) * cones_per_knot;
  Knot from = knots.front();
  for (int i = 1; i <= count; ++i) {
    const Knot to = along(knots, static_cast<float>(i) / static_cast<float>(cones_per_knot));
    cones.push_back(Segment{from.point, to.point, from.radius_mm, to.radius_mm});
    from = to;
  }
  return cones;
}

float nearest_place(std::span<const Knot> knots, Point point) {
  float best = 0;
  float shortest = kFar_mm;
  const int steps = (static_cast<int>(knots.size()) - 1) * 20;
  for (int i = 0; i <= steps; ++i) {
    const float place = static_cast<float>(i) / 20;
    const float distance = length(along(knots, place).point - point);
    if (distance < shortest) {
      shortest = distance;
      best = place;
    }
  }
  return best;
}

void evaluate(const Solid& solid, const SliceGrid& slice, const SmoothNoise& noise, DistanceMap& map,
              std::vector<float>& scratch, float reach_mm) {
  const float margin = reach_mm + solid.roughness_mm;
  map.box = {};
  for (const Part& part : solid.parts) {
    for (const Primitive& primitive : part.primitives) {
      map.box = union_of(map.box, rectangle_of(extent_of_primitive(primitive), margin + part.blend_mm, slice));
    }
  }
  if (map.box.empty()) return;
  const std::size_t size = static_cast<std::size_t>(map.box.width()) * (map.box.end_y - map.box.begin_y);
  map.values.assign(size, kFar_mm);
  for (const Part& part : solid.parts) {
    if (part.blend_mm > 0) scratch.assign(size, kFar_mm);
    float* const target = part.blend_mm > 0 ? scratch.data() : map.values.data();
    for (const Primitive& primitive : part.primitives) {
      const Rectangle box = rectangle_of(extent_of_primitive(primitive), margin + part.blend_mm, slice);
      if (!box.empty()) lower(primitive, slice, box, map.box, target);
    }
    if (part.blend_mm > 0) {
      for (std::size_t i = 0; i < size; ++i) map.values[i] = smooth_minimum(map.values[i], scratch[i], part.blend_mm);
    }
  }
  if (solid.roughness_mm > 0) roughen(solid, slice, noise, reach_mm, map);
}

Extent extent_of(const Solid& solid, float margin_mm) {
  Extent all{{kFar_mm, kFar_mm, kFar_mm}, {-kFar_mm, -kFar_mm, -kFar_mm}};
  for (const Part& part : solid.parts) {
    for (const Primitive& primitive : part.primitives) {
      const Extent e = extent_of_primitive(primitive);
      all.low = {std::min(all.low.x, e.low.x), std::min(all.low.y, e.low.y), std::min(all.low.z, e.low.z)};
      all.high = {std::max(all.high.x, e.high.x), std::max(all.high.y, e.high.y), std::max(all.high.z, e.high.z)};
    }
  }
  const Point margin{margin_mm, margin_mm, margin_mm};
  return {all.low - margin, all.high + margin};
}

}  // namespace twintrack::phantom

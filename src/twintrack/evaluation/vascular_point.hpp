// Points and directions in millimetres, in the axis order (z, y, x). Internal to this module.
#pragma once

#include <array>
#include <cmath>

namespace twintrack {

using Point = std::array<double, 3>;

constexpr Point operator+(const Point& a, const Point& b) { return {a[0] + b[0], a[1] + b[1], a[2] + b[2]}; }
constexpr Point operator-(const Point& a, const Point& b) { return {a[0] - b[0], a[1] - b[1], a[2] - b[2]}; }
constexpr Point operator*(double f, const Point& a) { return {f * a[0], f * a[1], f * a[2]}; }
constexpr double dot(const Point& a, const Point& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
constexpr Point cross(const Point& a, const Point& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
inline double length(const Point& a) { return std::sqrt(dot(a, a)); }
inline Point unit(const Point& a) { return (1 / length(a)) * a; }

}  // namespace twintrack

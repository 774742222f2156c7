#include "twintrack/evaluation/vascular_sections.hpp"

#include <algorithm>
#include <numbers>

namespace twintrack {
namespace {

constexpr double kWallRadii = 5;
constexpr int kCentrings = 2;
constexpr int kCentringStride = 5;  // every fifth ray is enough to find the centre

// Unit vectors evenly spread on the plane across `direction`.
std::vector<Point> rays_across(const Point& direction) {
  const auto thinnest = std::ranges::min_element(direction, {}, [](double c) { return std::abs(c); });
  Point other{};
  other[thinnest - direction.begin()] = 1;
  const Point first = unit(cross(direction, other));
  const Point second = cross(direction, first);
  std::vector<Point> rays;
  for (int i = 0; i < kRays; ++i) {
    const double angle = 2 * std::numbers::pi * i / kRays;
    rays.push_back(std::cos(angle) * first + std::sin(angle) * second);
  }
  return rays;
}

// Whether the nearest voxel is the vessel's.
bool is_within(const VesselRegion& vessel, const Point& point_mm) {
  std::int64_t voxel = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t index = std::llround(point_mm[axis] / vessel.spacing_mm[axis]);
    if (index < 0 || index >= vessel.shape()[axis]) return false;
    voxel += index * vessel.strides()[axis];
  }
  return vessel.voxel[voxel] != 0;
}

}  // namespace

Sections::Sections(const VesselRegion& vessel) : vessel_(vessel), filled_(vessel.voxel) {
  for (const std::int64_t stride : vessel.strides()) {
    for (std::int64_t i = 0; i + stride < std::ssize(filled_); ++i) filled_[i] &= filled_[i + stride];
  }
}

double Sections::vessel_at(const Point& point_mm) const {
  const Interpolation at(vessel_.shape(), vessel_.spacing_mm, point_mm);
  return at.inside() && filled_[at.voxel()] != 0 ? 1.0 : at.value(vessel_.voxel);
}

std::optional<double> Sections::wall_mm(const Point& centre, const Point& ray, double limit_mm) const {
  const double step_mm = *std::ranges::min_element(vessel_.spacing_mm) / 3;
  double before = vessel_at(centre);
  if (before < kInside) return 0;
  for (double r = step_mm; r < limit_mm + step_mm; r += step_mm) {
    const double here = vessel_at(centre + r * ray);
    if (here < kInside) return r - step_mm * (kInside - here) / (before - here);
    before = here;
  }
  return {};
}

Point Sections::centre_of_area(const Point& centre, const std::vector<Point>& rays, double limit_mm) const {
  Point moment{};
  double area = 0;
  for (std::size_t i = 0; i < rays.size(); i += kCentringStride) {
    const double r = wall_mm(centre, rays[i], limit_mm).value_or(limit_mm);
    moment = moment + (r * r * r / 3) * rays[i];
    area += r * r / 2;
  }
  return area > 0 ? centre + (1 / area) * moment : centre;
}

std::vector<WallPoint> Sections::wall(const CentrelinePoint& at) const {
  if (!is_within(vessel_, at.position_mm)) return {};
  const double limit_mm = kWallRadii * at.radius_mm;
  const std::vector<Point> rays = rays_across(at.direction);
  Point centre = at.position_mm;
  for (int i = 0; i < kCentrings; ++i) {
    const Point moved = centre_of_area(centre, rays, limit_mm);
    if (vessel_at(moved) >= kInside) centre = moved;
  }
  std::vector<WallPoint> points;
  for (const Point& ray : rays) {
    if (const std::optional<double> r = wall_mm(centre, ray, limit_mm)) points.push_back({centre + *r * ray, ray});
  }
  return points;
}

}  // namespace twintrack

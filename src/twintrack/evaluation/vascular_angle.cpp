#include "twintrack/evaluation/vascular_angle.hpp"

#include "twintrack/evaluation/vascular_sections.hpp"
#include "twintrack/resample/morphology.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace twintrack {
namespace {

constexpr double kFullCircle = 360;
constexpr int kBandSteps = 2;       // samples on either side of the wall
constexpr std::int64_t kReach = 2;  // voxels from a vessel's voxel to a tumour's that may touch the wall

// Half the length of a voxel along the ray.
double half_voxel_mm(const Spacing3& spacing_mm, const Point& ray) {
  double voxels_per_mm = 0;
  for (int axis = 0; axis < 3; ++axis) voxels_per_mm = std::max(voxels_per_mm, std::abs(ray[axis]) / spacing_mm[axis]);
  return 1 / (2 * voxels_per_mm);
}

// Of the maps, those whose interpolated value reaches 1/2.
std::uint8_t reached(const Interpolation& at, const std::vector<std::uint8_t>& bits) {
  if (!at.inside()) return 0;
  unsigned any = 0;
  unsigned all = 0xFF;
  for (int c = 0; c < 8; ++c) {
    any |= bits[at.corner(c)];
    all &= bits[at.corner(c)];
  }
  for (unsigned open = any & ~all; open != 0; open &= open - 1) {
    if (at.value(bits, std::countr_zero(open)) >= kInside) all |= open & -open;
  }
  return static_cast<std::uint8_t>(all);
}

// Maps that touch the wall at this place.
std::uint8_t touching(const VesselRegion& vessel, const TumorMaps& tumor, const WallPoint& wall) {
  const double step_mm = half_voxel_mm(vessel.spacing_mm, wall.ray) / kBandSteps;
  std::uint8_t maps = 0;
  for (int i = -kBandSteps; i <= kBandSteps; ++i) {
    const Interpolation at(vessel.shape(), vessel.spacing_mm, wall.position_mm + (i * step_mm) * wall.ray);
    maps |= reached(at, tumor.bits);
  }
  return maps;
}

// Of each map of all groups, the angle along this wall.
std::vector<double> angles_at(const VesselRegion& vessel, std::span<const TumorMaps> groups,
                              const std::vector<WallPoint>& wall) {
  std::vector<double> angles;
  for (const TumorMaps& tumor : groups) {
    std::array<int, TumorMaps::kMaximum> hits{};
    for (const WallPoint& point : wall) {
      for (unsigned maps = touching(vessel, tumor, point); maps != 0; maps &= maps - 1) ++hits[std::countr_zero(maps)];
    }
    for (int k = 0; k < tumor.count; ++k) angles.push_back(kFullCircle / kRays * hits[k]);
  }
  return angles;
}

bool vessel_around(const VesselRegion& vessel, std::int64_t voxel) {
  const Shape3 strides = vessel.strides();
  for (std::int64_t z = -kReach; z <= kReach; ++z) {
    for (std::int64_t y = -kReach; y <= kReach; ++y) {
      const std::uint8_t* const row = vessel.voxel.data() + voxel + z * strides[0] + y * strides[1];
      if (std::any_of(row - kReach, row + kReach + 1, [](std::uint8_t v) { return v != 0; })) return true;
    }
  }
  return false;
}

// Tumour voxels, of any map, near enough to a vessel's voxel to touch its wall: interpolation reaches one voxel from
// either and the wall's tolerance half of one, hence two whole ones.
std::vector<Shape3> tumor_near_vessel(const VesselRegion& vessel, std::span<const TumorMaps> groups) {
  const Shape3 shape = vessel.shape();
  std::vector<Shape3> found;
  for (std::int64_t z = kReach; z < shape[0] - kReach; ++z) {
    for (std::int64_t y = kReach; y < shape[1] - kReach; ++y) {
      for (std::int64_t x = kReach; x < shape[2] - kReach; ++x) {
        const std::int64_t voxel = (z * shape[1] + y) * shape[2] + x;
        const bool is_tumor = std::ranges::any_of(groups, [&](const TumorMaps& t) { return t.bits[voxel] != 0; });
        if (is_tumor && vessel_around(vessel, voxel)) found.push_back({z, y, x});
      }
    }
  }
  return found;
}

// Whether one of the voxels lies within reach of the box.
bool any_near(const std::vector<Shape3>& voxels, const Box3& box) {
  return std::ranges::any_of(voxels, [&](const Shape3& at) {
    for (int axis = 0; axis < 3; ++axis) {
      if (at[axis] < box.begin[axis] - kReach || at[axis] >= box.end[axis] + kReach) return false;
    }
    return true;
  });
}

// Whether one of the voxels lies so near to the section's plane that it may touch the wall there.
bool any_near(const std::vector<Shape3>& voxels, const CentrelinePoint& at, const Spacing3& spacing_mm) {
  const double offset_mm = dot(at.position_mm, at.direction);
  const Point along{at.direction[0] * spacing_mm[0], at.direction[1] * spacing_mm[1], at.direction[2] * spacing_mm[2]};
  const double reach_mm = std::abs(along[0]) + std::abs(along[1]) + std::abs(along[2]);  // of interpolation
  return std::ranges::any_of(voxels, [&](const Shape3& voxel) {
    const Point index{static_cast<double>(voxel[0]), static_cast<double>(voxel[1]), static_cast<double>(voxel[2])};
    return std::abs(dot(index, along) - offset_mm) <= reach_mm;
  });
}

}  // namespace

std::vector<double> contact_angles_degrees(const VesselRegion& vessel, std::span<const TumorMaps> groups) {
  std::size_t maps = 0;
  for (const TumorMaps& tumor : groups) maps += tumor.count;
  std::vector<double> largest(maps, 0.0);
  if (vessel.box.empty()) return largest;
  const std::vector<Shape3> near = tumor_near_vessel(vessel, groups);
  if (near.empty()) return largest;
  const Sections sections(vessel);
  const Components pieces = connected_components(vessel.voxel, vessel.shape());
  for (std::size_t p = 0; p < pieces.components.size(); ++p) {
    const Box3& box = pieces.components[p].box;
    if (!any_near(near, box)) continue;
    const VoxelGraph graph(pieces.labels, static_cast<std::int32_t>(p + 1), box, vessel.shape(), vessel.spacing_mm);
    for (const CentrelinePoint& at : centreline(graph, vessel.spacing_mm)) {
      if (!any_near(near, at, vessel.spacing_mm)) continue;
      const std::vector<double> here = angles_at(vessel, groups, sections.wall(at));
      std::ranges::transform(largest, here, largest.begin(), [](double a, double b) { return std::max(a, b); });
    }
  }
  return largest;
}

}  // namespace twintrack

// Centrelines of a vessel: where its sections lie and which way they face. Internal to this module.
#pragma once

#include "twintrack/core/shape.hpp"
#include "twintrack/evaluation/vascular_graph.hpp"

#include <vector>

namespace twintrack {

struct CentrelinePoint {
  Point position_mm{};   // z, y, x from the centre of the array's first voxel
  Point direction{};     // of the vessel, unit length
  double radius_mm = 0;  // distance to the surface around here
};

// Points `kCentrelineStep_mm` apart along the vessel and each of its branches.
//
// The main line is the cheapest path between the two voxels that are farthest apart within the vessel (found by two
// sweeps), a millimetre costing the inverse square of the distance to the surface, so that it keeps to the middle
// (after Bitter et al., IEEE TVCG 2001; Sato et al., Pacific Graphics 2000). What lies more than 2.5 radii from all
// lines is a branch when it reaches at least 3 mm further and is deep for its width (depth squared at least twice
// volume over depth), which the rim of a flat vessel is not; it gets a line from its farthest voxel. Lines are smoothed
// by a Gaussian of 2 mm (or the largest spacing). Where a line ends at the surface, its last two radii, which turn
// towards an edge of the mask, are replaced by a straight end; a branch begins outside its parent's radius. A piece
// shorter than six radii gets a straight line along its principal axis, which for a single voxel is z.
inline constexpr double kCentrelineStep_mm = 1;
std::vector<CentrelinePoint> centreline(const VoxelGraph& graph, const Spacing3& spacing_mm);

}  // namespace twintrack

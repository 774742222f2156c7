// The angle over which a tumour touches a vessel's wall, on sections across the vessel. Internal to this module.
#pragma once

#include "twintrack/evaluation/vascular_region.hpp"

#include <span>
#include <vector>

namespace twintrack {

// Of each map of the groups, in their order, the largest contact angle over the vessel's centrelines (see
// vascular_centreline.hpp), in [0, 360] degrees.
//
// On the plane across the centreline, 180 rays leave the section's centre of area. The wall is where the vessel,
// interpolated linearly between voxels, first falls below 1/2. A ray is in contact when the tumour, interpolated
// likewise, reaches 1/2 within half a voxel of the wall, as long as a voxel is along the ray: two surfaces nearer than
// that cannot be told apart on this grid. The angle is 2 degrees times the rays in contact. A ray that finds no wall
// within five times the distance from the centreline to the surface leaves through a branch and is in no contact. A
// tumour beyond a vessel's end, or within it and away from the wall, touches no wall. Maps that hold one another have
// angles in the same order.
std::vector<double> contact_angles_degrees(const VesselRegion& vessel, std::span<const TumorMaps> groups);

}  // namespace twintrack

// Vascular involvement as CURVAS-PDACVI measures it (arXiv 2604.27582): contact counted along the vessel's edge, slice
// by slice in three planes. Internal to this module.
#pragma once

#include "twintrack/evaluation/vascular_region.hpp"
#include "twintrack/evaluation/vascular_statistics.hpp"

#include <array>
#include <span>
#include <vector>

namespace twintrack {

// Slices of the planes lie along the file's first, second and third axis (x, y, z), whatever the patient's orientation:
// the challenge reads its files in that order. The third is axial where the third axis runs along the patient.
inline constexpr std::array<const char*, 3> kPlanes{"cor", "sag", "ax"};
using PlaneDegrees = std::array<double, 3>;  // in the order of kPlanes

// Of each map, the largest over slices of contact / edge voxels * 360. In a slice, the tumour is dilated and the vessel
// eroded by the 4-neighbour cross; an edge voxel is one that the erosion took. An edge voxel inside the dilated tumour
// counts once; one outside it counts once for each pair of voxels {itself, +a}, {itself, +b}, {itself, +a +b} and
// {+a, +b} that holds a dilated tumour's voxel which is no edge (a, b: the next voxel along the slice's axes). Hence
// the count is not symmetric and can exceed 360 degrees.
std::vector<PlaneDegrees> challenge_contact_degrees(const VesselRegion& vessel, const TumorMaps& tumor);

// Wasserstein distance, in degrees, of the two normal distributions tabulated at 1000 points of [0, 360] with 1e-6
// added to both deviations. Where a tabulated density vanishes (all values at most 1e-8), the challenge's substitutes:
// 0 when both do; otherwise 360, or the mean of the other one when that one's deviation vanishes too.
double challenge_distance_degrees(const MeanAndSd& raters, const MeanAndSd& prediction);

}  // namespace twintrack

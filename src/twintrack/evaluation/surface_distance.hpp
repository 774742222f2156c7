// Distances between the surfaces of two segmentations.
#pragma once

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/core/shape.hpp"

namespace twintrack {

// The surface of a mask are its voxels with a face neighbour outside it (or outside the grid). From every surface voxel
// of either mask, the exact Euclidean distance of centres to the nearest one of the other: all of them together are the
// pooled distances. Both masks empty: 0. One of them: NaN.
struct SurfaceDistance {
  double hd95_mm = 0;     // 95th percentile of the pooled distances, linear between ranks, as MedPy's hd95
  double average_mm = 0;  // their mean: average symmetric surface distance (Heimann et al., IEEE TMI 2009)
};

// Masks of one shape; spacing (z, y, x). Needs memory in proportion to the surfaces.
SurfaceDistance surface_distance(const BitMask& a, const BitMask& b, const Spacing3& spacing_mm);

}  // namespace twintrack

// Rotation, scaling and cropping of patches, and mirroring.
#pragma once

#include "twintrack/augmentation/patch.hpp"
#include "twintrack/augmentation/settings.hpp"
#include "twintrack/core/random.hpp"

#include <array>

namespace twintrack {

// Where a patch's voxels are looked up: a voxel at p from the patch's centre at matrix * p from the drawn region's
// centre, in voxels (z, y, x).
struct SpatialTransform {
  bool identity = true;
  std::array<std::array<double, 3>, 3> matrix{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
};

// Turned about axis 0 first, then 1, then 2, after scaling.
SpatialTransform rotation_and_scaling(const std::array<double, 3>& degrees, double scale);

SpatialTransform draw_spatial_transform(const AugmentationSettings& settings, Random& random);

// How large a region this transform needs so that every voxel of the patch lies within the region's outermost voxel
// centres. Extents are odd where the patch's are, so that regions of any of these shapes around the same middle give
// the same patch. The patch itself when nothing happens.
Shape3 source_shape(const Shape3& patch, const SpatialTransform& transform);

// The same for the largest of any that these settings draw (in the place of nnU-Net's get_patch_size, which leaves out
// scaling above 1/0.85 and rotation about several axes, and therefore shows zeros in the corners).
Shape3 drawn_shape(const Shape3& patch, const AugmentationSettings& settings);

// The patch as the transform sees it: image and soft by linear interpolation, of labels the one with the largest
// interpolated share (the lowest of equals). When nothing happens, the drawn region's middle, copied. Where the region
// ends, image and soft fade to 0 within a voxel and labels are 0. Throws InputError when arrays and shapes disagree.
Patch resample_patch(const Patch& drawn, const Shape3& patch, const SpatialTransform& transform);

// In place. Which axes: {z, y, x}.
void mirror(Patch& patch, const std::array<bool, 3>& axes);

}  // namespace twintrack

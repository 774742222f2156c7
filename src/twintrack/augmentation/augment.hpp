// A training patch, varied as nnU-Net v2 varies it.
#pragma once

#include "twintrack/augmentation/patch.hpp"
#include "twintrack/augmentation/settings.hpp"
#include "twintrack/augmentation/spatial.hpp"
#include "twintrack/core/random.hpp"

namespace twintrack {

// What becomes of a region that was cut for a patch of shape `patch`: rotated, scaled and cropped to it, then noise,
// blur, brightness, contrast, low resolution, gamma inverted, gamma; then mirrored. Labels below 0 (nnU-Net's mark of
// voxels outside the case) become 0. Runs on the calling thread; the same random numbers give the same bits on one
// machine. Throws InputError for settings that cannot be (check_settings) and for arrays that disagree with their
// shapes.
//
// A region of drawn_shape(patch, settings) always suffices.
Patch augment(const Patch& drawn, const Shape3& patch, const AugmentationSettings& settings, Random& random);

// The same in two steps, for a loader that cuts no more than this sample needs:
//   const SpatialTransform transform = draw_spatial_transform(settings, random);
//   const Patch drawn = ...;  // of source_shape(patch, transform), around the middle of the region of drawn_shape
//   augment(drawn, patch, settings, transform, random)
// Up to rounding (1e-5 of the image's range) it is the patch that one step gives.
Patch augment(const Patch& drawn, const Shape3& patch, const AugmentationSettings& settings,
              const SpatialTransform& transform, Random& random);

}  // namespace twintrack

// A stack of slices on an upright grid of equal distances. Internal to this module.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "twintrack/volume/dicom_stack.hpp"

namespace twintrack::volume_io {

// Fills `voxels` (stack.geometry, x fastest) by linear interpolation in the slices and between the two next to each
// voxel; `outside` where there is no slice. `next_slice` gives the pixels of one slice after the other, from the
// lowest.
void resample_stack(const Stack& stack, const std::function<void(std::span<float>)>& next_slice, float outside,
                    std::span<float> voxels);

}  // namespace twintrack::volume_io

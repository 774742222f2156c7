// Targets of the network's coarser outputs.
#pragma once

#include "twintrack/core/shape.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

// Of each voxel of the new grid the label at its centre: PyTorch's interpolation `nearest-exact`, as nnU-Net has it.
// Throws InputError for shapes that cannot be.
std::vector<std::int16_t> downsample_labels(std::span<const std::int16_t> labels, const Shape3& shape,
                                            const Shape3& new_shape);

// Of each voxel of the new grid the mean over its volume (voxels that it covers in part count in part): the share of
// raters remains a share, and its mean over the patch what it was. Throws InputError for shapes that cannot be.
std::vector<float> downsample_soft(std::span<const float> soft, const Shape3& shape, const Shape3& new_shape);

}  // namespace twintrack

// A training case's label map beside its preprocessed image, as nnU-Net v2's DefaultPreprocessor makes it.
#pragma once

#include "twintrack/nnunet/plans.hpp"
#include "twintrack/nnunet/preprocessing.hpp"
#include "twintrack/volume/volume.hpp"

#include <cstdint>
#include <vector>

namespace twintrack {

// nnU-Net's resampling_fn_seg_kwargs as every planner of its writes them: linear, nearest along a separate axis.
// Whether there is such an axis is decided as for the image.
ResamplingRule segmentation_resampling(const Plans& plans);

// Labels on the grid of `image` (its transpose, crop and shape). `labels` lies on the grid of the volume that `image`
// was made from. A voxel gets the largest label whose 0/1 map, interpolated in float64, reaches 0.5 there, and 0 where
// none does: nnU-Net with batchgenerators up to 0.25.3 (from 0.25.4 on the label of the largest share wins). Identity
// when no axis changes its size. Throws InputError for a grid of other extent and for labels above 32767.
std::vector<std::int16_t> preprocess_labels(const Volume<std::uint16_t>& labels, const Preprocessed& image,
                                            const Plans& plans);

// The same for the share of raters that mark each voxel, which stays a share in [0, 1]: interpolated by the same rule
// and not rounded, so that the map of a single rater reaches 0.5 where their label would be set.
std::vector<float> preprocess_soft(const Volume<float>& share, const Preprocessed& image, const Plans& plans);

}  // namespace twintrack

// A training case read once, streamed: checked, and what a fingerprint needs of it. Internal to this module.
#pragma once

#include "twintrack/planning/training_box.hpp"
#include "twintrack/planning/training_dataset.hpp"

#include <optional>
#include <vector>

namespace twintrack {

struct CaseFacts {
  Geometry geometry;
  Box3 training_box;              // z, y, x
  Box3 nonzero_box;               // of the image within training_box; all of that where the image is 0
  std::vector<float> foreground;  // values of the labelled voxels within nonzero_box, in no particular order
};

// Needs 4 bytes for each labelled voxel and 2 bits for each other. Throws as check_training_case and training_box do.
CaseFacts read_training_case(const TrainingDataset& dataset, const TrainingCase& item,
                             const std::optional<CropToLabels>& crop);

}  // namespace twintrack

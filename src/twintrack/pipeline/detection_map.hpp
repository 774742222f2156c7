// What the PANORAMA challenge scores: lesion candidates, each with one confidence.
#pragma once

#include "twintrack/core/shape.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

struct DetectionMap {
  std::vector<float> confidence;  // per voxel: its candidate's confidence, 0 outside all candidates
  float likelihood = 0;           // of the case: the largest confidence, 0 without candidates
  std::int64_t candidates = 0;
};

// The candidates that the challenge's baseline makes of a probability map: parts connected through faces, edges and
// corners where the probability is at least 1/2.5 of the map's maximum, those of more than 10 voxels; a candidate's
// confidence is its largest probability. (Report-guided annotation, threshold "dynamic-fast": Bosma et al. 2023,
// doi:10.1148/ryai.230031.) `probability` is an array in (z, y, x) order of finite numbers.
DetectionMap detection_map(std::span<const float> probability, const Shape3& shape);

}  // namespace twintrack

// Which voxels of a case foreground patches are centred on.
#pragma once

#include "twintrack/core/random.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

inline constexpr std::size_t kTrainingLabels = 32768;  // labels of training maps are below

// One flag for each of the kTrainingLabels.
using LabelSet = std::vector<bool>;

// Indices, ascending, of voxels whose label is in the set: 10 000 of them or 1 %, whichever is more, drawn uniformly
// without repetition, or all when there are fewer (nnU-Net v2's _sample_foreground_locations).
std::vector<std::int64_t> sample_voxels(std::span<const std::int16_t> labels, const LabelSet& chosen, Random& random);

}  // namespace twintrack

// The vessels of a case: which ones are asked for, and where they lie.
#pragma once

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/volume/volume.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

// A vessel and its number in a label file; the name is its key in metrics.json.
struct VesselLabel {
  std::string name;
  int label = 0;
};

// CURVAS-PDACVI: 1 portal_vein, 2 smv, 3 aorta, 4 celiac_trunk, 5 sma.
const std::vector<VesselLabel>& challenge_vessels();

struct VesselMask {
  std::string name;
  BitMask mask;
};

struct Vessels {
  Geometry geometry;
  std::vector<VesselMask> masks;  // in the order of the labels asked for; an absent vessel's is empty
};

// Streams the label file once and keeps one bit a voxel and vessel; other labels are passed over. Throws InputError
// naming the file when it holds none of the labels, and for names or labels that are given twice, empty names, and
// labels outside [1, 65535].
Vessels read_vessels(const std::filesystem::path& file, std::span<const VesselLabel> labels);

}  // namespace twintrack

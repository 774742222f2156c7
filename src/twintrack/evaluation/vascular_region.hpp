// The surroundings of one vessel as byte arrays: all that contact with it depends on. Internal to this module.
#pragma once

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/volume/volume_view.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

// A vessel's box grown by a margin, which may reach beyond the grid: nothing is set there, so that no neighbour of a
// vessel's voxel needs a check.
struct VesselRegion {
  static constexpr std::int64_t kMargin = 3;  // voxels

  Box3 box;                         // of the grid, z y x
  Spacing3 spacing_mm{};            // z, y, x
  std::vector<std::uint8_t> voxel;  // 1 where the vessel is, x fastest

  Shape3 shape() const { return box.shape(); }
  Shape3 strides() const { return {shape()[1] * shape()[2], shape()[2], 1}; }
};

// The region's box is empty when the mask is.
VesselRegion vessel_region(const BitMask& mask, const Spacing3& spacing_mm);

// Up to eight binary maps in a region's box: bit k of a byte is map k.
struct TumorMaps {
  static constexpr int kMaximum = 8;

  int count = 0;
  std::vector<std::uint8_t> bits;  // x fastest
};

// Raters [first, first + count).
TumorMaps rater_maps(const RaterSet& raters, int first, int count, const Box3& box);

// Map k is p >= edges[k]; edges ascend.
TumorMaps level_maps(const VolumeView<float>& probability, std::span<const float> edges, const Box3& box);

}  // namespace twintrack

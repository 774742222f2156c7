// A volume whose voxels belong to someone else.
#pragma once

#include "twintrack/volume/volume.hpp"

#include <span>

namespace twintrack {

// For parameters; a Volume converts to it. Valid as long as the voxels it looks at.
template <typename T>
struct VolumeView {
  Geometry geometry;
  std::span<const T> voxels;  // geometry.voxel_count(), x fastest

  VolumeView(const Geometry& grid, std::span<const T> values) : geometry(grid), voxels(values) {}
  VolumeView(const Volume<T>& volume) : geometry(volume.geometry), voxels(volume.voxels) {}
};

}  // namespace twintrack

// The part of a scan that a report shows, with its axes turned so that a viewer need not know how it was stored.
#pragma once

#include "twintrack/core/shape.hpp"
#include "twintrack/volume/volume.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace twintrack {

// For each patient axis (towards left, posterior, superior), the voxel axis nearest to it. Together they are the
// assignment with the largest sum of cosines.
struct DisplayAxes {
  std::array<int, 3> voxel_axis{};  // of L, P, S: 0 x, 1 y, 2 z
  std::array<bool, 3> reversed{};   // the voxel index grows the other way
  double obliqueness_degrees = 0;   // largest angle between a patient axis and its voxel axis
};
DisplayAxes display_axes(const Geometry& geometry);

// Shown voxels are numbered along L, P, S; each stands for a block of source voxels.
struct DisplayGrid {
  DisplayAxes axes;
  Box3 box;                                    // of the source (z, y, x); not empty
  std::array<std::int64_t, 3> block{1, 1, 1};  // source voxels along L, P, S; the last block may be smaller
  std::array<std::int64_t, 3> size{};          // shown voxels along L, P, S
  std::array<double, 3> spacing_mm{};          // of shown voxels
  std::array<std::int64_t, 3> first_voxel{};   // source index (x, y, z) of the first voxel of the first block

  std::int64_t voxel_count() const { return size[0] * size[1] * size[2]; }
};

// Blocks of one voxel.
DisplayGrid display_grid(const Geometry& source, const Box3& box);

// `box` grown by `margin_mm` on every side, within the grid.
Box3 with_margin(const Box3& box, double margin_mm, const Geometry& geometry);

using ByteVolume = std::vector<std::uint8_t>;  // of a display grid: L fastest, then P, then S

// value(source voxel number) for every shown voxel of a grid with blocks of one voxel. Called by several threads.
ByteVolume shown_bytes(const DisplayGrid& grid, const Geometry& source,
                       const std::function<std::uint8_t(std::int64_t)>& value);

// The grid (of one-voxel blocks) with blocks of `factor` voxels along the two axes with the finer spacing.
DisplayGrid thinned(const DisplayGrid& grid, std::int64_t factor);

// What `merge` makes of the bytes of each block. Called by several threads.
ByteVolume thinned_bytes(const ByteVolume& bytes, const DisplayGrid& fine, const DisplayGrid& coarse,
                         const std::function<std::uint8_t(std::span<const std::uint8_t>)>& merge);

}  // namespace twintrack

// nnU-Net's sliding window: overlapping tiles, weighted by a Gaussian, in memory that holds one band of tiles only.
#pragma once

#include "twintrack/core/shape.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace twintrack {

// First voxels of the tiles along one axis (nnU-Net: compute_steps_for_sliding_window). `size` >= `patch`.
std::vector<std::int64_t> tile_starts(std::int64_t size, std::int64_t patch, double step_size);

// The weight of each voxel of a tile: a Gaussian around the centre, sigma = patch / 8, scaled to a maximum of 10.
// (nnU-Net cuts it off at 4 sigma, which lies outside, and replaces weights that float16 turned to zero; float32 has
// none.)
std::vector<float> tile_weights(const Shape3& patch);

struct SlidingWindow {
  Shape3 shape{};  // of the image
  Shape3 patch{};
  std::int64_t classes = 0;
  double step_size = 0.5;  // of the patch, in (0, 1]

  // Images smaller than the patch are padded with zeros around their centre: the shape with padding, and its first
  // image voxel.
  Shape3 padded_shape() const;
  Shape3 padding_before() const;
  // Tiles in nnU-Net's order that contain a voxel of `needed` (all when it is empty), as first voxels in the padded
  // image.
  std::vector<Shape3> tiles(std::span<const std::uint8_t> needed) const;
};

// Computes the logits (tile, class, z, y, x) of one or several tiles (tile, z, y, x) of the patch's shape.
using TileFunction = std::function<void(std::span<const float> tiles, std::span<float> logits)>;
// Receives finished slices in ascending order: logits (class, y, x) of slice z of the image. Voxels that no tile
// covered are 0.
using SliceFunction = std::function<void(std::int64_t z, std::span<const float> logits)>;

// Runs over `image` (one channel), `batch` tiles at a time. Besides the tiles it needs (classes + 1) x patch depth x
// slice of memory. `on_tile` is called after each tile (progress; may throw to stop).
void slide(const SlidingWindow& window, std::span<const float> image, std::span<const std::uint8_t> needed,
           std::int64_t batch, const TileFunction& predict, const SliceFunction& finish,
           const std::function<void()>& on_tile);

}  // namespace twintrack

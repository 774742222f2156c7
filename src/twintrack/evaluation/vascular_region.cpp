#include "twintrack/evaluation/vascular_region.hpp"

#include <algorithm>

namespace twintrack {
namespace {

Box3 within(const Box3& box, const Shape3& shape) {
  Box3 inside;
  for (int axis = 0; axis < 3; ++axis) {
    inside.begin[axis] = std::max<std::int64_t>(box.begin[axis], 0);
    inside.end[axis] = std::min(box.end[axis], shape[axis]);
  }
  return inside;
}

// Calls visit(begin in the grid, begin in the box, length) for every row of the box's part within the grid.
template <typename Visit>
void for_each_row(const Box3& box, const Shape3& grid, const Visit& visit) {
  const Box3 inside = within(box, grid);
  if (inside.empty()) return;
  const Shape3 shape = box.shape();
  const std::int64_t x = inside.begin[2];
  for (std::int64_t z = inside.begin[0]; z < inside.end[0]; ++z) {
    for (std::int64_t y = inside.begin[1]; y < inside.end[1]; ++y) {
      const std::int64_t in_box = ((z - box.begin[0]) * shape[1] + y - box.begin[1]) * shape[2] + x - box.begin[2];
      visit((z * grid[1] + y) * grid[2] + x, in_box, inside.end[2] - x);
    }
  }
}

// Sets bit `bit` where the mask is set.
void add(const BitMask& mask, const Box3& box, int bit, std::vector<std::uint8_t>& bits) {
  const Box3 inside = within(box, mask.shape());
  if (inside.empty()) return;
  const std::vector<std::uint8_t> set = unpack(mask, inside);
  const std::uint8_t* next = set.data();
  for_each_row(box, mask.shape(), [&](std::int64_t, std::int64_t in_box, std::int64_t length) {
    for (std::int64_t i = 0; i < length; ++i) bits[in_box + i] |= static_cast<std::uint8_t>(*next++ << bit);
  });
}

}  // namespace

VesselRegion vessel_region(const BitMask& mask, const Spacing3& spacing_mm) {
  VesselRegion region{bounding_box(mask), spacing_mm, {}};
  if (region.box.empty()) return region;
  for (int axis = 0; axis < 3; ++axis) {
    region.box.begin[axis] -= VesselRegion::kMargin;
    region.box.end[axis] += VesselRegion::kMargin;
  }
  region.voxel.resize(voxel_count(region.shape()));
  add(mask, region.box, 0, region.voxel);
  return region;
}

TumorMaps rater_maps(const RaterSet& raters, int first, int count, const Box3& box) {
  TumorMaps maps{count, std::vector<std::uint8_t>(voxel_count(box.shape()))};
  for (int k = 0; k < count; ++k) add(raters.masks[first + k], box, k, maps.bits);
  return maps;
}

TumorMaps level_maps(const VolumeView<float>& probability, std::span<const float> edges, const Box3& box) {
  TumorMaps maps{static_cast<int>(edges.size()), std::vector<std::uint8_t>(voxel_count(box.shape()))};
  for_each_row(box, probability.geometry.shape(), [&](std::int64_t in_grid, std::int64_t in_box, std::int64_t length) {
    for (std::int64_t i = 0; i < length; ++i) {
      const float p = probability.voxels[in_grid + i];
      const auto reached = std::ranges::count_if(edges, [&](float edge) { return p >= edge; });
      maps.bits[in_box + i] = static_cast<std::uint8_t>((1U << reached) - 1);
    }
  });
  return maps;
}

}  // namespace twintrack

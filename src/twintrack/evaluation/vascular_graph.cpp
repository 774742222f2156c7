#include "twintrack/evaluation/vascular_graph.hpp"

#include <algorithm>
#include <functional>

namespace twintrack {
VoxelGraph::VoxelGraph(std::span<const std::int32_t> labels, std::int32_t label, const Box3& box, const Shape3& shape,
                       const Spacing3& spacing_mm) {
  const Shape3 padded{box.shape()[0] + 2, box.shape()[1] + 2, box.shape()[2] + 2};
  node_at_.assign(voxel_count(padded), kNone);
  std::int64_t voxel = 0;
  for (std::int64_t z = box.begin[0] - 1; z <= box.end[0]; ++z) {
    for (std::int64_t y = box.begin[1] - 1; y <= box.end[1]; ++y) {
      for (std::int64_t x = box.begin[2] - 1; x <= box.end[2]; ++x, ++voxel) {
        if (labels[(z * shape[1] + y) * shape[2] + x] != label) continue;
        node_at_[voxel] = size();
        voxel_.push_back(voxel);
        position_.push_back({static_cast<double>(z) * spacing_mm[0], static_cast<double>(y) * spacing_mm[1],
                             static_cast<double>(x) * spacing_mm[2]});
      }
    }
  }
  find_steps(padded, spacing_mm);
  find_radii(padded, spacing_mm);
}

void VoxelGraph::find_steps(const Shape3& padded, const Spacing3& spacing_mm) {
  for (int dz = -1; dz <= 1; ++dz) {
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) {
        if (dz == 0 && dy == 0 && dx == 0) continue;
        steps_.push_back({(dz * padded[1] + dy) * padded[2] + dx,
                          length({dz * spacing_mm[0], dy * spacing_mm[1], dx * spacing_mm[2]})});
      }
    }
  }
}

void VoxelGraph::find_radii(const Shape3& padded, const Spacing3& spacing_mm) {
  const Shape3 strides{padded[1] * padded[2], padded[2], 1};
  ShortestPaths from_surface(size());
  for (std::int32_t node = 0; node < size(); ++node) {
    const std::int32_t* const here = node_at_.data() + voxel_[node];
    double nearest = std::numeric_limits<double>::infinity();
    for (int axis = 0; axis < 3; ++axis) {
      const bool open = here[-strides[axis]] == kNone || here[strides[axis]] == kNone;
      if (open) nearest = std::min(nearest, spacing_mm[axis] / 2);
    }
    if (std::isfinite(nearest)) from_surface.add_source(node, nearest);
  }
  from_surface.run_by_length(*this);
  radius_.resize(size());
  for (std::int32_t node = 0; node < size(); ++node) radius_[node] = from_surface.distance(node);
}

void ShortestPaths::add(const Entry& entry) {
  open_.push_back(entry);
  std::ranges::push_heap(open_, std::greater{});
}

ShortestPaths::Entry ShortestPaths::take_nearest() {
  std::ranges::pop_heap(open_, std::greater{});
  const Entry nearest = open_.back();
  open_.pop_back();
  return nearest;
}

void ShortestPaths::add_source(std::int32_t node, double distance) { offer(node, distance, node, VoxelGraph::kNone); }

std::int32_t ShortestPaths::farthest() const {
  return static_cast<std::int32_t>(std::ranges::max_element(distance_) - distance_.begin());
}

std::vector<std::int32_t> ShortestPaths::path(std::int32_t node) const {
  std::vector<std::int32_t> nodes;
  for (; node != VoxelGraph::kNone; node = previous_[node]) nodes.push_back(node);
  return nodes;
}

}  // namespace twintrack

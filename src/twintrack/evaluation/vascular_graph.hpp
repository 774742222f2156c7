// One connected piece of a vessel as a graph of voxels, and shortest paths in it. Internal to this module.
#pragma once

#include "twintrack/core/shape.hpp"
#include "twintrack/evaluation/vascular_point.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace twintrack {

// Nodes are voxels, joined to their 26 neighbours by edges as long as their centres are apart.
class VoxelGraph {
 public:
  static constexpr std::int32_t kNone = -1;

  // Voxels with `labels[i] == label` within `box`; none lies on the border of the array.
  VoxelGraph(std::span<const std::int32_t> labels, std::int32_t label, const Box3& box, const Shape3& shape,
             const Spacing3& spacing_mm);

  std::int32_t size() const { return static_cast<std::int32_t>(position_.size()); }
  // Centre of the voxel, from that of the array's first one.
  const Point& position_mm(std::int32_t node) const { return position_[node]; }
  // Distance to the surface, by steps between neighbours (up to a tenth above Euclid's).
  double radius_mm(std::int32_t node) const { return radius_[node]; }

  // Calls visit(neighbour, millimetres).
  template <typename Visit>
  void for_each_neighbour(std::int32_t node, const Visit& visit) const {
    const std::int32_t* const here = node_at_.data() + voxel_[node];
    for (const Step& step : steps_) {
      if (here[step.offset] != kNone) visit(here[step.offset], step.length_mm);
    }
  }

 private:
  struct Step {
    std::int64_t offset;
    double length_mm;
  };

  void find_steps(const Shape3& padded, const Spacing3& spacing_mm);
  void find_radii(const Shape3& padded, const Spacing3& spacing_mm);

  std::vector<std::int32_t> node_at_;  // of each voxel of the box grown by 1
  std::vector<std::int64_t> voxel_;    // of each node
  std::vector<Point> position_;
  std::vector<double> radius_;
  std::vector<Step> steps_;
};

// Dijkstra's algorithm. Sources may be added after a run; the next run goes on from there.
class ShortestPaths {
 public:
  explicit ShortestPaths(std::int32_t nodes)
      : distance_(nodes, std::numeric_limits<double>::infinity()),
        source_(nodes, VoxelGraph::kNone),
        previous_(nodes, VoxelGraph::kNone) {}

  void add_source(std::int32_t node, double distance);
  // `cost(from, to, step_mm)` of going from a node to its neighbour.
  template <typename Cost>
  void run(const VoxelGraph& graph, const Cost& cost) {
    while (!open_.empty()) {
      const Entry nearest = take_nearest();
      if (nearest.distance > distance_[nearest.node]) continue;
      graph.for_each_neighbour(nearest.node, [&](std::int32_t to, double step_mm) {
        offer(to, nearest.distance + cost(nearest.node, to, step_mm), source_[nearest.node], nearest.node);
      });
    }
  }
  void run_by_length(const VoxelGraph& graph) {
    run(graph, [](std::int32_t, std::int32_t, double step_mm) { return step_mm; });
  }

  double distance(std::int32_t node) const { return distance_[node]; }
  std::int32_t source(std::int32_t node) const { return source_[node]; }
  // The farthest node; of several the first.
  std::int32_t farthest() const;
  // From `node` to its source.
  std::vector<std::int32_t> path(std::int32_t node) const;

 private:
  struct Entry {
    double distance;
    std::int32_t node;
    friend bool operator>(const Entry& a, const Entry& b) {
      return a.distance != b.distance ? a.distance > b.distance : a.node > b.node;
    }
  };

  Entry take_nearest();
  void offer(std::int32_t node, double distance, std::int32_t source, std::int32_t previous) {
    if (!(distance < distance_[node])) return;
    distance_[node] = distance;
    source_[node] = source;
    previous_[node] = previous;
    add({distance, node});
  }
  void add(const Entry& entry);

  std::vector<double> distance_;
  std::vector<std::int32_t> source_;
  std::vector<std::int32_t> previous_;
  std::vector<Entry> open_;  // a heap, nearest first
};

}  // namespace twintrack

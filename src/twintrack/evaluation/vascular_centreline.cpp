#include "twintrack/evaluation/vascular_centreline.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kSmoothing_mm = 2;
constexpr double kEndRadii = 2;
constexpr double kShortRadii = 6;
constexpr double kBranchRadii = 2.5;
constexpr double kBranch_mm = 3;
constexpr double kBranchDepth = 2;
constexpr int kMostBranches = 100;

struct CurvePoint {
  Point position_mm{};
  double radius_mm = 0;
};
using Curve = std::vector<CurvePoint>;

// Voxels from tip to tip, or from a branch's tip to its parent.
struct VoxelPath {
  std::vector<std::int32_t> nodes;
  bool is_branch = false;
};

double largest_radius(const VoxelGraph& graph) {
  double largest = 0;
  for (std::int32_t node = 0; node < graph.size(); ++node) largest = std::max(largest, graph.radius_mm(node));
  return largest;
}

// Finds branches: voxels that hang together and lie beyond what the lines found so far describe.
class Branches {
 public:
  Branches(const VoxelGraph& graph, double voxel_mm3)
      : graph_(graph),
        voxel_mm3_(voxel_mm3),
        line_radius_mm_(graph.size()),
        beyond_mm_(graph.size()),
        refused_(graph.size(), false) {}

  // A line begins at the surface: there, its radius is the one further in.
  void add_line(const std::vector<std::int32_t>& nodes) {
    std::vector<double> radii(nodes.size());
    std::ranges::transform(nodes, radii.begin(), [&](std::int32_t node) { return graph_.radius_mm(node); });
    std::ranges::nth_element(radii, radii.begin() + std::ssize(radii) / 2);
    const double reach_mm = kEndRadii * radii[radii.size() / 2];
    for (std::size_t n = 0; n < nodes.size(); ++n) {
      const Point& here = graph_.position_mm(nodes[n]);
      double& largest = line_radius_mm_[nodes[n]];
      const auto widen_by = [&](std::int32_t other) {
        if (length(graph_.position_mm(other) - here) > reach_mm) return false;
        largest = std::max(largest, graph_.radius_mm(other));
        return true;
      };
      for (std::size_t k = n; k < nodes.size() && widen_by(nodes[k]);) ++k;
      for (std::size_t k = n; k > 0 && widen_by(nodes[k - 1]);) --k;
    }
  }

  // The tip of the deepest one; kNone when there is none. What has once been too wide for a branch stays refused,
  // however the lines of others cut it up.
  std::int32_t next_tip(const ShortestPaths& from_lines) {
    for (std::int32_t node = 0; node < graph_.size(); ++node) {
      beyond_mm_[node] =
          refused_[node] ? 0 : from_lines.distance(node) - kBranchRadii * line_radius_mm_[from_lines.source(node)];
    }
    std::int32_t tip = VoxelGraph::kNone;
    double deepest_mm = 0;
    for (std::int32_t first = 0; first < graph_.size(); ++first) {
      if (beyond_mm_[first] <= 0) continue;
      const auto [farthest, depth_mm] = take_from(first);
      const double cross_section_mm2 = static_cast<double>(taken_.size()) * voxel_mm3_ / depth_mm;
      if (depth_mm < kBranch_mm || depth_mm * depth_mm < kBranchDepth * cross_section_mm2) {
        for (const std::int32_t node : taken_) refused_[node] = true;
      } else if (depth_mm > deepest_mm) {
        deepest_mm = depth_mm;
        tip = farthest;
      }
    }
    return tip;
  }

 private:
  struct Tip {
    std::int32_t node;
    double depth_mm;
  };

  // Takes all that hangs together with a node and returns its farthest voxel.
  Tip take_from(std::int32_t first) {
    Tip tip{first, 0};
    const auto take = [&](std::int32_t node) {
      if (beyond_mm_[node] > tip.depth_mm) tip = {node, beyond_mm_[node]};
      beyond_mm_[node] = 0;
      taken_.push_back(node);
    };
    taken_.clear();
    take(first);
    for (std::size_t t = 0; t < taken_.size(); ++t) {
      graph_.for_each_neighbour(taken_[t], [&](std::int32_t next, double) {
        if (beyond_mm_[next] > 0) take(next);
      });
    }
    return tip;
  }

  const VoxelGraph& graph_;
  double voxel_mm3_;
  std::vector<double> line_radius_mm_;  // of the nodes on lines
  std::vector<double> beyond_mm_;
  std::vector<bool> refused_;
  std::vector<std::int32_t> taken_;
};

std::vector<VoxelPath> voxel_paths(const VoxelGraph& graph, double voxel_mm3) {
  ShortestPaths from_any(graph.size());
  from_any.add_source(0, 0);
  from_any.run_by_length(graph);
  const std::int32_t root = from_any.farthest();
  ShortestPaths from_root(graph.size());
  from_root.add_source(root, 0);
  from_root.run_by_length(graph);

  const double widest = largest_radius(graph);
  ShortestPaths central(graph.size());
  central.add_source(root, 0);
  central.run(graph, [&](std::int32_t from, std::int32_t to, double step_mm) {
    const double a = widest / graph.radius_mm(from);
    const double b = widest / graph.radius_mm(to);
    return step_mm * (a * a + b * b) / 2;
  });

  std::vector<VoxelPath> paths{{central.path(from_root.farthest()), false}};
  ShortestPaths from_lines(graph.size());
  Branches branches(graph, voxel_mm3);
  while (true) {
    branches.add_line(paths.back().nodes);
    for (const std::int32_t node : paths.back().nodes) from_lines.add_source(node, 0);
    from_lines.run_by_length(graph);
    const std::int32_t tip = branches.next_tip(from_lines);
    if (tip == VoxelGraph::kNone || std::ssize(paths) > kMostBranches) return paths;
    std::vector<std::int32_t> nodes = central.path(tip);
    const auto junction =
        std::ranges::find_if(nodes, [&](std::int32_t node) { return from_lines.distance(node) == 0; });
    nodes.erase(junction + 1, nodes.end());
    paths.push_back({std::move(nodes), true});
  }
}

// Points one step apart, from the first to the last or just before it.
Curve resample(const VoxelGraph& graph, const std::vector<std::int32_t>& nodes) {
  Curve curve{{graph.position_mm(nodes[0]), graph.radius_mm(nodes[0])}};
  double next = kCentrelineStep_mm;  // from the beginning of the current edge
  for (std::size_t n = 0; n + 1 < nodes.size(); ++n) {
    const Point& a = graph.position_mm(nodes[n]);
    const Point edge = graph.position_mm(nodes[n + 1]) - a;
    const double edge_mm = length(edge);
    for (; next <= edge_mm; next += kCentrelineStep_mm) {
      const double t = next / edge_mm;
      curve.push_back({a + t * edge, (1 - t) * graph.radius_mm(nodes[n]) + t * graph.radius_mm(nodes[n + 1])});
    }
    next -= edge_mm;
  }
  return curve;
}

Curve smooth(const Curve& curve, double sigma_mm) {
  const double sigma = sigma_mm / kCentrelineStep_mm;
  const auto reach = static_cast<std::int64_t>(3 * sigma);
  Curve result;
  for (std::int64_t i = 0; i < std::ssize(curve); ++i) {
    // As many on either side, so that a straight line stays one up to its ends.
    const std::int64_t side = std::min({reach, i, std::ssize(curve) - 1 - i});
    CurvePoint mean;
    double weights = 0;
    for (std::int64_t d = -side; d <= side; ++d) {
      const double weight = std::exp(-static_cast<double>(d * d) / (2 * sigma * sigma));
      mean.position_mm = mean.position_mm + weight * curve[i + d].position_mm;
      mean.radius_mm += weight * curve[i + d].radius_mm;
      weights += weight;
    }
    result.push_back({(1 / weights) * mean.position_mm, mean.radius_mm / weights});
  }
  return result;
}

double median_radius(Curve curve) {
  const auto middle = curve.begin() + std::ssize(curve) / 2;
  std::ranges::nth_element(curve, middle, {}, &CurvePoint::radius_mm);
  return middle->radius_mm;
}

std::int64_t steps(double distance_mm) {
  return static_cast<std::int64_t>(std::ceil(distance_mm / kCentrelineStep_mm));
}

// Replaces the first `cut` points by as many on the straight line through the next ones.
void straighten_begin(Curve& curve, std::int64_t cut) {
  const CurvePoint& first = curve[cut];
  const CurvePoint& second = curve[std::min(2 * cut, std::ssize(curve) - 1)];
  const Point backwards = kCentrelineStep_mm * unit(first.position_mm - second.position_mm);
  for (std::int64_t i = 0; i < cut; ++i) {
    curve[i] = {first.position_mm + static_cast<double>(cut - i) * backwards, first.radius_mm};
  }
}

void append_points(const Curve& curve, std::vector<CentrelinePoint>& points) {
  for (std::int64_t i = 0; i < std::ssize(curve); ++i) {
    const Point& before = curve[std::max<std::int64_t>(i - 1, 0)].position_mm;
    const Point& after = curve[std::min(i + 1, std::ssize(curve) - 1)].position_mm;
    points.push_back({curve[i].position_mm, unit(after - before), curve[i].radius_mm});
  }
}

// A branch that leaves its parent (at the curve's end) too soon to have a direction has no points.
void append_line(const VoxelGraph& graph, const VoxelPath& path, double sigma_mm,
                 std::vector<CentrelinePoint>& points) {
  Curve curve = smooth(resample(graph, path.nodes), sigma_mm);
  const std::int64_t cut = steps(kEndRadii * median_radius(curve));
  if (path.is_branch) {
    const auto within_parent = std::min(steps(graph.radius_mm(path.nodes.back())), std::ssize(curve));
    curve.erase(curve.end() - within_parent, curve.end());
  }
  if (std::ssize(curve) < cut + 2) return;
  straighten_begin(curve, cut);
  if (!path.is_branch) {
    std::ranges::reverse(curve);
    straighten_begin(curve, cut);
  }
  append_points(curve, points);
}

// Direction in which the nodes are spread the most: the covariance's first eigenvector, by repeated multiplication.
Point principal_axis(const VoxelGraph& graph, const Point& centre) {
  std::array<Point, 3> covariance{};
  for (std::int32_t node = 0; node < graph.size(); ++node) {
    const Point d = graph.position_mm(node) - centre;
    for (int row = 0; row < 3; ++row) covariance[row] = covariance[row] + d[row] * d;
  }
  Point axis{1, 0.01, 0.001};  // z where there is no spread
  for (int i = 0; i < 200; ++i) {
    const Point next{dot(covariance[0], axis), dot(covariance[1], axis), dot(covariance[2], axis)};
    if (length(next) == 0) return {1, 0, 0};
    axis = unit(next);
  }
  return axis;
}

std::vector<CentrelinePoint> straight_line(const VoxelGraph& graph) {
  Point centre{};
  for (std::int32_t node = 0; node < graph.size(); ++node) centre = centre + graph.position_mm(node);
  centre = (1.0 / graph.size()) * centre;
  const Point axis = principal_axis(graph, centre);
  double low = 0;
  double high = 0;
  for (std::int32_t node = 0; node < graph.size(); ++node) {
    const double along = dot(graph.position_mm(node) - centre, axis);
    low = std::min(low, along);
    high = std::max(high, along);
  }
  const double radius_mm = largest_radius(graph);
  std::vector<CentrelinePoint> points;
  for (std::int64_t i = -steps(-low); i <= steps(high); ++i) {
    const double along = std::clamp(static_cast<double>(i) * kCentrelineStep_mm, low, high);
    points.push_back({centre + along * axis, axis, radius_mm});
  }
  return points;
}

}  // namespace

std::vector<CentrelinePoint> centreline(const VoxelGraph& graph, const Spacing3& spacing_mm) {
  const std::vector<VoxelPath> paths = voxel_paths(graph, spacing_mm[0] * spacing_mm[1] * spacing_mm[2]);
  const Curve main_line = resample(graph, paths[0].nodes);
  const double length_mm = static_cast<double>(main_line.size()) * kCentrelineStep_mm;
  const bool is_short = length_mm < kShortRadii * median_radius(main_line);
  if (is_short && paths.size() == 1) return straight_line(graph);
  const double sigma_mm = std::max(kSmoothing_mm, *std::ranges::max_element(spacing_mm));
  std::vector<CentrelinePoint> points;
  for (const VoxelPath& path : paths) append_line(graph, path, sigma_mm, points);
  return points;
}

}  // namespace twintrack

#include "twintrack/evaluation/surface_distance.hpp"

#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace twintrack {
namespace {

using Point = std::array<double, 3>;  // z, y, x in mm

constexpr std::int64_t kWordsPerBlock = 1 << 12;
constexpr std::int64_t kQueriesPerBlock = 1 << 10;

bool on_surface(const BitMask& mask, std::int64_t voxel, const Shape3& at) {
  const Shape3& shape = mask.shape();
  const Shape3 stride{shape[1] * shape[2], shape[2], 1};
  for (int axis = 0; axis < 3; ++axis) {
    if (at[axis] == 0 || at[axis] + 1 == shape[axis]) return true;
    if (!mask[voxel - stride[axis]] || !mask[voxel + stride[axis]]) return true;
  }
  return false;
}

std::vector<Point> surface_points(const BitMask& mask, const Spacing3& spacing_mm) {
  const auto [depth, rows, columns] = mask.shape();
  const auto words = static_cast<std::int64_t>(mask.words().size());
  std::vector<std::vector<Point>> of_block((words + kWordsPerBlock - 1) / kWordsPerBlock);
  parallel_for_blocks(words, kWordsPerBlock, [&, ny = rows, nx = columns](std::int64_t begin, std::int64_t end) {
    std::vector<Point>& points = of_block[begin / kWordsPerBlock];
    for (std::int64_t w = begin; w < end; ++w) {
      for (std::uint64_t bits = mask.words()[w]; bits != 0; bits &= bits - 1) {
        const std::int64_t voxel = w * BitMask::kWordBits + std::countr_zero(bits);
        const Shape3 at{voxel / (ny * nx), voxel / nx % ny, voxel % nx};
        if (!on_surface(mask, voxel, at)) continue;
        points.push_back({static_cast<double>(at[0]) * spacing_mm[0], static_cast<double>(at[1]) * spacing_mm[1],
                          static_cast<double>(at[2]) * spacing_mm[2]});
      }
    }
  });
  std::vector<Point> all;
  for (const std::vector<Point>& points : of_block) all.insert(all.end(), points.begin(), points.end());
  return all;
}

double squared_distance(const Point& a, const Point& b) {
  const double z = a[0] - b[0];
  const double y = a[1] - b[1];
  const double x = a[2] - b[2];
  return z * z + y * y + x * x;
}

// Points in a k-d tree (Bentley, Communications of the ACM 1975): the middle of a range splits it.
class NearestPoint {
 public:
  explicit NearestPoint(std::vector<Point> points) : points_(std::move(points)), axis_(points_.size()) {
    build(0, points_.size());
  }

  // `bound`: square of a distance known to be at least the result.
  double squared_distance_from(const Point& query, double bound) const {
    search(0, points_.size(), query, bound);
    return bound;
  }

 private:
  static constexpr std::size_t leaf = 8;

  void build(std::size_t begin, std::size_t end) {
    if (end - begin <= leaf) return;
    const std::size_t middle = begin + (end - begin) / 2;
    const int axis = widest_axis(begin, end);
    std::nth_element(points_.begin() + begin, points_.begin() + middle, points_.begin() + end,
                     [axis](const Point& a, const Point& b) { return a[axis] < b[axis]; });
    axis_[middle] = static_cast<std::uint8_t>(axis);
    build(begin, middle);
    build(middle + 1, end);
  }

  int widest_axis(std::size_t begin, std::size_t end) const {
    Point low = points_[begin];
    Point high = low;
    for (std::size_t i = begin; i < end; ++i) {
      for (int axis = 0; axis < 3; ++axis) {
        low[axis] = std::min(low[axis], points_[i][axis]);
        high[axis] = std::max(high[axis], points_[i][axis]);
      }
    }
    const Point extent{high[0] - low[0], high[1] - low[1], high[2] - low[2]};
    return static_cast<int>(std::max_element(extent.begin(), extent.end()) - extent.begin());
  }

  void search(std::size_t begin, std::size_t end, const Point& query, double& best) const {
    if (end - begin <= leaf) {
      for (std::size_t i = begin; i < end; ++i) best = std::min(best, squared_distance(points_[i], query));
      return;
    }
    const std::size_t middle = begin + (end - begin) / 2;
    const Point& split = points_[middle];
    best = std::min(best, squared_distance(split, query));
    const double beyond = query[axis_[middle]] - split[axis_[middle]];
    const auto search_below = [&] { search(begin, middle, query, best); };
    const auto search_above = [&] { search(middle + 1, end, query, best); };
    if (beyond < 0) {
      search_below();
      if (beyond * beyond < best) search_above();
    } else {
      search_above();
      if (beyond * beyond < best) search_below();
    }
  }

  std::vector<Point> points_;
  std::vector<std::uint8_t> axis_;
};

// Distances from each of `from` to the nearest of `to`, in order.
void append_distances(const std::vector<Point>& from, const std::vector<Point>& to, std::vector<double>& distances) {
  const NearestPoint nearest(to);
  const std::size_t first = distances.size();
  distances.resize(first + from.size());
  const auto count = static_cast<std::int64_t>(from.size());
  parallel_for_blocks(count, kQueriesPerBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      distances[first + i] = std::sqrt(nearest.squared_distance_from(from[i], std::numeric_limits<double>::infinity()));
    }
  });
}

// Linear between ranks, as numpy.percentile. Reorders the values.
double percentile(std::vector<double>& values, double share) {
  const double position = share * static_cast<double>(values.size() - 1);
  const auto rank = static_cast<std::size_t>(position);
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  const double below = values[rank];
  if (rank + 1 == values.size()) return below;
  const double above = *std::min_element(values.begin() + rank + 1, values.end());
  return below + (position - static_cast<double>(rank)) * (above - below);
}

}  // namespace

SurfaceDistance surface_distance(const BitMask& a, const BitMask& b, const Spacing3& spacing_mm) {
  const std::vector<Point> a_points = surface_points(a, spacing_mm);
  const std::vector<Point> b_points = surface_points(b, spacing_mm);
  if (a_points.empty() && b_points.empty()) return {0, 0};
  if (a_points.empty() || b_points.empty())
    return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
  std::vector<double> distances;
  append_distances(a_points, b_points, distances);
  append_distances(b_points, a_points, distances);
  const double sum = std::accumulate(distances.begin(), distances.end(), 0.0);
  return {percentile(distances, 0.95), sum / static_cast<double>(distances.size())};
}

}  // namespace twintrack

#include "twintrack/report/display_grid.hpp"

#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace twintrack {
namespace {

constexpr double kDegrees = 180 / std::numbers::pi;

// z, y, x as x, y, z.
std::array<std::int64_t, 3> xyz(const Shape3& zyx) { return {zyx[2], zyx[1], zyx[0]}; }

std::int64_t blocks(std::int64_t extent, std::int64_t block) { return (extent + block - 1) / block; }

}  // namespace

DisplayAxes display_axes(const Geometry& geometry) {
  const auto cosine = [&](int patient, int voxel) { return geometry.direction[3 * patient + voxel]; };
  std::array<int, 3> order{0, 1, 2};
  std::array<int, 3> best = order;
  double best_sum = -1;
  do {
    double sum = 0;
    for (int patient = 0; patient < 3; ++patient) sum += std::abs(cosine(patient, order[patient]));
    if (sum > best_sum) {
      best_sum = sum;
      best = order;
    }
  } while (std::ranges::next_permutation(order).found);

  DisplayAxes axes{best, {}, 0};
  for (int patient = 0; patient < 3; ++patient) {
    const double along = cosine(patient, best[patient]);
    axes.reversed[patient] = along < 0;
    const double angle = std::acos(std::min(std::abs(along), 1.0)) * kDegrees;
    axes.obliqueness_degrees = std::max(axes.obliqueness_degrees, angle);
  }
  return axes;
}

DisplayGrid display_grid(const Geometry& source, const Box3& box) {
  DisplayGrid grid{display_axes(source), box, {1, 1, 1}, {}, {}, {}};
  const auto begin = xyz(box.begin);
  const auto end = xyz(box.end);
  for (int a = 0; a < 3; ++a) {
    const int v = grid.axes.voxel_axis[a];
    grid.size[a] = end[v] - begin[v];
    grid.spacing_mm[a] = source.spacing_mm[v];
    grid.first_voxel[v] = grid.axes.reversed[a] ? end[v] - 1 : begin[v];
  }
  return grid;
}

Box3 with_margin(const Box3& box, double margin_mm, const Geometry& geometry) {
  const Shape3 shape = geometry.shape();
  const Spacing3 spacing_mm = geometry.spacing_zyx_mm();
  Box3 grown = box;
  for (int axis = 0; axis < 3; ++axis) {
    const auto voxels = static_cast<std::int64_t>(std::ceil(margin_mm / spacing_mm[axis]));
    grown.begin[axis] = std::max<std::int64_t>(box.begin[axis] - voxels, 0);
    grown.end[axis] = std::min(box.end[axis] + voxels, shape[axis]);
  }
  return grown;
}

ByteVolume shown_bytes(const DisplayGrid& grid, const Geometry& source,
                       const std::function<std::uint8_t(std::int64_t)>& value) {
  const std::array<std::int64_t, 3> strides{1, source.size[0], source.size[0] * source.size[1]};
  std::array<std::int64_t, 3> step{};
  std::int64_t first = 0;
  for (int a = 0; a < 3; ++a) {
    const int v = grid.axes.voxel_axis[a];
    step[a] = grid.axes.reversed[a] ? -strides[v] : strides[v];
    first += grid.first_voxel[v] * strides[v];
  }
  ByteVolume bytes(grid.voxel_count());
  const auto [width, height, depth] = grid.size;
  parallel_for(depth * height, [&, width = width, height = height](std::int64_t row) {
    const std::int64_t begin = first + row / height * step[2] + row % height * step[1];
    for (std::int64_t l = 0; l < width; ++l) bytes[row * width + l] = value(begin + l * step[0]);
  });
  return bytes;
}

DisplayGrid thinned(const DisplayGrid& grid, std::int64_t factor) {
  DisplayGrid coarse = grid;
  // The last one of the coarsest: slices, mostly.
  const auto coarsest =
      2 - (std::max_element(grid.spacing_mm.rbegin(), grid.spacing_mm.rend()) - grid.spacing_mm.rbegin());
  for (int a = 0; a < 3; ++a) {
    if (a == coarsest) continue;
    coarse.block[a] = factor;
    coarse.size[a] = blocks(grid.size[a], factor);
    coarse.spacing_mm[a] = grid.spacing_mm[a] * static_cast<double>(factor);
  }
  return coarse;
}

ByteVolume thinned_bytes(const ByteVolume& bytes, const DisplayGrid& fine, const DisplayGrid& coarse,
                         const std::function<std::uint8_t(std::span<const std::uint8_t>)>& merge) {
  ByteVolume result(coarse.voxel_count());
  const auto [width, height, depth] = coarse.size;
  parallel_for(depth * height, [&, width = width, height = height](std::int64_t row) {
    std::vector<std::uint8_t> block;
    const std::array<std::int64_t, 3> at{0, row % height, row / height};
    std::array<std::int64_t, 3> begin{};
    std::array<std::int64_t, 3> end{};
    for (std::int64_t l = 0; l < width; ++l) {
      for (int a = 0; a < 3; ++a) {
        begin[a] = (a == 0 ? l : at[a]) * coarse.block[a];
        end[a] = std::min(begin[a] + coarse.block[a], fine.size[a]);
      }
      block.clear();
      for (std::int64_t s = begin[2]; s < end[2]; ++s) {
        for (std::int64_t p = begin[1]; p < end[1]; ++p) {
          const auto line = bytes.begin() + (s * fine.size[1] + p) * fine.size[0];
          block.insert(block.end(), line + begin[0], line + end[0]);
        }
      }
      result[row * width + l] = merge(block);
    }
  });
  return result;
}

}  // namespace twintrack

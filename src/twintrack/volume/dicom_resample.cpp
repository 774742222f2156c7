#include "twintrack/volume/dicom_resample.hpp"

#include <algorithm>
#include <cmath>

#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack::volume_io {
namespace {

constexpr double rounding = 1e-6;

// Between two neighbouring pixels along one axis; inside when the place is on one of the axis's pixels.
struct Between {
  bool inside = false;
  std::int64_t below = 0;
  std::int64_t above = 0;
  float part = 0;  // of `above`
};

// Pixels reach half their size beyond their centre.
Between between(double place, std::int64_t size) {
  if (!(place >= -0.5 && place <= static_cast<double>(size) - 0.5)) return {};
  const double nearest = std::round(place);
  const double kept = std::abs(place - nearest) < rounding ? nearest : place;
  const double within = std::clamp(kept, 0.0, static_cast<double>(size - 1));
  const auto below = static_cast<std::int64_t>(within);
  return {true, below, std::min(below + 1, size - 1), static_cast<float>(within - static_cast<double>(below))};
}

struct Plane {
  std::span<const float> pixels;
  std::int64_t columns;
  std::int64_t rows;
};

// part * slice is added to a plane of the grid.
void add_slice(const Plane& slice, const SlicePlace& place, float outside, float part, const Geometry& grid,
               float* plane) {
  std::vector<Between> columns;
  for (std::int64_t x = 0; x < grid.size[0]; ++x)
    columns.push_back(between(static_cast<double>(x) - place.shift[0], slice.columns));
  parallel_for(grid.size[1], [&](std::int64_t y) {
    const Between row = between(static_cast<double>(y) - place.shift[1], slice.rows);
    const float* const below = &slice.pixels[static_cast<std::size_t>(row.below * slice.columns)];
    const float* const above = &slice.pixels[static_cast<std::size_t>(row.above * slice.columns)];
    float* const line = plane + y * grid.size[0];
    for (std::size_t x = 0; x < columns.size(); ++x) {
      const Between& column = columns[x];
      const float low = below[column.below] + column.part * (below[column.above] - below[column.below]);
      const float high = above[column.below] + column.part * (above[column.above] - above[column.below]);
      const bool inside = row.inside && column.inside;
      line[x] += part * (inside ? low + row.part * (high - low) : outside);
    }
  });
}

}  // namespace

void resample_stack(const Stack& stack, const std::function<void(std::span<float>)>& next_slice, float outside,
                    std::span<float> voxels) {
  const Geometry& grid = stack.geometry;
  const PixelLayout& layout = stack.slices.front().pixels;
  const std::size_t plane_size = static_cast<std::size_t>(grid.size[0] * grid.size[1]);
  const std::size_t slice_size = static_cast<std::size_t>(layout.rows * layout.columns);
  std::vector<float> below(slice_size);
  std::vector<float> above(slice_size);
  next_slice(below);
  next_slice(above);
  std::size_t upper = 1;  // the slice that `above` holds
  std::ranges::fill(voxels, 0.0F);
  for (std::int64_t z = 0; z < grid.size[2]; ++z) {
    throw_if_interrupted();
    const double height = static_cast<double>(z) * grid.spacing_mm[2];
    while (height > stack.places[upper].height_mm && upper + 1 < stack.places.size()) {
      below.swap(above);
      next_slice(above);
      ++upper;
    }
    const SlicePlace& low = stack.places[upper - 1];
    const SlicePlace& high = stack.places[upper];
    double part = std::clamp((height - low.height_mm) / (high.height_mm - low.height_mm), 0.0, 1.0);
    if (std::abs(part - std::round(part)) < rounding) part = std::round(part);
    float* const plane = &voxels[static_cast<std::size_t>(z) * plane_size];
    if (part < 1)
      add_slice({below, layout.columns, layout.rows}, low, outside, static_cast<float>(1 - part), grid, plane);
    if (part > 0) add_slice({above, layout.columns, layout.rows}, high, outside, static_cast<float>(part), grid, plane);
  }
}

}  // namespace twintrack::volume_io

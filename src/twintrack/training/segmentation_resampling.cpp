#include "twintrack/training/segmentation_resampling.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/resample/resize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace twintrack {
namespace {

constexpr double kHalf = 0.5;

// One axis of the interpolation: output i lies between inputs below[i] and above[i], distances in `step`s of memory.
// In float64, with scipy's weights and order of operations, which decide the many voxels that lie at one half.
struct Axis {
  std::vector<std::int64_t> below;
  std::vector<std::int64_t> above;
  std::vector<double> weight_below;
};

Axis make_axis(std::int64_t size, std::int64_t new_size, bool nearest, std::int64_t step) {
  Axis axis;
  const double scale = static_cast<double>(size) / static_cast<double>(new_size);
  const double last = static_cast<double>(size - 1);
  for (std::int64_t i = 0; i < new_size; ++i) {
    const double centre = (static_cast<double>(i) + kHalf) * scale - kHalf;
    const double position = std::clamp(nearest ? std::floor(centre + kHalf) : centre, 0.0, last);
    const double whole = std::floor(position);
    axis.below.push_back(static_cast<std::int64_t>(whole) * step);
    axis.above.push_back(static_cast<std::int64_t>(std::min(whole + 1, last)) * step);
    axis.weight_below.push_back(1.0 - (position - whole));
  }
  return axis;
}

// The eight voxels around a place, the last axis fastest.
using Corners = std::array<std::uint16_t, 8>;
using Weights = std::array<double, 8>;

std::uint16_t largest_label_of_half(const Corners& labels, const Weights& weights) {
  std::uint16_t best = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] <= best) continue;
    double share = 0;
    for (std::size_t j = 0; j < labels.size(); ++j) {
      if (labels[j] == labels[i]) share += weights[j];
    }
    if (share >= kHalf) best = labels[i];
  }
  return best;
}

Weights weights_at(const std::array<double, 3>& below) {
  Weights weights{};
  for (int corner = 0; corner < 8; ++corner) {
    double weight = 1;
    for (int axis = 0; axis < 3; ++axis) weight *= (corner >> (2 - axis) & 1) != 0 ? 1.0 - below[axis] : below[axis];
    weights[corner] = weight;
  }
  return weights;
}

class LabelResizer {
 public:
  LabelResizer(const std::uint16_t* first, const Preprocessed& image, std::optional<int> nearest_axis) : first_(first) {
    for (int a = 0; a < 3; ++a)
      axes_[a] = make_axis(image.cropped_shape[a], image.shape[a], nearest_axis == a, image.step[a]);
  }

  void row(std::int64_t z, std::int64_t y, std::span<std::int16_t> out) const {
    const auto& [az, ay, ax] = axes_;
    const std::array<const std::uint16_t*, 4> rows{
        first_ + az.below[z] + ay.below[y], first_ + az.below[z] + ay.above[y], first_ + az.above[z] + ay.below[y],
        first_ + az.above[z] + ay.above[y]};
    for (std::size_t x = 0; x < out.size(); ++x) {
      Corners corners{};
      for (std::size_t r = 0; r < rows.size(); ++r) {
        corners[2 * r] = rows[r][ax.below[x]];
        corners[2 * r + 1] = rows[r][ax.above[x]];
      }
      const bool uniform = std::all_of(corners.begin(), corners.end(), [&](auto label) { return label == corners[0]; });
      out[x] = static_cast<std::int16_t>(
          uniform ? corners[0]
                  : largest_label_of_half(corners,
                                          weights_at({az.weight_below[z], ay.weight_below[y], ax.weight_below[x]})));
    }
  }

 private:
  const std::uint16_t* first_;
  std::array<Axis, 3> axes_;
};

void check_extent(std::size_t voxels, const Preprocessed& image) {
  std::int64_t last = image.offset;
  for (int axis = 0; axis < 3; ++axis) last += (image.cropped_shape[axis] - 1) * image.step[axis];
  if (image.offset < 0 || last < 0 || static_cast<std::size_t>(last) >= voxels) {
    throw InputError("labels of {} voxels for an image that reaches voxel {}; both need one grid", voxels, last);
  }
}

void check_range(const std::vector<std::uint16_t>& labels) {
  std::uint16_t largest = 0;
  for (const std::uint16_t label : labels) largest = std::max(largest, label);
  constexpr int limit = std::numeric_limits<std::int16_t>::max();
  if (largest > limit) throw InputError("label {}; labels for training may be 0 to {}", largest, limit);
}

std::vector<float> cropped(const std::vector<float>& voxels, const Preprocessed& image) {
  const auto [nz, ny, nx] = image.cropped_shape;
  std::vector<float> values(voxel_count(image.cropped_shape));
  parallel_for(nz, [&, ny = ny, nx = nx](std::int64_t z) {
    for (std::int64_t y = 0; y < ny; ++y) {
      const float* const from = voxels.data() + image.offset + z * image.step[0] + y * image.step[1];
      float* const to = values.data() + (z * ny + y) * nx;
      for (std::int64_t x = 0; x < nx; ++x) to[x] = from[x * image.step[2]];
    }
  });
  return values;
}

}  // namespace

ResamplingRule segmentation_resampling(const Plans& plans) { return {1, 0, plans.data_resampling.force_separate_z}; }

std::vector<std::int16_t> preprocess_labels(const Volume<std::uint16_t>& labels, const Preprocessed& image,
                                            const Plans& plans) {
  check_extent(labels.voxels.size(), image);
  check_range(labels.voxels);
  const auto nearest_axis = separate_axis(segmentation_resampling(plans), image.spacing_mm, plans.spacing_mm);
  const LabelResizer resizer(labels.voxels.data() + image.offset, image, nearest_axis);
  const auto [nz, ny, nx] = image.shape;
  std::vector<std::int16_t> out(voxel_count(image.shape));
  parallel_for(nz, [&, ny = ny, nx = nx](std::int64_t z) {
    for (std::int64_t y = 0; y < ny; ++y) resizer.row(z, y, std::span(out).subspan((z * ny + y) * nx, nx));
  });
  return out;
}

std::vector<float> preprocess_soft(const Volume<float>& share, const Preprocessed& image, const Plans& plans) {
  check_extent(share.voxels.size(), image);
  const ResamplingRule rule = segmentation_resampling(plans);
  std::vector<float> values = cropped(share.voxels, image);
  if (image.shape != image.cropped_shape) {
    values = resize(values, image.cropped_shape, image.shape, rule.order,
                    separate_axis(rule, image.spacing_mm, plans.spacing_mm), rule.order_z);
  }
  for (float& value : values) value = std::clamp(value, 0.0F, 1.0F);
  return values;
}

}  // namespace twintrack

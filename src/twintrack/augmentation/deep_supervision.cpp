#include "twintrack/augmentation/deep_supervision.hpp"

#include "twintrack/core/multiversion.hpp"
#include "twintrack/resample/checks.hpp"
#include "twintrack/resample/resize.hpp"

#include <algorithm>

namespace twintrack {
namespace {

// New voxel i covers old voxels first[i], first[i] + 1, ... with weights [offset[i], offset[i + 1]).
struct Coverage {
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> offset{0};
  std::vector<float> weights;
};

// In units in which both extents' voxels have whole ends.
Coverage coverage(std::int64_t extent, std::int64_t new_extent) {
  Coverage result;
  for (std::int64_t i = 0; i < new_extent; ++i) {
    const std::int64_t begin = i * extent;
    const std::int64_t end = begin + extent;
    result.first.push_back(begin / new_extent);
    for (std::int64_t old = begin / new_extent; old * new_extent < end; ++old) {
      const std::int64_t shared = std::min(end, (old + 1) * new_extent) - std::max(begin, old * new_extent);
      result.weights.push_back(static_cast<float>(shared) / static_cast<float>(extent));
    }
    result.offset.push_back(std::ssize(result.weights));
  }
  return result;
}

TWINTRACK_MULTIVERSION void add_weighted(const float* __restrict row, float weight, std::int64_t count,
                                         float* __restrict sum) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += weight * row[i];
}

// Along an axis whose neighbours lie `row` floats apart; `out` begins as zeros.
void average_rows(const float* in, const Coverage& axis, std::int64_t row, float* out) {
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    for (std::int64_t w = axis.offset[i]; w < axis.offset[i + 1]; ++w) {
      add_weighted(in + (axis.first[i] + w - axis.offset[i]) * row, axis.weights[w], row,
                   out + static_cast<std::int64_t>(i) * row);
    }
  }
}

void average_line(const float* in, const Coverage& axis, float* out) {
  for (std::size_t i = 0; i < axis.first.size(); ++i) {
    float sum = 0;
    for (std::int64_t w = axis.offset[i]; w < axis.offset[i + 1]; ++w) {
      sum += axis.weights[w] * in[axis.first[i] + w - axis.offset[i]];
    }
    out[i] = std::min(sum, 1.0F);
  }
}

}  // namespace

std::vector<std::int16_t> downsample_labels(std::span<const std::int16_t> labels, const Shape3& shape,
                                            const Shape3& new_shape) {
  check_array(labels.size(), shape, "labels");
  std::vector<std::int16_t> result(checked_voxel_count(new_shape, "downsampled labels"));
  const LinearAxis z_axis = linear_axis(shape[0], new_shape[0], 0);
  const LinearAxis y_axis = linear_axis(shape[1], new_shape[1], 0);
  const LinearAxis x_axis = linear_axis(shape[2], new_shape[2], 0);
  std::int16_t* out = result.data();
  for (const std::int32_t z : z_axis.below) {
    for (const std::int32_t y : y_axis.below) {
      const std::int16_t* const line = labels.data() + (z * shape[1] + y) * shape[2];
      for (const std::int32_t x : x_axis.below) *out++ = line[x];
    }
  }
  return result;
}

std::vector<float> downsample_soft(std::span<const float> soft, const Shape3& shape, const Shape3& new_shape) {
  check_array(soft.size(), shape, "soft labels");
  std::vector<float> result(checked_voxel_count(new_shape, "downsampled soft labels"));
  const std::int64_t plane_voxels = shape[1] * shape[2];
  std::vector<float> planes(new_shape[0] * plane_voxels);
  average_rows(soft.data(), coverage(shape[0], new_shape[0]), plane_voxels, planes.data());
  const Coverage y_axis = coverage(shape[1], new_shape[1]);
  const Coverage x_axis = coverage(shape[2], new_shape[2]);
  std::vector<float> rows(new_shape[1] * shape[2]);
  for (std::int64_t z = 0; z < new_shape[0]; ++z) {
    std::fill(rows.begin(), rows.end(), 0.0F);
    average_rows(planes.data() + z * plane_voxels, y_axis, shape[2], rows.data());
    for (std::int64_t y = 0; y < new_shape[1]; ++y) {
      average_line(rows.data() + y * shape[2], x_axis, result.data() + (z * new_shape[1] + y) * new_shape[2]);
    }
  }
  return result;
}

}  // namespace twintrack

// The intensity changes that mix neighbours: blur and simulated low resolution.
#include "twintrack/augmentation/intensity.hpp"
#include "twintrack/core/multiversion.hpp"
#include "twintrack/resample/resize.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace twintrack::intensity {
namespace {

constexpr std::int64_t kBlock = 512;  // floats of a sum that stays in the first-level cache

// Weights of the middle and of the voxels at distance 1, 2, ... on both sides.
std::vector<float> half_kernel(double sigma) {
  const auto radius = static_cast<std::int64_t>(std::lround(std::max(0.0, 3 * sigma - 0.25)));
  std::vector<double> weights(radius + 1, 1);
  double sum = 1;
  for (std::int64_t k = 1; k <= radius; ++k) {
    weights[k] = std::exp(-0.5 * static_cast<double>(k * k) / (sigma * sigma));
    sum += 2 * weights[k];
  }
  std::vector<float> kernel(weights.size());
  std::transform(weights.begin(), weights.end(), kernel.begin(),
                 [&](double weight) { return static_cast<float>(weight / sum); });
  return kernel;
}

// Place of voxel i when the line is mirrored about its outermost voxels.
std::int64_t mirrored(std::int64_t i, std::int64_t extent) {
  if (extent == 1) return 0;
  const std::int64_t period = 2 * (extent - 1);
  const std::int64_t place = ((i % period) + period) % period;
  return std::min(place, period - place);
}

struct Tap {
  const float* one_side;
  const float* other_side;
  float weight;
};

// out = middle * weight + sum over taps (one_side + other_side) * weight.
TWINTRACK_MULTIVERSION void weigh(const float* __restrict middle, float weight, const Tap* taps, std::int64_t tap_count,
                                  float* __restrict out, std::int64_t count) {
  for (std::int64_t begin = 0; begin < count; begin += kBlock) {
    const std::int64_t n = std::min(kBlock, count - begin);
    for (std::int64_t i = 0; i < n; ++i) out[begin + i] = middle[begin + i] * weight;
    for (std::int64_t t = 0; t < tap_count; ++t) {
      const float* __restrict const one = taps[t].one_side + begin;
      const float* __restrict const other = taps[t].other_side + begin;
      const float share = taps[t].weight;
      for (std::int64_t i = 0; i < n; ++i) out[begin + i] += share * (one[i] + other[i]);
    }
  }
}

// Along an axis whose neighbours lie `row` floats apart.
void blur_rows(const float* in, std::int64_t extent, std::int64_t row, const std::vector<float>& kernel, float* out) {
  std::vector<Tap> taps(kernel.size() - 1);
  for (std::int64_t i = 0; i < extent; ++i) {
    for (std::int64_t k = 1; k < std::ssize(kernel); ++k) {
      taps[k - 1] = {in + mirrored(i - k, extent) * row, in + mirrored(i + k, extent) * row, kernel[k]};
    }
    weigh(in + i * row, kernel[0], taps.data(), std::ssize(taps), out + i * row, row);
  }
}

// Along the axis that runs fastest: each line is extended by its mirror image, then added to itself, shifted.
void blur_lines(float* values, std::int64_t lines, std::int64_t extent, const std::vector<float>& kernel) {
  const std::int64_t radius = std::ssize(kernel) - 1;
  std::vector<float> extended(extent + 2 * radius);
  float* const line = extended.data() + radius;
  std::vector<Tap> taps;
  for (std::int64_t k = 1; k <= radius; ++k) taps.push_back({line - k, line + k, kernel[k]});
  for (std::int64_t l = 0; l < lines; ++l) {
    float* const out = values + l * extent;
    std::copy_n(out, extent, line);
    for (std::int64_t k = 1; k <= radius; ++k) {
      line[-k] = out[mirrored(-k, extent)];
      line[extent - 1 + k] = out[mirrored(extent - 1 + k, extent)];
    }
    weigh(line, kernel[0], taps.data(), radius, out, extent);
  }
}

TWINTRACK_MULTIVERSION void mix(const float* __restrict a, const float* __restrict b, float weight, std::int64_t count,
                                float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = a[i] + weight * (b[i] - a[i]);
}

TWINTRACK_MULTIVERSION void mix_along_line(const float* __restrict in, const std::int32_t* __restrict below,
                                           const std::int32_t* __restrict above, const float* __restrict weight,
                                           std::int64_t count, float* __restrict out) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = in[below[i]] + weight[i] * (in[above[i]] - in[below[i]]);
}

std::vector<float> nearest_voxels(std::span<const float> values, const Shape3& shape, const Shape3& coarse) {
  const LinearAxis z_axis = linear_axis(shape[0], coarse[0], 0);
  const LinearAxis y_axis = linear_axis(shape[1], coarse[1], 0);
  const LinearAxis x_axis = linear_axis(shape[2], coarse[2], 0);
  std::vector<float> result(voxel_count(coarse));
  float* out = result.data();
  for (const std::int32_t z : z_axis.below) {
    for (const std::int32_t y : y_axis.below) {
      const float* const line = values.data() + (z * shape[1] + y) * shape[2];
      for (const std::int32_t x : x_axis.below) *out++ = line[x];
    }
  }
  return result;
}

void interpolate_back(const std::vector<float>& values, const Shape3& coarse, const Shape3& shape, float* out) {
  const LinearAxis z_axis = linear_axis(coarse[0], shape[0], 1);
  const LinearAxis y_axis = linear_axis(coarse[1], shape[1], 1);
  const LinearAxis x_axis = linear_axis(coarse[2], shape[2], 1);
  const std::int64_t plane_voxels = coarse[1] * coarse[2];
  std::vector<float> plane(plane_voxels);
  std::vector<float> line(coarse[2]);
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    mix(values.data() + z_axis.below[z] * plane_voxels, values.data() + z_axis.above[z] * plane_voxels,
        z_axis.weight[z], plane_voxels, plane.data());
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      mix(plane.data() + y_axis.below[y] * coarse[2], plane.data() + y_axis.above[y] * coarse[2], y_axis.weight[y],
          coarse[2], line.data());
      mix_along_line(line.data(), x_axis.below.data(), x_axis.above.data(), x_axis.weight.data(), shape[2],
                     out + (z * shape[1] + y) * shape[2]);
    }
  }
}

}  // namespace

void blur(std::span<float> values, const Shape3& shape, const std::array<double, 3>& sigma_voxels) {
  const std::int64_t plane_voxels = shape[1] * shape[2];
  std::vector<float> across_planes(values.size());
  blur_rows(values.data(), shape[0], plane_voxels, half_kernel(sigma_voxels[0]), across_planes.data());
  const std::vector<float> kernel = half_kernel(sigma_voxels[1]);
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    blur_rows(across_planes.data() + z * plane_voxels, shape[1], shape[2], kernel, values.data() + z * plane_voxels);
  }
  blur_lines(values.data(), shape[0] * shape[1], shape[2], half_kernel(sigma_voxels[2]));
}

void lower_resolution(std::span<float> values, const Shape3& shape, const std::array<double, 3>& scale) {
  Shape3 coarse{};
  for (int axis = 0; axis < 3; ++axis) {
    const double extent = std::nearbyint(scale[axis] * static_cast<double>(shape[axis]));
    coarse[axis] = std::max<std::int64_t>(1, static_cast<std::int64_t>(extent));
  }
  if (coarse == shape) return;
  interpolate_back(nearest_voxels(values, shape, coarse), coarse, shape, values.data());
}

}  // namespace twintrack::intensity

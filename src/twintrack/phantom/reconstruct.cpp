#include "twintrack/phantom/reconstruct.hpp"

#include <algorithm>
#include <cmath>

#include "twintrack/core/parallel.hpp"
#include "twintrack/core/portable_math.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/phantom/random.hpp"
#include "twintrack/phantom/render.hpp"

namespace twintrack::phantom {
namespace {

constexpr double kBroadKernel = 2.2;      // width of the Gaussian that is taken away, in relation to the first
constexpr float kBroadShare = 0.75F;      // how much of it is taken away
constexpr float kNextSliceShare = 0.45F;  // of white noise that a slice shares with the next one
constexpr float kNoiseFalloff_mm = 110;

// Symmetric kernel: weight[0] at the centre.
std::vector<float> gaussian_kernel(double sigma_voxels) {
  std::vector<float> half;
  const int radius = std::max(1, static_cast<int>(std::ceil(2.5 * sigma_voxels)));
  double sum = 0;
  for (int i = 0; i <= radius; ++i) {
    const double weight = portable_exp(-0.5 * i * i / (sigma_voxels * sigma_voxels));
    half.push_back(static_cast<float>(weight));
    sum += i == 0 ? weight : 2 * weight;
  }
  for (float& weight : half) weight = static_cast<float>(weight / sum);
  return half;
}

double product_sum(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum += (i == 0 ? 1.0 : 2.0) * a[i] * b[i];
  return sum;
}

class NoisePlane {
 public:
  NoisePlane(const Geometry& grid, double kernel_mm, std::uint64_t key)
      : width_(grid.size[0]), height_(grid.size[1]), key_(key) {
    for (int axis = 0; axis < 2; ++axis) {
      const double sigma = std::max(kernel_mm / grid.spacing_mm[axis], 0.35);
      narrow_[axis] = gaussian_kernel(sigma);
      broad_[axis] = gaussian_kernel(sigma * kBroadKernel);
    }
    margin_ = static_cast<std::int64_t>(std::max(broad_[0].size(), broad_[1].size()));
    const double nn = product_sum(narrow_[0], narrow_[0]) * product_sum(narrow_[1], narrow_[1]);
    const double nb = product_sum(narrow_[0], broad_[0]) * product_sum(narrow_[1], broad_[1]);
    const double bb = product_sum(broad_[0], broad_[0]) * product_sum(broad_[1], broad_[1]);
    scale_ = static_cast<float>(1 / std::sqrt(nn - 2 * kBroadShare * nb + kBroadShare * kBroadShare * bb));
  }

  // Noise of unit standard deviation in slice z.
  void fill(std::int64_t z, std::vector<float>& noise) const {
    const std::int64_t w = width_ + 2 * margin_, h = height_ + 2 * margin_;
    std::vector<float> white(static_cast<std::size_t>(w * h)), rows(static_cast<std::size_t>(width_ * h));
    fill_white(z, white);
    noise.assign(static_cast<std::size_t>(width_ * height_), 0);
    for (const bool broad : {false, true}) {
      const auto& kernels = broad ? broad_ : narrow_;
      const float factor = broad ? -kBroadShare * scale_ : scale_;
      for (std::int64_t y = 0; y < h; ++y)
        convolve(white.data() + y * w + margin_, 1, kernels[0], 1, rows.data() + y * width_, false);
      for (std::int64_t y = 0; y < height_; ++y)
        convolve(rows.data() + (y + margin_) * width_, width_, kernels[1], factor, noise.data() + y * width_, true);
    }
  }

 private:
  // Sums of four uniform numbers, unit variance, half shared with the next slice.
  void fill_white(std::int64_t z, std::vector<float>& white) const {
    const std::uint64_t here = combine_bits(key_, static_cast<std::uint64_t>(z));
    const std::uint64_t next = combine_bits(key_, static_cast<std::uint64_t>(z + 1));
    const float unit = 1 / (65536 * std::sqrt((1 + kNextSliceShare * kNextSliceShare) / 3));
    const auto draw = [](std::uint64_t seed, std::uint64_t i) {
      const std::uint64_t bits = mix_bits(seed + i * 0x9e3779b97f4a7c15ULL);
      const auto sum =
          static_cast<std::int32_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48));
      return static_cast<float>(sum - 2 * 65535);
    };
    for (std::size_t i = 0; i < white.size(); ++i) {
      white[i] = unit * (draw(here, i) + kNextSliceShare * draw(next, i));
    }
  }

  void convolve(const float* from, std::int64_t step, const std::vector<float>& kernel, float factor, float* to,
                bool add) const {
    for (std::int64_t x = 0; x < width_; ++x) to[x] = (add ? to[x] : 0) + factor * kernel[0] * from[x];
    for (std::size_t k = 1; k < kernel.size(); ++k) {
      const float weight = factor * kernel[k];
      const float* const left = from - static_cast<std::int64_t>(k) * step;
      const float* const right = from + static_cast<std::int64_t>(k) * step;
      for (std::int64_t x = 0; x < width_; ++x) to[x] += weight * (left[x] + right[x]);
    }
  }

  std::int64_t width_, height_, margin_ = 0;
  std::uint64_t key_;
  std::vector<float> narrow_[2], broad_[2];
  float scale_ = 1;
};

}  // namespace

std::vector<std::int16_t> reconstruct(const std::vector<std::int16_t>& attenuation, const Geometry& grid,
                                      const Scanner& scanner, std::uint64_t key) {
  const std::int64_t width = grid.size[0], height = grid.size[1], depth = grid.size[2];
  const NoisePlane plane(grid, scanner.kernel_mm, combine_bits(key, 3));
  const auto beside = static_cast<float>(scanner.slice_overlap / kStepsPerHu);
  const float centre = 1 / kStepsPerHu - 2 * beside;
  const auto noise_hu = static_cast<float>(scanner.noise_hu);
  std::vector<std::int16_t> image(attenuation.size());
  parallel_for(depth, [&](std::int64_t z) {
    throw_if_interrupted();
    std::vector<float> noise;
    plane.fill(z, noise);
    const auto slice = [&](std::int64_t n) {
      return attenuation.data() + std::clamp<std::int64_t>(n, 0, depth - 1) * width * height;
    };
    const std::int16_t *below = slice(z - 1), *here = slice(z), *above = slice(z + 1);
    std::int16_t* const to = image.data() + z * width * height;
    for (std::int64_t y = 0; y < height; ++y) {
      const auto py = static_cast<float>(grid.origin_mm[1] + static_cast<double>(y) * grid.spacing_mm[1]);
      for (std::int64_t x = 0; x < width; ++x) {
        const auto px = static_cast<float>(grid.origin_mm[0] + static_cast<double>(x) * grid.spacing_mm[0]);
        const std::int64_t i = y * width + x;
        const float distance = (px * px + py * py) / (kNoiseFalloff_mm * kNoiseFalloff_mm);
        const float strength = noise_hu * (0.45F + 0.55F / (1 + distance));
        const float value = centre * here[i] + beside * static_cast<float>(below[i] + above[i]) + strength * noise[i];
        to[i] = static_cast<std::int16_t>(std::floor(std::clamp(value, -1024.0F, 3071.0F) + 0.5F));
      }
    }
  });
  return image;
}

}  // namespace twintrack::phantom

#include "twintrack/augmentation/intensity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "augmentation/patches.hpp"
#include "twintrack/augmentation/fast_math.hpp"

namespace twintrack::intensity {
namespace {

using testing::Each;
using testing::FloatNear;
using testing::Pointwise;

constexpr Shape3 shape{12, 13, 37};

std::vector<float> noise() { return noise_patch(shape).image; }

struct Moments {
  double mean = 0;
  double deviation = 0;
  double skewness = 0;
  double kurtosis = 0;
};
Moments moments(const std::vector<float>& values) {
  const auto count = static_cast<double>(values.size());
  Moments m;
  m.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double power[5] = {};
  for (const float value : values) {
    for (int p = 2; p < 5; ++p) power[p] += std::pow(value - m.mean, p) / count;
  }
  m.deviation = std::sqrt(power[2]);
  m.skewness = power[3] / std::pow(power[2], 1.5);
  m.kurtosis = power[4] / (power[2] * power[2]);
  return m;
}

TEST(FastMath, is_close_to_the_standard_library) {
  for (double x = 1e-30; x < 1e30; x *= 1.0137) {
    const auto value = static_cast<float>(x);
    EXPECT_NEAR(fast::log2(value), std::log2(static_cast<double>(value)), 1e-7 + 1e-7 * std::abs(std::log2(x)));
  }
  for (double x = -126; x < 127; x += 0.0371) {
    const auto value = static_cast<float>(x);
    EXPECT_NEAR(fast::exp2(value) / std::exp2(static_cast<double>(value)), 1, 3e-7) << x;
  }
  for (double x = -0.7853; x < 0.7854; x += 0.001) {
    const auto value = static_cast<float>(x);
    EXPECT_NEAR(fast::sine_of_octant(value), std::sin(static_cast<double>(value)), 4e-7);
    EXPECT_NEAR(fast::cosine_of_octant(value), std::cos(static_cast<double>(value)), 4e-7);
  }
}

TEST(Intensity, statistics_are_those_of_the_values) {
  for (const std::size_t size : {1U, 15U, 16U, 17U, 1024U, 5772U}) {
    std::vector<float> values(noise());
    values.resize(size);
    for (float& value : values) value += 40;
    const Moments expected = moments(values);
    const Statistics is = statistics(values);
    EXPECT_NEAR(is.mean, expected.mean, 1e-5);
    EXPECT_NEAR(is.deviation, expected.deviation, 1e-5);
    EXPECT_EQ(is.low, *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(is.high, *std::max_element(values.begin(), values.end()));
  }
}

TEST(Intensity, noise_is_normal_and_has_the_deviation) {
  std::vector<float> values(1000003);
  add_noise(values, 0.25F, 7);
  const auto count = static_cast<double>(values.size());
  const Moments m = moments(values);
  EXPECT_NEAR(m.mean, 0, 5 * 0.25 / std::sqrt(count));
  EXPECT_NEAR(m.deviation, 0.25, 5 * 0.25 / std::sqrt(2 * count));
  EXPECT_NEAR(m.skewness, 0, 5 * std::sqrt(6 / count));
  EXPECT_NEAR(m.kurtosis, 3, 5 * std::sqrt(24 / count));
  std::sort(values.begin(), values.end());
  double distance = 0;  // of Kolmogorov and Smirnov
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = 0.5 * std::erfc(-values[i] / 0.25 / std::sqrt(2));
    distance = std::max(distance, std::abs((static_cast<double>(i) + 0.5) / count - expected));
  }
  EXPECT_LT(distance * std::sqrt(count), 1.95);  // exceeded once in a thousand keys
}

TEST(Intensity, noise_of_neighbours_and_of_pairs_is_uncorrelated) {
  std::vector<float> values(1 << 18);
  add_noise(values, 1, 11);
  for (const std::size_t lag : {1U, 2U, 64U, 255U, 256U, 257U, 512U, 4096U}) {
    double sum = 0;
    double sum_of_squares = 0;
    const std::size_t count = values.size() - lag;
    for (std::size_t i = 0; i < count; ++i) {
      sum += values[i] * values[i + lag];
      sum_of_squares += (values[i] * values[i] - 1) * (values[i + lag] * values[i + lag] - 1) / 2;
    }
    EXPECT_NEAR(sum / static_cast<double>(count), 0, 5 / std::sqrt(static_cast<double>(count))) << lag;
    EXPECT_NEAR(sum_of_squares / static_cast<double>(count), 0, 5 / std::sqrt(static_cast<double>(count))) << lag;
  }
}

TEST(Intensity, noise_is_added_and_decided_by_the_key) {
  std::vector<float> once(1000);
  std::vector<float> again(1000, 3);
  std::vector<float> other(1000);
  add_noise(once, 1, 5);
  add_noise(again, 1, 5);
  add_noise(other, 1, 6);
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(again[i], once[i] + 3, 1e-6);
  EXPECT_NE(once, other);
}

TEST(Intensity, blurs_an_impulse_to_a_gaussian) {
  const Shape3 odd{15, 17, 19};
  std::vector<float> values(voxel_count(odd));
  values[(7 * 17 + 8) * 19 + 9] = 1;
  const Place sigma{0.5, 0.8, 1.0};
  const std::array<int, 3> radius{1, 2, 3};  // kernels of 3, 5 and 7 voxels, as batchgeneratorsv2's
  blur(values, odd, sigma);
  const auto weight = [&](int axis, double distance) {
    const auto gauss = [&](double d) { return std::exp(-d * d / (2 * sigma[axis] * sigma[axis])); };
    double sum = 0;
    for (int d = -radius[axis]; d <= radius[axis]; ++d) sum += gauss(d);
    return std::abs(distance) <= radius[axis] ? gauss(distance) / sum : 0.0;
  };
  for_each_voxel(odd, [&](std::int64_t i, const Place& p) {
    EXPECT_NEAR(values[i], weight(0, p[0]) * weight(1, p[1]) * weight(2, p[2]), 1e-7);
  });
}

TEST(Intensity, blur_mirrors_at_the_edge) {
  std::vector<float> line{1, 0, 0, 0, 0, 0, 0, 5};
  const std::vector<float> original = line;
  blur(line, {1, 1, 8}, {1, 1, 1});
  double weights[4];
  for (int k = 0; k < 4; ++k) weights[k] = std::exp(-0.5 * k * k);
  const double sum = weights[0] + 2 * (weights[1] + weights[2] + weights[3]);
  for (int i = 0; i < 8; ++i) {
    double expected = 0;
    for (int k = -3; k <= 3; ++k) {
      int from = std::abs(i + k);
      if (from > 7) from = 14 - from;
      expected += original[from] * weights[std::abs(k)] / sum;
    }
    EXPECT_NEAR(line[i], expected, 1e-6);
  }
}

TEST(Intensity, blur_is_the_same_along_every_axis) {
  const Patch patch = noise_patch({11, 11, 11});
  const auto value = [](const std::vector<float>& values, const Shape3& at) {
    return values[(at[0] * 11 + at[1]) * 11 + at[2]];
  };
  std::vector<std::vector<float>> blurred(3, patch.image);
  const auto turned = [](std::int64_t i, int axis) {
    const Shape3 at{i / 121, i / 11 % 11, i % 11};
    Shape3 result{};
    for (int a = 0; a < 3; ++a) result[(a + axis) % 3] = at[a];
    return result;
  };
  for (int axis = 0; axis < 3; ++axis) {
    for (std::int64_t i = 0; i < 1331; ++i) {
      const Shape3 at = turned(i, axis);
      blurred[axis][(at[0] * 11 + at[1]) * 11 + at[2]] = patch.image[i];
    }
    std::array<double, 3> sigma_voxels{};
    sigma_voxels[axis] = 0.9;
    blur(blurred[axis], patch.shape, sigma_voxels);
  }
  for (std::int64_t i = 0; i < 1331; ++i) {
    EXPECT_NEAR(value(blurred[1], turned(i, 1)), value(blurred[0], turned(i, 0)), 1e-6);
    EXPECT_NEAR(value(blurred[2], turned(i, 2)), value(blurred[0], turned(i, 0)), 1e-6);
  }
}

TEST(Intensity, blur_keeps_a_constant_also_where_the_image_is_thinner_than_the_kernel) {
  for (const Shape3& thin : {shape, Shape3{1, 2, 3}}) {
    std::vector<float> values(voxel_count(thin), 4.5F);
    blur(values, thin, {1, 1, 1});
    EXPECT_THAT(values, Each(FloatNear(4.5F, 2e-6F)));
  }
}

TEST(Intensity, contrast_stretches_about_the_mean_and_keeps_the_range) {
  const std::vector<float> before = noise();
  const Statistics was = statistics(before);
  for (const float factor : {0.75F, 1.25F}) {
    std::vector<float> values = before;
    stretch_contrast(values, factor);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], std::clamp(was.mean + factor * (before[i] - was.mean), was.low, was.high), 1e-6);
      EXPECT_GE(values[i], was.low);
      EXPECT_LE(values[i], was.high);
    }
  }
}

TEST(Intensity, multiply_multiplies) {
  std::vector<float> values = noise();
  const std::vector<float> before = values;
  multiply(values, 1.25F);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], 1.25F * before[i]);
}

TEST(Intensity, gamma_keeps_mean_and_deviation) {
  for (const bool inverted : {false, true}) {
    for (const float gamma : {0.7F, 1.5F}) {
      std::vector<float> values = noise();
      for (float& value : values) value = std::exp(value) + 3;
      const Moments was = moments(values);
      apply_gamma(values, gamma, inverted);
      const Moments is = moments(values);
      EXPECT_NEAR(is.mean, was.mean, 1e-5);
      EXPECT_NEAR(is.deviation, was.deviation, 1e-5);
    }
  }
}

// In range (0, 1), before mean and deviation are restored: x^gamma, or 1 - (1 - x)^gamma.
TEST(Intensity, gamma_is_a_power_of_the_relative_value) {
  const std::vector<float> before = noise();
  const Statistics was = statistics(before);
  for (const bool inverted : {false, true}) {
    std::vector<float> expected;
    for (const float value : before) {
      const double x = (value - was.low) / (was.high - was.low);
      expected.push_back(static_cast<float>(inverted ? 1 - std::pow(1 - x, 1.4) : std::pow(x, 1.4)));
    }
    const Moments m = moments(expected);
    std::vector<float> values = before;
    apply_gamma(values, 1.4F, inverted);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_NEAR(values[i], (expected[i] - m.mean) / m.deviation * was.deviation + was.mean, 1e-5);
    }
  }
}

TEST(Intensity, gamma_1_and_constants_remain) {
  std::vector<float> values = noise();
  const std::vector<float> before = values;
  apply_gamma(values, 1, false);
  EXPECT_THAT(values, Pointwise(FloatNear(2e-6F), before));
  std::vector<float> constant(100, -3);
  apply_gamma(constant, 1.5F, true);
  EXPECT_THAT(constant, Each(-3));
}

TEST(Intensity, low_resolution_interpolates_between_every_other_voxel) {
  std::vector<float> line{1, 2, 4, 8, 16, 32, 64, 128};
  lower_resolution(line, {1, 1, 8}, {1, 1, 0.5});
  // The coarse grid holds 2, 8, 32, 128, at 0.5, 2.5, 4.5, 6.5.
  EXPECT_THAT(line, Pointwise(FloatNear(1e-5F), {2.0, 3.5, 6.5, 14.0, 26.0, 56.0, 104.0, 128.0}));
}

TEST(Intensity, low_resolution_is_separable_and_leaves_scale_1) {
  const auto separable = [](const Place& p) { return std::sin(p[0]) * std::cos(p[1]) * (p[2] + 3); };
  std::vector<float> values = patch_of({8, 10, 12}, separable).image;
  const std::vector<float> before = values;
  lower_resolution(values, {8, 10, 12}, {1, 1, 1});
  EXPECT_EQ(values, before);
  lower_resolution(values, {8, 10, 12}, {0.5, 0.7, 0.6});
  std::array<std::vector<float>, 3> lines;
  for (int axis = 0; axis < 3; ++axis) {
    const Shape3 line_shape{axis == 0 ? 8 : 1, axis == 1 ? 10 : 1, axis == 2 ? 12 : 1};
    lines[axis] = patch_of(line_shape, [&](const Place& p) {
                    return axis == 0 ? std::sin(p[0]) : axis == 1 ? std::cos(p[1]) : p[2] + 3;
                  }).image;
    std::array<double, 3> scale{1, 1, 1};
    scale[axis] = std::array{0.5, 0.7, 0.6}[axis];
    lower_resolution(lines[axis], line_shape, scale);
  }
  for (std::int64_t i = 0; i < 960; ++i) {
    EXPECT_NEAR(values[i], lines[0][i / 120] * lines[1][i / 12 % 10] * lines[2][i % 12], 1e-5);
  }
}

}  // namespace
}  // namespace twintrack::intensity

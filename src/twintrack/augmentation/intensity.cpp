#include "twintrack/augmentation/intensity.hpp"

#include "twintrack/augmentation/fast_math.hpp"
#include "twintrack/core/multiversion.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace twintrack::intensity {
namespace {

constexpr std::int64_t kLanes = 16;           // sums that run side by side
constexpr std::int64_t kBlock = 64 * kLanes;  // values that stay in the first-level cache between two passes

struct BlockSums {
  float mean;
  float squared_deviations;
  float low;
  float high;
};

// Of at most kBlock values, at least one.
TWINTRACK_MULTIVERSION void sum_block(const float* __restrict values, std::int64_t count, BlockSums& sums) {
  float sum[kLanes] = {};
  float low[kLanes];
  float high[kLanes];
  for (std::int64_t l = 0; l < kLanes; ++l) low[l] = high[l] = values[0];
  const std::int64_t whole = count - count % kLanes;
  const auto take = [&](float value, std::int64_t l) {
    sum[l] += value;
    low[l] = value < low[l] ? value : low[l];
    high[l] = value > high[l] ? value : high[l];
  };
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (std::int64_t l = 0; l < kLanes; ++l) take(values[i + l], l);
  }
  for (std::int64_t i = whole; i < count; ++i) take(values[i], i - whole);
  for (std::int64_t l = 1; l < kLanes; ++l) {
    sum[0] += sum[l];
    low[0] = std::min(low[0], low[l]);
    high[0] = std::max(high[0], high[l]);
  }
  const float mean = sum[0] / static_cast<float>(count);
  float squares[kLanes] = {};
  for (std::int64_t i = 0; i < whole; i += kLanes) {
    for (std::int64_t l = 0; l < kLanes; ++l) {
      const float difference = values[i + l] - mean;
      squares[l] += difference * difference;
    }
  }
  for (std::int64_t i = whole; i < count; ++i) squares[0] += (values[i] - mean) * (values[i] - mean);
  for (std::int64_t l = 1; l < kLanes; ++l) squares[0] += squares[l];
  sums = {mean, squares[0], low[0], high[0]};
}

// values * factor + offset, no less than low and no more than high.
TWINTRACK_MULTIVERSION void scale_and_shift(float* __restrict values, std::int64_t count, float factor, float offset,
                                            float low, float high) {
  for (std::int64_t i = 0; i < count; ++i) {
    float y = values[i] * factor + offset;
    y = y < low ? low : y;
    values[i] = y > high ? high : y;
  }
}

TWINTRACK_MULTIVERSION void multiply_values(float* __restrict values, std::int64_t count, float factor) {
  for (std::int64_t i = 0; i < count; ++i) values[i] *= factor;
}

// (value * factor + offset)^gamma, the base in [0, 1].
TWINTRACK_MULTIVERSION void power(float* __restrict values, std::int64_t count, float factor, float offset,
                                  float gamma) {
  constexpr float least = 1e-30F;
  for (std::int64_t i = 0; i < count; ++i) {
    float base = values[i] * factor + offset;
    base = base > least ? base : least;
    const float exponent = gamma * fast::log2(base);
    values[i] = fast::exp2(exponent > -126.0F ? exponent : -126.0F);
  }
}

// Standard normal numbers by Box and Muller, two from a pair: the angle is drawn in an octant, then turned by whole
// quarters.
constexpr std::int64_t kPairs = 256;
TWINTRACK_MULTIVERSION void normal_pairs(std::uint32_t first, std::uint32_t key_low, std::uint32_t key_high,
                                         float* __restrict a, float* __restrict b) {
  constexpr float unit = 0x1p-24F;
  constexpr float minus_two_ln_2 = -1.386294361F;
  constexpr float half_pi = 1.570796327F;
  for (std::int64_t i = 0; i < kPairs; ++i) {
    const std::uint32_t bits =
        fast::mix_bits(fast::mix_bits(first + static_cast<std::uint32_t>(i) + key_low) ^ key_high);
    const std::uint32_t more_bits = fast::mix_bits(bits + 0x9e3779b9U);
    const float u = (static_cast<float>(static_cast<std::int32_t>(bits >> 8)) + 0.5F) * unit;
    const float v = (static_cast<float>(static_cast<std::int32_t>(more_bits >> 8)) + 0.5F) * unit;
    const float radius = std::sqrt(minus_two_ln_2 * fast::log2(u));
    const float angle = (v - 0.5F) * half_pi;
    const float along = radius * fast::cosine_of_octant(angle);
    const float across = radius * fast::sine_of_octant(angle);
    const float x = (more_bits & 1U) != 0 ? across : along;
    const float y = (more_bits & 1U) != 0 ? -along : across;
    a[i] = (more_bits & 2U) != 0 ? -x : x;
    b[i] = (more_bits & 2U) != 0 ? -y : y;
  }
}

TWINTRACK_MULTIVERSION void add_scaled(const float* __restrict from, std::int64_t count, float factor,
                                       float* __restrict to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] += factor * from[i];
}

}  // namespace

Statistics statistics(std::span<const float> values) {
  Statistics result;
  if (values.empty()) return result;
  result.low = std::numeric_limits<float>::infinity();
  result.high = -result.low;
  double mean = 0;
  double squares = 0;
  const auto size = static_cast<std::int64_t>(values.size());
  for (std::int64_t begin = 0; begin < size; begin += kBlock) {
    const std::int64_t count = std::min(kBlock, size - begin);
    BlockSums block;
    sum_block(values.data() + begin, count, block);
    const double share = static_cast<double>(count) / static_cast<double>(begin + count);
    const double difference = block.mean - mean;
    squares += block.squared_deviations + difference * difference * share * static_cast<double>(begin);
    mean += difference * share;
    result.low = std::min(result.low, block.low);
    result.high = std::max(result.high, block.high);
  }
  result.mean = static_cast<float>(mean);
  result.deviation = static_cast<float>(std::sqrt(squares / static_cast<double>(size)));
  return result;
}

void add_noise(std::span<float> values, float deviation, std::uint64_t key) {
  std::array<float, 2 * kPairs> noise;
  const auto size = static_cast<std::int64_t>(values.size());
  for (std::int64_t begin = 0; begin < size; begin += 2 * kPairs) {
    normal_pairs(static_cast<std::uint32_t>(begin / 2), static_cast<std::uint32_t>(key),
                 static_cast<std::uint32_t>(key >> 32), noise.data(), noise.data() + kPairs);
    add_scaled(noise.data(), std::min(2 * kPairs, size - begin), deviation, values.data() + begin);
  }
}

void multiply(std::span<float> values, float factor) {
  multiply_values(values.data(), static_cast<std::int64_t>(values.size()), factor);
}

void stretch_contrast(std::span<float> values, float factor) {
  const Statistics was = statistics(values);
  scale_and_shift(values.data(), static_cast<std::int64_t>(values.size()), factor, was.mean * (1 - factor), was.low,
                  was.high);
}

void apply_gamma(std::span<float> values, float gamma, bool inverted) {
  constexpr float least_range = 1e-7F;  // batchgeneratorsv2's
  constexpr float unbounded = std::numeric_limits<float>::infinity();
  const auto count = static_cast<std::int64_t>(values.size());
  const Statistics was = statistics(values);
  const float range = was.high - was.low;
  if (!(range > least_range)) return;
  const float sign = inverted ? -1.0F : 1.0F;
  power(values.data(), count, sign / range, (inverted ? was.high : -was.low) / range, gamma);
  const Statistics is = statistics(values);
  const float factor = sign * was.deviation / std::max(is.deviation, least_range);
  scale_and_shift(values.data(), count, factor, was.mean - factor * is.mean, -unbounded, unbounded);
}

}  // namespace twintrack::intensity

// Elementary functions of float for loops that the compiler vectorises: no branches, no tables, no calls.
#pragma once

#include <bit>
#include <cstdint>

namespace twintrack::fast {

// Base-2 logarithm of a positive normal number; absolute error below 1e-7 plus the result's rounding. With m in
// [sqrt(1/2), sqrt(2)), log m = 2 artanh((m - 1) / (m + 1)), whose series needs five terms.
inline float log2(float x) {
  constexpr std::int32_t sqrt_half_bits = 0x3f3504f3;
  constexpr float to_base_2 = 2.885390082F;  // 2 / ln 2
  const auto bits = std::bit_cast<std::int32_t>(x);
  const std::int32_t exponent = (bits - sqrt_half_bits) >> 23;
  const float m = std::bit_cast<float>(bits - exponent * (1 << 23));
  const float s = (m - 1.0F) / (m + 1.0F);
  const float q = s * s;
  const float series = 1.0F + q * (1.0F / 3 + q * (1.0F / 5 + q * (1.0F / 7 + q * (1.0F / 9))));
  return static_cast<float>(exponent) + to_base_2 * s * series;
}

// 2^x for x in [-126, 127], relative error below 2e-7: Taylor series of the fraction about 0, |fraction| <= 1/2.
inline float exp2(float x) {
  constexpr float bias = 127.5F;  // positive, so that the conversion rounds down
  const std::int32_t whole = static_cast<std::int32_t>(x + bias) - 127;
  const float y = (x - static_cast<float>(whole)) * 0.693147181F;
  const float series =
      1.0F +
      y * (1.0F +
           y * (1.0F / 2 + y * (1.0F / 6 + y * (1.0F / 24 + y * (1.0F / 120 + y * (1.0F / 720 + y * (1.0F / 5040)))))));
  return series * std::bit_cast<float>((whole + 127) * (1 << 23));
}

// Sine and cosine of an angle in [-pi/4, pi/4]; absolute error below 4e-7.
inline float sine_of_octant(float angle) {
  const float q = angle * angle;
  return angle * (1.0F - q * (1.0F / 6 - q * (1.0F / 120 - q * (1.0F / 5040))));
}
inline float cosine_of_octant(float angle) {
  const float q = angle * angle;
  return 1.0F - q * (1.0F / 2 - q * (1.0F / 24 - q * (1.0F / 720 - q * (1.0F / 40320))));
}

// Mixes 32 bits so that every output bit depends on every input bit (the finaliser of MurmurHash3).
inline std::uint32_t mix_bits(std::uint32_t x) {
  x = (x ^ (x >> 16)) * 0x85ebca6bU;
  x = (x ^ (x >> 13)) * 0xc2b2ae35U;
  return x ^ (x >> 16);
}

}  // namespace twintrack::fast

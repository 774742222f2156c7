// Activations for tests of the AMX kernels: filled with bfloat16 noise, read and compared voxel by voxel.
#pragma once

#include "twintrack/network/amx_kernels.hpp"
#include "twintrack/tensor/tensor.hpp"

#include <gtest/gtest.h>
#include <immintrin.h>
#include <sys/mman.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <vector>

namespace twintrack::test {

// Every processor with AMX has it.
__attribute__((target("f16c"))) inline std::uint16_t float_to_half(float value) {
  return _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT);
}

// Zeroed memory between two pages that must not be touched, beginning right after the first or ending right before the
// second: tile loads are invisible to the sanitizers.
class GuardedMemory {
 public:
  enum class At { begin, end };
  GuardedMemory(std::size_t bytes, At at) {
    const std::size_t inner = (bytes + kPage - 1) / kPage * kPage;
    mapped_ = inner + 2 * kPage;
    mapping_ = static_cast<std::byte*>(mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (mapping_ == MAP_FAILED || mprotect(mapping_ + kPage, inner, PROT_READ | PROT_WRITE) != 0) {
      throw std::runtime_error("no memory for the test");
    }
    begin_ = mapping_ + kPage + (at == At::end ? inner - bytes : 0);
  }
  ~GuardedMemory() { munmap(mapping_, mapped_); }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;

  std::byte* data() const { return begin_; }

 private:
  static constexpr std::size_t kPage = 4096;
  std::byte* mapping_ = nullptr;
  std::byte* begin_ = nullptr;
  std::size_t mapped_ = 0;
};

class Activations {
 public:
  Activations(const Shape3& extent, const Shape3& halo, std::int64_t channels,
              GuardedMemory::At at = GuardedMemory::At::end)
      : view_{nullptr, extent, halo, channels}, memory_(static_cast<std::size_t>(view_.elements()) * 2, at) {
    view_.data = reinterpret_cast<std::uint16_t*>(memory_.data());
  }

  const ActivationView& view() const { return view_; }
  std::vector<std::uint16_t> buffer() const { return {view_.data, view_.data + view_.elements()}; }

  float at(std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x) const {
    return bfloat16_to_float(view_.voxel(c / 32, z, y, x)[c % 32]);
  }
  // 0 outside.
  float padded(std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x) const {
    const bool inside = z >= 0 && z < view_.extent[0] && y >= 0 && y < view_.extent[1] && x >= 0 && x < view_.extent[2];
    return inside ? at(c, z, y, x) : 0.0F;
  }
  // The same voxel as a convolution leaves it for the norm: float16.
  float raw_at(std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x) const {
    return half_to_float(view_.voxel(c / 32, z, y, x)[c % 32]);
  }
  void set_raw(std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x, float value) {
    view_.voxel(c / 32, z, y, x)[c % 32] = float_to_half(value);
  }
  void set(std::int64_t c, std::int64_t z, std::int64_t y, std::int64_t x, float value) {
    view_.voxel(c / 32, z, y, x)[c % 32] = float_to_bfloat16(value);
  }

  // Calls body(c, z, y, x) for all interior voxels.
  template <typename Body>
  void for_each(const Body& body) const {
    for (std::int64_t c = 0; c < view_.channels; ++c) {
      for (std::int64_t z = 0; z < view_.extent[0]; ++z) {
        for (std::int64_t y = 0; y < view_.extent[1]; ++y) {
          for (std::int64_t x = 0; x < view_.extent[2]; ++x) body(c, z, y, x);
        }
      }
    }
  }

  void fill(unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> noise(0.3F, 1.0F);
    for_each([&](auto c, auto z, auto y, auto x) { set(c, z, y, x, noise(random)); });
  }

  void fill_raw(unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> noise(0.3F, 1.0F);
    for_each([&](auto c, auto z, auto y, auto x) { set_raw(c, z, y, x, noise(random)); });
  }

  // How many elements of the halo are not zero.
  std::int64_t halo_elements_written() const {
    std::int64_t interior = 0;
    for_each([&](auto c, auto z, auto y, auto x) { interior += view_.voxel(c / 32, z, y, x)[c % 32] != 0; });
    std::int64_t all = 0;
    for (const std::uint16_t value : buffer()) all += value != 0;
    return all - interior;
  }

 private:
  ActivationView view_;
  GuardedMemory memory_;
};

// Weights that bfloat16 holds exactly, about as large as a trained layer's.
inline std::vector<float> random_weights(std::int64_t count, std::int64_t fan_in, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> noise(0.0F, 1.0F / std::sqrt(static_cast<float>(fan_in)));
  std::vector<float> weights(count);
  for (float& weight : weights) weight = bfloat16_to_float(float_to_bfloat16(noise(random)));
  return weights;
}

// Half a unit in the last place of float16's 11 bits, and what float32 sums of terms of size 1 may lose.
inline void expect_rounded_raw(double expected, float actual) {
  EXPECT_NEAR(expected, actual, std::abs(expected) / 2048.0 + 1e-5);
}

// Half a unit in the last place of bfloat16's 8 bits, and what float32 sums of terms of size 1 may lose.
inline void expect_rounded(double expected, float actual) {
  EXPECT_NEAR(expected, actual, std::abs(expected) / 256.0 + 1e-5);
}

}  // namespace twintrack::test

// A network that is small and uneven in every way, and what tests of engines measure with it.
#pragma once

#include "twintrack/network/network.hpp"

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace twintrack::test {

// Three classes; patches are multiples of 2 x 6 x 4 voxels.
inline Architecture small_architecture(Architecture::Kind kind) {
  Architecture a;
  a.kind = kind;
  a.norm_epsilon = 1e-3F;
  a.negative_slope = 0.1F;
  a.classes = 3;
  a.features = {3, 5, 8};
  a.kernels = {{1, 3, 3}, {3, 3, 1}, {3, 3, 5}};
  a.strides = {{1, 1, 1}, {1, 3, 2}, {2, 2, 2}};
  a.encoder_blocks = {1, 2, 2};
  a.decoder_convolutions = {1, 2};
  return a;
}

inline std::vector<float> uniform(std::int64_t count, std::mt19937& random) {  // in [-1, 1]
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random() % 20001) / 10000 - 1;
  return values;
}

inline double relative_l2(const std::vector<float>& found, const std::vector<double>& expected) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(found[i] - expected[i], 2);
    norm += std::pow(expected[i], 2);
  }
  return std::sqrt(difference / norm);
}

}  // namespace twintrack::test

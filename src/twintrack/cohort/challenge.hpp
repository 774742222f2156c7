// Constants of the CURVAS-PDACVI challenge's definitions (arXiv 2604.27582).
#pragma once

#include <array>

namespace twintrack {

// The six thresholds of TDSC: 0.1, 0.24, 0.38, 0.52, 0.66, 0.8, as numpy.linspace(0.1, 0.8, 6) rounds them.
inline constexpr std::array<double, 6> kChallengeThresholds = [] {
  std::array<double, 6> thresholds{};
  for (int i = 0; i < 5; ++i) thresholds[i] = 0.1 + i * ((0.8 - 0.1) / 5);
  thresholds[5] = 0.8;
  return thresholds;
}();

// What it adds to Dice's denominator.
inline constexpr double kChallengeSmoothing = 1e-6;

}  // namespace twintrack

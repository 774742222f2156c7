// The bins of confidence that the challenges' expected calibration error sums over.
#pragma once

#include <algorithm>
#include <array>

namespace twintrack {

inline constexpr int kEqualBins = 50;                   // of [0, 1], each closed on the left
inline constexpr int kConfidenceBins = kEqualBins + 1;  // the last one holds exactly 1

// Lower bounds of the bins: the float32 numbers nearest to i / 50. (Those of torch.linspace, which the official code
// uses, are the next float32 number in some places, which ones depends on the processor.)
inline constexpr std::array<float, kConfidenceBins> kConfidenceBounds = [] {
  std::array<float, kConfidenceBins> bounds{};
  for (int i = 0; i < kConfidenceBins; ++i) bounds[i] = static_cast<float>(static_cast<double>(i) / kEqualBins);
  return bounds;
}();

// Number of the bin of a confidence in [0, 1].
inline int confidence_bin(float confidence) {
  const int guess = std::min(static_cast<int>(confidence * kEqualBins), kEqualBins);
  if (confidence < kConfidenceBounds[guess]) return guess - 1;
  return guess < kEqualBins && confidence >= kConfidenceBounds[guess + 1] ? guess + 1 : guess;
}

}  // namespace twintrack

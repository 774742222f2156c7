#include "twintrack/report/grey_levels.hpp"

#include "twintrack/evaluation/agreement_counts.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr int kExperts = 5;

// `count` levels from `first_hu` on, numbered from `first_level`.
struct Range {
  int first_level;
  int count;
  float first_hu;
  float step_hu;
};
constexpr std::array<Range, 3> kRanges{{{0, 32, -1000, 25}, {32, 181, -200, 2.5F}, {213, 43, 280, 30}}};

std::array<float, 256> make_levels() {
  std::array<float, 256> hu{};
  for (const Range& range : kRanges) {
    for (int i = 0; i < range.count; ++i) {
      hu[range.first_level + i] = range.first_hu + static_cast<float>(i) * range.step_hu;
    }
  }
  return hu;
}

}  // namespace

const std::array<float, 256>& hu_of_levels() {
  static const std::array<float, 256> hu = make_levels();
  return hu;
}

std::uint8_t level_of_hu(float hu) {
  constexpr float below_soft_tissue = -212.5F;  // half way between the ranges' neighbouring levels
  constexpr float above_soft_tissue = 265;
  const Range& range = kRanges[hu < below_soft_tissue ? 0 : hu < above_soft_tissue ? 1 : 2];
  const float step =
      std::clamp(std::round((hu - range.first_hu) / range.step_hu), 0.0F, static_cast<float>(range.count - 1));
  return static_cast<std::uint8_t>(range.first_level + static_cast<int>(step));
}

std::uint8_t level_of_probability(float probability) {
  static const std::array<float, kExperts> edges = [] {
    std::array<float, kExperts> values{};
    for (int k = 1; k <= kExperts; ++k) values[k - 1] = agreement_edge(k, kExperts);
    return values;
  }();
  int reached = 0;
  while (reached < kExperts && probability >= edges[reached]) ++reached;
  const int lowest = reached * kLevelsPerExpert;
  return static_cast<std::uint8_t>(std::clamp(static_cast<int>(std::lround(255 * probability)), lowest,
                                              std::min(lowest + kLevelsPerExpert - 1, 255)));
}

}  // namespace twintrack

#include "twintrack/evaluation/overlap.hpp"

#include <cmath>
#include <limits>

namespace twintrack {

Overlap overlap(const BitMask& a, const BitMask& b) { return {count_of_both(a, b), count(a), count(b)}; }

double dice(const Overlap& sets, double smoothing) {
  const std::int64_t sum = sets.first + sets.second;
  return sum == 0 ? 1.0 : 2.0 * static_cast<double>(sets.both) / (static_cast<double>(sum) + smoothing);
}

double intersection_over_union(const Overlap& sets) {
  const std::int64_t either = sets.first + sets.second - sets.both;
  return either == 0 ? 1.0 : static_cast<double>(sets.both) / static_cast<double>(either);
}

float first_float_above(double threshold) {
  const auto nearest = static_cast<float>(threshold);
  return static_cast<double>(nearest) > threshold ? nearest
                                                  : std::nextafter(nearest, std::numeric_limits<float>::infinity());
}

}  // namespace twintrack

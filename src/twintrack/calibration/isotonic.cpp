#include "twintrack/calibration/isotonic.hpp"

#include <algorithm>

namespace twintrack {

void PoolAdjacentViolators::append(const PoolAdjacentViolators& above) {
  for (const Pool& pool : above.pools_) push(pool);
}

Knots PoolAdjacentViolators::knots() const {
  if (pools_.empty()) return {{0.0F}, {0.0F}};
  Knots knots;
  for (const Pool& pool : pools_) {
    const auto y = static_cast<float>(std::clamp(pool.target_sum / pool.weight, 0.0, 1.0));
    knots.x.push_back(pool.first);
    knots.y.push_back(y);
    if (pool.last > pool.first) {
      knots.x.push_back(pool.last);
      knots.y.push_back(y);
    }
  }
  return knots;
}

Knots fit_isotonic(std::span<const Level> levels) {
  PoolAdjacentViolators pools;
  for (const Level& level : levels) pools.add(level);
  return pools.knots();
}

double curve_at(const Knots& knots, double x) {
  const auto above = std::upper_bound(knots.x.begin(), knots.x.end(), x);
  if (above == knots.x.begin()) return knots.y.front();
  if (above == knots.x.end()) return knots.y.back();
  const auto i = above - knots.x.begin();
  const double x0 = knots.x[i - 1];
  const double y0 = knots.y[i - 1];
  return y0 + (knots.y[i] - y0) * ((x - x0) / (knots.x[i] - x0));
}

}  // namespace twintrack

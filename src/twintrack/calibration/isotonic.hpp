// Isotonic regression by pooling adjacent violators.
#pragma once

#include <span>
#include <vector>

namespace twintrack {

// All observations at one probability: their weight and their weighted sum of targets.
struct Level {
  float probability = 0;
  double weight = 0;
  double target_sum = 0;
};

// A monotone, piecewise linear curve: knots with x strictly ascending and y ascending.
struct Knots {
  std::vector<float> x;
  std::vector<float> y;
};

// The weighted least-squares fit among ascending functions of the levels (ascending probability, weights >= 0; those of
// weight 0 do not count), as knots: first and last probability of each pool (Barlow et al. 1972; what scikit-learn's
// IsotonicRegression keeps). No level with weight: one knot (0, 0).
Knots fit_isotonic(std::span<const Level> levels);

// The same fed level by level.
class PoolAdjacentViolators {
 public:
  void add(const Level& level) {
    if (level.weight > 0) push({level.probability, level.probability, level.weight, level.target_sum});
  }
  // Pools of levels above all that were added.
  void append(const PoolAdjacentViolators& above);
  Knots knots() const;

 private:
  struct Pool {  // neighbouring levels with one common value
    float first = 0;
    float last = 0;
    double weight = 0;
    double target_sum = 0;
  };
  void push(Pool pool) {
    while (!pools_.empty() && pools_.back().target_sum * pool.weight >= pool.target_sum * pools_.back().weight) {
      pool.first = pools_.back().first;
      pool.weight += pools_.back().weight;
      pool.target_sum += pools_.back().target_sum;
      pools_.pop_back();
    }
    pools_.push_back(pool);
  }

  std::vector<Pool> pools_;
};

// Value of the curve: linear between knots, constant outside.
double curve_at(const Knots& knots, double x);

}  // namespace twintrack

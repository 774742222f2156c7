// Sufficient statistics of an isotonic fit: per probability level, the weight of the voxels and of their targets. They
// do not depend on the order of voxels or cases, need the same memory for one case as for a thousand, and can be
// merged.
#pragma once

#include "twintrack/calibration/isotonic.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace twintrack {

// Up to kExactLevels different probabilities, each is a level of its own and the fit is scikit-learn's on the raw
// values. Beyond, a level is a step of 2^-22: probabilities are exact to 2.4e-7.
inline constexpr std::size_t kExactLevels = std::size_t{1} << 18;
inline constexpr std::uint32_t kGridSteps = 1U << 22;
inline constexpr std::size_t kGridLevels = std::size_t{kGridSteps} + 1;  // the last is probability 1

// The step of the grid that a probability in [0, 1] lies on, and where it begins.
inline std::uint32_t grid_step(float probability) {
  return static_cast<std::uint32_t>(probability * static_cast<float>(kGridSteps));
}
inline float grid_probability(std::size_t step) { return static_cast<float>(step) / static_cast<float>(kGridSteps); }

class LevelStatistics {
 public:
  // Adds levels of ascending probability in [0, 1].
  void add(std::vector<Level> levels);
  void add(const LevelStatistics& other);
  // Calls add(first step, weights, target sums) for blocks of steps of the grid, on all threads, to add to them.
  // Weights other than 0 are positive.
  using AddToGrid = std::function<void(std::size_t first_step, std::span<double> weights, std::span<double> targets)>;
  void add_grid(const AddToGrid& add);

  // What happens by itself when there are too many different probabilities.
  void move_to_grid();
  bool on_grid() const { return !grid_weight_.empty(); }
  // Ascending; weights > 0.
  std::vector<Level> levels() const;
  // Smallest and largest probability that they may stand for (a step of the grid for all up to the next), of at least
  // one level.
  std::pair<float, float> range() const;

  // Exact levels nearer to each other than float32's resolution (1e-6) are one observation, as in scikit-learn.
  Knots fit() const;

 private:
  Knots fit_grid() const;

  std::vector<Level> exact_;
  std::vector<double> grid_weight_;  // kGridLevels, or empty as long as levels are exact
  std::vector<double> grid_target_;
};

}  // namespace twintrack

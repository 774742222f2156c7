#include "twintrack/calibration/level_statistics.hpp"

#include "twintrack/core/parallel.hpp"
#include "twintrack/resample/large_array.hpp"

#include <algorithm>
#include <utility>

namespace twintrack {
namespace {

constexpr std::int64_t kStepsPerBlock = 1 << 16;
constexpr float kResolution = 1e-6F;  // numpy.finfo(float32).resolution

// Makes neighbours of one probability one level.
void combine_equal(std::vector<Level>& levels) {
  std::size_t used = 0;
  for (const Level& level : levels) {
    if (used > 0 && levels[used - 1].probability == level.probability) {
      levels[used - 1].weight += level.weight;
      levels[used - 1].target_sum += level.target_sum;
    } else {
      levels[used++] = level;
    }
  }
  levels.resize(used);
}

std::vector<Level> merged(std::span<const Level> a, std::span<const Level> b) {
  std::vector<Level> all(a.size() + b.size());
  std::ranges::merge(a, b, all.begin(), {}, &Level::probability, &Level::probability);
  combine_equal(all);
  return all;
}

}  // namespace

void LevelStatistics::move_to_grid() {
  grid_weight_ = large_vector<double>(kGridLevels);
  grid_target_ = large_vector<double>(kGridLevels);
  add(std::exchange(exact_, {}));
}

void LevelStatistics::add(std::vector<Level> levels) {
  if (!on_grid()) {
    if (exact_.empty()) {
      exact_ = std::move(levels);
      combine_equal(exact_);
    } else {
      exact_ = merged(exact_, levels);
    }
    if (exact_.size() > kExactLevels) move_to_grid();
    return;
  }
  for (const Level& level : levels) {
    const std::uint32_t step = grid_step(level.probability);
    grid_weight_[step] += level.weight;
    grid_target_[step] += level.target_sum;
  }
}

void LevelStatistics::add(const LevelStatistics& other) {
  if (!other.on_grid()) return add(other.exact_);
  add_grid([&](std::size_t first, std::span<double> weights, std::span<double> targets) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] += other.grid_weight_[first + i];
      targets[i] += other.grid_target_[first + i];
    }
  });
}

void LevelStatistics::add_grid(const AddToGrid& add) {
  if (!on_grid()) move_to_grid();
  parallel_for_blocks(kGridLevels, kStepsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    const auto size = static_cast<std::size_t>(end - begin);
    add(begin, std::span(grid_weight_).subspan(begin, size), std::span(grid_target_).subspan(begin, size));
  });
}

std::vector<Level> LevelStatistics::levels() const {
  if (!on_grid()) return exact_;
  std::vector<Level> levels;
  for (std::size_t step = 0; step < kGridLevels; ++step) {
    if (grid_weight_[step] > 0) levels.push_back({grid_probability(step), grid_weight_[step], grid_target_[step]});
  }
  return levels;
}

std::pair<float, float> LevelStatistics::range() const {
  if (!on_grid()) return {exact_.front().probability, exact_.back().probability};
  const auto occupied = [](double weight) { return weight > 0; };
  const auto first = std::ranges::find_if(grid_weight_, occupied) - grid_weight_.begin();
  const auto end = std::find_if(grid_weight_.rbegin(), grid_weight_.rend(), occupied).base() - grid_weight_.begin();
  return {grid_probability(first), std::min(grid_probability(end), 1.0F)};
}

// Pools of blocks of steps, then of those: the order in which neighbours are pooled does not change the result.
Knots LevelStatistics::fit_grid() const {
  constexpr std::int64_t blocks = (kGridLevels + kStepsPerBlock - 1) / kStepsPerBlock;
  std::vector<PoolAdjacentViolators> parts(blocks);
  parallel_for_blocks(kGridLevels, kStepsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    PoolAdjacentViolators& part = parts[begin / kStepsPerBlock];
    for (std::int64_t step = begin; step < end; ++step)
      part.add({grid_probability(step), grid_weight_[step], grid_target_[step]});
  });
  PoolAdjacentViolators all;
  for (const PoolAdjacentViolators& part : parts) all.append(part);
  return all.knots();
}

Knots LevelStatistics::fit() const {
  if (on_grid()) return fit_grid();
  PoolAdjacentViolators pools;
  Level observation;
  for (const Level& level : exact_) {
    if (observation.weight > 0 && level.probability - observation.probability >= kResolution) {
      pools.add(observation);
      observation = {};
    }
    if (observation.weight == 0) observation.probability = level.probability;
    observation.weight += level.weight;
    observation.target_sum += level.target_sum;
  }
  pools.add(observation);
  return pools.knots();
}

}  // namespace twintrack

#include "twintrack/calibration/level_statistics.hpp"

#include "twintrack/core/parallel.hpp"
#include "twintrack/resample/large_array.hpp"

#include <algorithm>

namespace twintrack {
namespace {

constexpr std::int64_t kStepsPerBlock = 1 << 16;
constexpr float kResolution = 1e-6F;  // numpy.finfo(float32).resolution

std::vector<Level> merged(std::span<const Level> a, std::span<const Level> b) {
  std::vector<Level> all;
  all.reserve(a.size() + b.size());
  while (!a.empty() || !b.empty()) {
    const bool from_a = b.empty() || (!a.empty() && a.front().probability <= b.front().probability);
    const Level next = from_a ? a.front() : b.front();
    (from_a ? a : b) = (from_a ? a : b).subspan(1);
    if (!all.empty() && all.back().probability == next.probability) {
      all.back().weight += next.weight;
      all.back().target_sum += next.target_sum;
    } else {
      all.push_back(next);
    }
  }
  return all;
}

}  // namespace

template <typename Visit>
void LevelStatistics::for_each(Visit&& visit) const {
  for (const Level& level : exact_) visit(level);
  for (std::size_t step = 0; step < grid_weight_.size(); ++step) {
    if (grid_weight_[step] > 0) visit(Level{grid_probability(step), grid_weight_[step], grid_target_[step]});
  }
}

void LevelStatistics::move_to_grid() {
  grid_weight_ = large_vector<double>(kGridLevels);
  grid_target_ = large_vector<double>(kGridLevels);
  const std::vector<Level> levels = std::move(exact_);
  exact_ = {};
  add(levels);
}

void LevelStatistics::add(std::span<const Level> levels) {
  if (!on_grid()) {
    exact_ = merged(exact_, levels);
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
  std::vector<Level> levels;
  for_each([&](const Level& level) { levels.push_back(level); });
  return levels;
}

std::pair<float, float> LevelStatistics::range() const {
  if (!on_grid()) return {exact_.front().probability, exact_.back().probability};
  const auto occupied = [](double weight) { return weight > 0; };
  const auto first = std::ranges::find_if(grid_weight_, occupied) - grid_weight_.begin();
  const auto end = std::find_if(grid_weight_.rbegin(), grid_weight_.rend(), occupied).base() - grid_weight_.begin();
  return {grid_probability(first), std::min(grid_probability(end), 1.0F)};
}

Knots LevelStatistics::fit() const {
  PoolAdjacentViolators pools;
  Level observation;
  for_each([&](const Level& level) {
    if (observation.weight > 0 && (on_grid() || level.probability - observation.probability >= kResolution)) {
      pools.add(observation);
      observation = {};
    }
    if (observation.weight == 0) observation.probability = level.probability;
    observation.weight += level.weight;
    observation.target_sum += level.target_sum;
  });
  pools.add(observation);
  return pools.knots();
}

}  // namespace twintrack

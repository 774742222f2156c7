#include "twintrack/calibration/case_levels.hpp"

#include <numeric>

namespace twintrack {

std::uint64_t CaseLevels::voxels() const { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); }

std::vector<Level> weighted_levels(const CaseLevels& item) {
  const int classes = item.classes();
  std::vector<Level> levels;
  for (std::size_t i = 0; i < item.levels.size(); ++i) {
    Level level{case_level_probability(item.levels[i]), 0, 0};
    for (int c = 0; c < classes; ++c) {
      const double weight = item.voxel_weight * static_cast<double>(item.counts[i * classes + c]);
      level.weight += weight;
      level.target_sum += weight * item.target(c);
    }
    levels.push_back(level);
  }
  return levels;
}

}  // namespace twintrack

// What the fit's diagnostics need of one case: how many voxels lie at each of 2562 probability levels, by how many
// raters marked them and whether they are the target. A few ten kilobytes a case.
#pragma once

#include "twintrack/calibration/level_statistics.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

namespace twintrack {

// Levels of 1/128 octave from 2^-20 to 1, all below as level 0, and 1. A probability counts as the step of
// LevelStatistics' grid that it lies on.
inline constexpr std::uint32_t kCaseLevels = 20 * 128 + 2;
inline constexpr std::uint32_t kSmallestCaseProbability = std::bit_cast<std::uint32_t>(0x1p-20F);
inline constexpr int kCaseLevelShift = 16;  // of float32's bits

inline std::uint32_t case_level_of_step(std::size_t step) {
  const auto bits = std::bit_cast<std::uint32_t>(grid_probability(step));
  return bits < kSmallestCaseProbability ? 0 : ((bits - kSmallestCaseProbability) >> kCaseLevelShift) + 1;
}
inline std::uint32_t case_level(float probability) { return case_level_of_step(grid_step(probability)); }
// Centre of the level.
inline float case_level_probability(std::uint32_t level) {
  if (level == 0) return 0.0F;
  if (level == kCaseLevels - 1) return 1.0F;
  return std::bit_cast<float>(kSmallestCaseProbability + ((level - 1) << kCaseLevelShift) +
                              (1U << (kCaseLevelShift - 1)));
}

// A voxel's class: how many raters marked it, plus (raters + 1) where a binary target is 1.
struct CaseLevels {
  std::string name;
  std::string identity;  // SHA-256 over the files the case was read from, or empty
  int raters = 0;
  bool binary_target = false;
  double voxel_weight = 1;
  std::vector<std::uint32_t> levels;   // those with voxels, ascending
  std::vector<std::uint64_t> counts;   // levels.size() x classes()
  std::vector<std::uint64_t> outside;  // voxels outside the region of interest that 0, 1, ... raters marked

  int classes() const { return (raters + 1) * (binary_target ? 2 : 1); }
  int marked_by(int voxel_class) const { return voxel_class % (raters + 1); }
  // In [0, 1].
  double target(int voxel_class) const {
    return binary_target ? voxel_class / (raters + 1) : static_cast<double>(voxel_class) / raters;
  }
  std::uint64_t voxels() const;  // in the region of interest
};

// Weight and target sum of each level of the case.
std::vector<Level> weighted_levels(const CaseLevels& item);

}  // namespace twintrack

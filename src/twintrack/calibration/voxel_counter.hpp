// Counts voxels by probability and class. Internal to this module.
#pragma once

#include "twintrack/calibration/level_statistics.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

// One thread's counts. A class says how many raters marked a voxel and what its target is, a whole number up to 64;
// counts and targets share 64 bits, which bounds the number of voxels.
class VoxelCounter {
 public:
  static std::int64_t most_voxels(std::span<const std::uint8_t> target_of_class);

  // `on_grid`: probabilities are counted on LevelStatistics' grid; else exactly, as long as they are few.
  VoxelCounter(std::span<const std::uint8_t> target_of_class, bool on_grid);

  // Voxels of probabilities in [0, 1], with a class each or all of class 0.
  void add(std::span<const float> probabilities, const std::uint8_t* voxel_classes);
  void add(std::span<const float> probabilities);

  // Ends the counting: what follows tells the result.
  void finish();
  bool on_grid() const { return !grid_.empty(); }
  void move_to_grid();

  // Voxels and targets of a step of the grid.
  std::uint64_t voxels_at(std::size_t step) const { return grid_[step] >> 32; }
  std::uint64_t targets_at(std::size_t step) const { return grid_[step] & 0xFFFFFFFFU; }

  // The same exactly, of ascending probability; empty on the grid.
  struct Exact {
    std::uint32_t bits = 0;    // of the probability
    std::uint64_t packed = 0;  // voxels << 32 | targets
  };
  std::span<const Exact> exact() const { return exact_; }

  // Voxels of each class, kCaseLevels x classes; of class 0 only some.
  std::span<const std::uint32_t> marked_counts() const { return marked_counts_; }

 private:
  void collect(float probability, std::uint8_t voxel_class);
  void sort_collected();

  std::size_t classes_;
  std::array<std::uint64_t, 256> packed_of_class_{};
  std::vector<std::uint64_t> grid_;
  std::vector<Exact> exact_;
  std::vector<std::uint64_t> collected_;  // bits << 32 | class, not in exact_ yet
  std::vector<std::uint64_t> scratch_;
  std::vector<std::uint32_t> marked_counts_;
};

}  // namespace twintrack

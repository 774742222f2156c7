#include "twintrack/calibration/voxel_counter.hpp"

#include "twintrack/calibration/case_levels.hpp"
#include "twintrack/resample/large_array.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace twintrack {
namespace {

constexpr std::uint64_t kOneVoxel = std::uint64_t{1} << 32;
constexpr std::size_t kMostCollected = std::size_t{1} << 18;

// By the upper half, whose two highest bits are 0: three passes of ten bits.
void radix_sort(std::vector<std::uint64_t>& values, std::vector<std::uint64_t>& scratch) {
  constexpr int kDigit = 10;
  scratch.resize(values.size());
  for (int shift = 32; shift < 32 + 3 * kDigit; shift += kDigit) {
    std::array<std::uint32_t, 1 << kDigit> places{};
    const auto digit = [shift](std::uint64_t value) { return value >> shift & ((1U << kDigit) - 1); };
    for (const std::uint64_t value : values) ++places[digit(value)];
    std::uint32_t below = 0;
    for (std::uint32_t& place : places) below += std::exchange(place, below);
    for (const std::uint64_t value : values) scratch[places[digit(value)]++] = value;
    values.swap(scratch);
  }
}

}  // namespace

std::int64_t VoxelCounter::most_voxels(std::span<const std::uint8_t> target_of_class) {
  return static_cast<std::int64_t>(kOneVoxel - 1) / std::max<std::int64_t>(1, std::ranges::max(target_of_class));
}

VoxelCounter::VoxelCounter(std::span<const std::uint8_t> target_of_class, bool on_grid)
    : classes_(target_of_class.size()), marked_counts_(kCaseLevels * classes_) {
  for (std::size_t c = 0; c < classes_; ++c) packed_of_class_[c] = kOneVoxel | target_of_class[c];
  if (on_grid) move_to_grid();
}

void VoxelCounter::add(std::span<const float> probabilities, const std::uint8_t* voxel_classes) {
  std::size_t i = 0;
  for (; i < probabilities.size() && !on_grid(); ++i) {
    ++marked_counts_[case_level(probabilities[i]) * classes_ + voxel_classes[i]];
    collect(probabilities[i], voxel_classes[i]);
  }
  std::uint64_t* const grid = grid_.data();
  std::uint32_t* const marked = marked_counts_.data();
  for (; i < probabilities.size(); ++i) {
    const std::uint32_t step = grid_step(probabilities[i]);
    grid[step] += packed_of_class_[voxel_classes[i]];
    ++marked[case_level_of_step(step) * classes_ + voxel_classes[i]];
  }
}

void VoxelCounter::add(std::span<const float> probabilities) {
  std::size_t i = 0;
  for (; i < probabilities.size() && !on_grid(); ++i) collect(probabilities[i], 0);
  const std::uint64_t packed = packed_of_class_[0];
  std::uint64_t* const grid = grid_.data();
  for (; i < probabilities.size(); ++i) grid[grid_step(probabilities[i])] += packed;
}

void VoxelCounter::collect(float probability, std::uint8_t voxel_class) {
  const auto bits = std::bit_cast<std::uint32_t>(probability + 0.0F);  // -0 becomes 0
  collected_.push_back(std::uint64_t{bits} << 32 | voxel_class);
  if (collected_.size() == kMostCollected) sort_collected();
}

void VoxelCounter::sort_collected() {
  radix_sort(collected_, scratch_);
  std::vector<Exact> all;
  all.reserve(exact_.size() + collected_.size());
  const auto append = [&](std::uint32_t bits, std::uint64_t packed) {
    if (all.empty() || all.back().bits != bits) {
      all.push_back({bits, packed});
    } else {
      all.back().packed += packed;
    }
  };
  auto known = exact_.begin();
  for (const std::uint64_t value : collected_) {
    const auto bits = static_cast<std::uint32_t>(value >> 32);
    for (; known != exact_.end() && known->bits <= bits; ++known) append(known->bits, known->packed);
    append(bits, packed_of_class_[value & 0xFF]);
  }
  for (; known != exact_.end(); ++known) append(known->bits, known->packed);
  exact_ = std::move(all);
  collected_.clear();
  if (exact_.size() > kExactLevels) move_to_grid();
}

void VoxelCounter::finish() {
  if (!on_grid()) sort_collected();
}

void VoxelCounter::move_to_grid() {
  grid_ = large_vector<std::uint64_t>(kGridLevels);
  for (const Exact& level : exact_) grid_[grid_step(std::bit_cast<float>(level.bits))] += level.packed;
  exact_ = {};
}

}  // namespace twintrack

#include "twintrack/api/in_memory.hpp"

#include "twintrack/volume/check.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>

namespace twintrack {
namespace {

constexpr float kRounding = 1e-6F;
constexpr std::int64_t kBlock = 1 << 16;  // whole words of a BitMask

void check_size(std::size_t voxels, const Geometry& grid, const std::string& what) {
  if (voxels == static_cast<std::size_t>(grid.voxel_count())) return;
  throw InputError("{}: {} voxels, the probability map has {} ({}, z, y, x)", what, voxels, grid.voxel_count(),
                   fmt::join(grid.shape(), " x "));
}

// The first voxel for which `is_wrong`; the number of voxels when there is none.
template <typename T, typename IsWrong>
std::int64_t find_wrong(std::span<const T> voxels, const IsWrong& is_wrong) {
  std::atomic<std::int64_t> first = std::ssize(voxels);
  parallel_for_blocks(std::ssize(voxels), kBlock, [&](std::int64_t begin, std::int64_t end) {
    int wrong = 0;
    for (std::int64_t i = begin; i < end; ++i) wrong |= is_wrong(voxels[i]) ? 1 : 0;
    if (wrong == 0) return;
    const auto found = std::find_if(voxels.begin() + begin, voxels.begin() + end, is_wrong) - voxels.begin();
    std::int64_t known = first;
    while (found < known && !first.compare_exchange_weak(known, found)) {
    }
  });
  return first;
}

}  // namespace

CheckedProbability::CheckedProbability(const VolumeView<float>& map, const std::string& what)
    : geometry_(map.geometry), voxels_(map.voxels) {
  check_grid(geometry_, voxels_.size(), what);
  const std::int64_t count = std::ssize(voxels_);
  const auto outside = [](float p) { return !(p >= 0.0F && p <= 1.0F); };
  if (find_wrong(voxels_, outside) == count) return;
  const auto far_outside = [](float p) { return !(p >= -kRounding && p <= 1.0F + kRounding); };
  if (const std::int64_t wrong = find_wrong(voxels_, far_outside); wrong < count) {
    throw InputError("{}: {} at {} is no probability, 0 to 1 is right", what, voxels_[wrong],
                     voxel_name(wrong, geometry_));
  }
  clamped_.assign(voxels_.begin(), voxels_.end());
  for (float& p : clamped_) p = std::clamp(p, 0.0F, 1.0F);
}

BitMask pack_mask(MaskView mask, const Geometry& grid, const std::string& what) {
  check_size(mask.size(), grid, what);
  if (const std::int64_t wrong = find_wrong(mask, [](std::uint8_t v) { return v > 1; }); wrong < std::ssize(mask)) {
    throw InputError("{}: {} at {}: a binary map of 0 and 1 is needed", what, mask[wrong], voxel_name(wrong, grid));
  }
  BitMask packed(grid.shape());
  parallel_for_blocks(packed.size(), kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t word = begin; word < end; word += BitMask::kWordBits) {
      std::uint64_t bits = 0;
      const std::int64_t size = std::min(end - word, BitMask::kWordBits);
      for (std::int64_t i = 0; i < size; ++i) bits |= std::uint64_t{mask[word + i]} << i;
      packed.words()[word / BitMask::kWordBits] = bits;
    }
  });
  return packed;
}

RaterSet pack_raters(std::span<const MaskView> raters, const Geometry& grid, const std::string& of_what) {
  if (raters.empty() || raters.size() > kMaximalRaters)
    throw InputError("{}: {} raters, 1 to {} are right", of_what, raters.size(), kMaximalRaters);
  RaterSet set{grid, {}};
  for (std::size_t k = 0; k < raters.size(); ++k)
    set.masks.push_back(pack_mask(raters[k], grid, fmt::format("{}: rater {}", of_what, k + 1)));
  return set;
}

std::vector<VesselMask> pack_vessels(std::span<const std::uint8_t> labels, const Geometry& grid) {
  check_size(labels.size(), grid, "vessels");
  std::vector<VesselMask> vessels;
  bool found = false;
  for (const VesselLabel& vessel : challenge_vessels()) {
    BitMask mask(grid.shape());
    for (std::int64_t i = 0; i < std::ssize(labels); ++i) {
      if (labels[i] != vessel.label) continue;
      mask.set(i);
      found = true;
    }
    vessels.push_back({vessel.name, std::move(mask)});
  }
  if (!found) throw InputError("vessels: none of the labels 1 to {} is there", challenge_vessels().size());
  return vessels;
}

}  // namespace twintrack

// A binary map with one bit a voxel: raters' outlines of a whole cohort case fit in memory beside its probability map.
#pragma once

#include "twintrack/core/shape.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

class BitMask {
 public:
  static constexpr std::int64_t kWordBits = 64;

  BitMask() = default;
  explicit BitMask(const Shape3& shape)
      : shape_(shape), words_(static_cast<std::size_t>((voxel_count(shape) + kWordBits - 1) / kWordBits)) {}

  const Shape3& shape() const { return shape_; }  // z, y, x; x runs fastest
  std::int64_t size() const { return voxel_count(shape_); }

  bool operator[](std::int64_t voxel) const { return (words_[voxel / kWordBits] >> (voxel % kWordBits) & 1) != 0; }
  void set(std::int64_t voxel) { words_[voxel / kWordBits] |= std::uint64_t{1} << (voxel % kWordBits); }

  // Voxel i is bit i % 64 of word i / 64; bits beyond size() are 0.
  std::span<const std::uint64_t> words() const { return words_; }
  std::span<std::uint64_t> words() { return words_; }

 private:
  Shape3 shape_{};
  std::vector<std::uint64_t> words_;
};

// Number of set voxels, of one mask or of those set in both (which have the same shape).
std::int64_t count(const BitMask& mask);
std::int64_t count_of_both(const BitMask& a, const BitMask& b);

// Smallest box around the set voxels; empty() when there are none.
Box3 bounding_box(const BitMask& mask);

// A byte for each voxel of the box (within the mask), 0 or 1, x fastest.
std::vector<std::uint8_t> unpack(const BitMask& mask, const Box3& box);

}  // namespace twintrack

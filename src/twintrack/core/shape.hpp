// Extents of a 3-D array in nnU-Net's axis order (z, y, x): the last index runs fastest.
#pragma once

#include <array>
#include <cstdint>

namespace twintrack {

using Shape3 = std::array<std::int64_t, 3>;
using Spacing3 = std::array<double, 3>;

constexpr std::int64_t voxel_count(const Shape3& shape) { return shape[0] * shape[1] * shape[2]; }

// A box [begin, end) per axis.
struct Box3 {
  Shape3 begin{};
  Shape3 end{};
  constexpr Shape3 shape() const { return {end[0] - begin[0], end[1] - begin[1], end[2] - begin[2]}; }
  constexpr bool empty() const { return end[0] <= begin[0] || end[1] <= begin[1] || end[2] <= begin[2]; }
  friend constexpr bool operator==(const Box3&, const Box3&) = default;
};

// Smallest box that holds both.
constexpr Box3 union_of(const Box3& a, const Box3& b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  Box3 box = a;
  for (int axis = 0; axis < 3; ++axis) {
    if (b.begin[axis] < box.begin[axis]) box.begin[axis] = b.begin[axis];
    if (b.end[axis] > box.end[axis]) box.end[axis] = b.end[axis];
  }
  return box;
}

}  // namespace twintrack

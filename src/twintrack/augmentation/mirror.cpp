#include "twintrack/augmentation/spatial.hpp"

#include <algorithm>

namespace twintrack {
namespace {

template <typename T>
void mirror_array(T* values, const Shape3& shape, const std::array<bool, 3>& axes) {
  const std::int64_t depth = shape[0];
  const std::int64_t height = shape[1];
  const std::int64_t width = shape[2];
  const auto row = [&](std::int64_t z, std::int64_t y) { return values + (z * height + y) * width; };
  if (axes[0]) {
    for (std::int64_t z = 0; z < depth / 2; ++z) {
      std::swap_ranges(row(z, 0), row(z, 0) + height * width, row(depth - 1 - z, 0));
    }
  }
  for (std::int64_t z = 0; z < depth; ++z) {
    for (std::int64_t y = 0; axes[1] && y < height / 2; ++y) {
      std::swap_ranges(row(z, y), row(z, y) + width, row(z, height - 1 - y));
    }
    for (std::int64_t y = 0; axes[2] && y < height; ++y) std::reverse(row(z, y), row(z, y) + width);
  }
}

}  // namespace

void mirror(Patch& patch, const std::array<bool, 3>& axes) {
  for (std::int64_t c = 0; c < patch.channels; ++c) {
    mirror_array(patch.image.data() + c * voxel_count(patch.shape), patch.shape, axes);
  }
  mirror_array(patch.labels.data(), patch.shape, axes);
  if (!patch.soft.empty()) mirror_array(patch.soft.data(), patch.shape, axes);
}

}  // namespace twintrack

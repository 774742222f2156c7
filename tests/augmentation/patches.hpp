// Patches whose transformed values are known.
#pragma once

#include "twintrack/augmentation/patch.hpp"
#include "twintrack/core/random.hpp"

#include <functional>

namespace twintrack {

using Place = std::array<double, 3>;  // from the patch's centre, in voxels (z, y, x)

inline void for_each_voxel(const Shape3& shape, const std::function<void(std::int64_t, const Place&)>& visit) {
  std::int64_t i = 0;
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        visit(i++, {static_cast<double>(2 * z - shape[0] + 1) / 2, static_cast<double>(2 * y - shape[1] + 1) / 2,
                    static_cast<double>(2 * x - shape[2] + 1) / 2});
      }
    }
  }
}

inline Patch blank_patch(const Shape3& shape, std::int64_t channels = 1) {
  const std::int64_t voxels = voxel_count(shape);
  return {shape, channels, std::vector<float>(voxels * channels), std::vector<std::int16_t>(voxels),
          std::vector<float>(voxels)};
}

// The image is a function of the place; one channel.
inline Patch patch_of(const Shape3& shape, const std::function<double(const Place&)>& value) {
  Patch patch = blank_patch(shape);
  for_each_voxel(shape, [&](std::int64_t i, const Place& p) { patch.image[i] = static_cast<float>(value(p)); });
  return patch;
}

// Independent values in every voxel: image uniform on (-1, 1), labels 0 to 3, soft uniform on (0, 1).
inline Patch noise_patch(const Shape3& shape, std::int64_t channels = 1, std::uint64_t key = 1) {
  Patch patch = blank_patch(shape, channels);
  Random random(key, 1);
  for (float& value : patch.image) value = static_cast<float>(random.uniform(-1, 1));
  for (std::int16_t& label : patch.labels) label = static_cast<std::int16_t>(random.below(4));
  for (float& share : patch.soft) share = static_cast<float>(random.uniform(0, 1));
  return patch;
}

}  // namespace twintrack

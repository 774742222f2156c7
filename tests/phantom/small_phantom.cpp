#include "phantom/small_phantom.hpp"

#include <algorithm>

namespace twintrack::phantom::test {

std::vector<std::int64_t> component_sizes(const Volume<std::uint8_t>& volume, int value) {
  const auto& size = volume.geometry.size;
  std::vector<bool> seen(volume.voxels.size());
  std::vector<std::int64_t> sizes;
  for (std::int64_t start = 0; start < volume.geometry.voxel_count(); ++start) {
    if (volume.voxels[start] != value || seen[start]) continue;
    std::vector<std::int64_t> open{start};
    seen[start] = true;
    std::int64_t count = 0;
    while (!open.empty()) {
      const std::int64_t at = open.back();
      open.pop_back();
      ++count;
      const std::int64_t x = at % size[0], y = at / size[0] % size[1], z = at / (size[0] * size[1]);
      for (std::int64_t n = 0; n < 27; ++n) {
        const std::int64_t nx = x + n % 3 - 1, ny = y + n / 3 % 3 - 1, nz = z + n / 9 - 1;
        if (nx < 0 || ny < 0 || nz < 0 || nx >= size[0] || ny >= size[1] || nz >= size[2]) continue;
        const std::int64_t next = (nz * size[1] + ny) * size[0] + nx;
        if (volume.voxels[next] != value || seen[next]) continue;
        seen[next] = true;
        open.push_back(next);
      }
    }
    sizes.push_back(count);
  }
  std::ranges::sort(sizes, std::greater<>());
  return sizes;
}

}  // namespace twintrack::phantom::test

#include "twintrack/volume/check.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/volume/raw_image.hpp"
#include "twintrack/volume/voxel_reader.hpp"

#include <fmt/ranges.h>

namespace twintrack {

void check_grid(const Geometry& geometry, std::size_t voxels, const std::string& what) {
  volume_io::check_geometry(geometry, what);
  if (voxels != static_cast<std::size_t>(geometry.voxel_count())) {
    throw InputError("{}: {} voxels, its geometry of {} (x, y, z) has {}", what, voxels,
                     fmt::join(geometry.size, " x "), geometry.voxel_count());
  }
}

void check_volume(const Volume<float>& volume, const std::string& what) {
  check_grid(volume.geometry, volume.voxels.size(), what);
  volume_io::check_finite(volume, what);
}

}  // namespace twintrack

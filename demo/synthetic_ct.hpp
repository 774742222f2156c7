// A cartoon of an abdomen in the portal-venous phase, with a hypodense lesion in the pancreas.
#pragma once

#include <array>
#include <cstdint>

#include "twintrack/volume/volume.hpp"

namespace twintrack::demo {

// `size` voxels (x, y, z) around the middle of the abdomen; whole HU, the same on every machine.
Volume<float> synthetic_ct(const std::array<std::int64_t, 3>& size, const std::array<double, 3>& spacing_mm);

}  // namespace twintrack::demo

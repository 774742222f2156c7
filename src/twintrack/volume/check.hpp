// What read_volume checks of a file, for volumes that are in memory already.
#pragma once

#include "twintrack/volume/volume.hpp"

#include <cstddef>
#include <string>

namespace twintrack {

// Throws InputError, naming `what`, unless there are as many voxels as the geometry says, at least one, with plausible
// spacing and origin and an orthonormal direction.
void check_grid(const Geometry& geometry, std::size_t voxels, const std::string& what);

// The same, and all voxels are finite.
void check_volume(const Volume<float>& volume, const std::string& what);

}  // namespace twintrack

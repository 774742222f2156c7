// Where a volume lies, without its voxels.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "twintrack/volume/volume.hpp"

namespace twintrack {

// The geometry of what read_volume reads for the same arguments, from headers alone (of DICOM: those of all files, and
// pixels where two slices are at one position). Throws what it throws for its headers.
Geometry read_geometry(const std::filesystem::path& path, const std::optional<std::string>& series_uid = {});

}  // namespace twintrack

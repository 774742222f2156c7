// DICOM images as a volume. Internal to this module.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/volume/dicom_source.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::volume_io {

// The volume of the series that choose_series finds, its slices as stack_of puts them; Pixel Padding becomes air.
// Needs memory for the volume and one slice a thread (a resampled stack: two; a deflated multi-frame image: its pixels
// as they are stored). `warnings` says what a person should know of it. Throws InputError for what is damaged or no
// volume, and ResourceError when it is larger than memory.
Volume<float> read_dicom(const std::filesystem::path& path, const std::optional<std::string>& series_uid,
                         std::vector<std::string>& warnings);

// Of that volume; pixels are read only where two slices are at one position.
Geometry geometry_of_dicom(const std::filesystem::path& path, const std::optional<std::string>& series_uid);

DicomSource source_of(const std::filesystem::path& path, const std::optional<std::string>& series_uid);

}  // namespace twintrack::volume_io

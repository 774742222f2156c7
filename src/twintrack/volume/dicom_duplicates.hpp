// Slices at one position. Internal to this module.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "twintrack/volume/dicom_slice.hpp"

namespace twintrack::volume_io {

// `slices`, which are sorted along their normal, with one at each position: of those with the same pixels the first is
// kept, which `warnings` says. Throws InputError, which names two of them, when pixels differ; where each position is
// there several times (phases, time points, reconstructions in one series), it says what tells them apart.
std::vector<Slice> without_duplicates(std::vector<Slice> slices, const std::filesystem::path& path,
                                      const std::function<bool(const Slice&, const Slice&)>& same_pixels,
                                      std::vector<std::string>& warnings);

}  // namespace twintrack::volume_io

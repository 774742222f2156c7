// A volume as a DICOM series. Its values are whole numbers of at least -1024 and its axes right-handed.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "twintrack/volume/volume.hpp"
#include "volume/dicom_files.hpp"

namespace twintrack::test {

inline void write_dicom_copy(const std::filesystem::path& folder, const Volume<float>& volume,
                             const DicomImage& like = {}) {
  const Geometry& g = volume.geometry;
  const auto& d = g.direction;
  std::filesystem::create_directories(folder);
  DicomImage slice = like;
  slice.rows = static_cast<std::uint16_t>(g.size[1]);
  slice.columns = static_cast<std::uint16_t>(g.size[0]);
  slice.pixel_spacing = fmt::format("{}\\{}", g.spacing_mm[1], g.spacing_mm[0]);
  slice.orientation =
      fmt::format("{:.12g}\\{:.12g}\\{:.12g}\\{:.12g}\\{:.12g}\\{:.12g}", d[0], d[3], d[6], d[1], d[4], d[7]);
  const std::int64_t plane = g.size[0] * g.size[1];
  for (std::int64_t z = 0; z < g.size[2]; ++z) {
    const double along = static_cast<double>(z) * g.spacing_mm[2];
    slice.position = fmt::format("{:.10g}\\{:.10g}\\{:.10g}", g.origin_mm[0] + d[2] * along,
                                 g.origin_mm[1] + d[5] * along, g.origin_mm[2] + d[8] * along);
    slice.pixels.resize(static_cast<std::size_t>(plane));
    std::transform(volume.voxels.begin() + z * plane, volume.voxels.begin() + (z + 1) * plane, slice.pixels.begin(),
                   [](float value) { return static_cast<std::int16_t>(std::lround(value) + 1024); });
    write_dicom(folder / fmt::format("{:04}.dcm", z), slice);
  }
}

}  // namespace twintrack::test

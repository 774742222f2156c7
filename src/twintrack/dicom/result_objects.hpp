// A case's results as DICOM objects beside its CT.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/dicom/source_study.hpp"
#include "twintrack/volume/volume.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace twintrack {

struct DicomTime {
  std::string date;  // YYYYMMDD
  std::string time;  // HHMMSS
};
DicomTime local_time_now();
// Stands where a date is required and none may be told.
inline const DicomTime kNoTime{"19000101", "000000"};

struct ResultContent {
  const SourceStudy& source;
  const Volume<float>& probability;
  std::span<const std::uint8_t> segmentation;  // on the same grid, 0 or 1
  const Json& summary;                         // CASE.json
  DicomTime created;
};

struct ResultFiles {
  std::filesystem::path segmentation;     // CASE_segmentation.dcm: Segmentation, BINARY
  std::filesystem::path probability;      // CASE_probability.dcm: Segmentation, FRACTIONAL, value / 255
  std::filesystem::path probability_map;  // CASE_probability_map.dcm: Parametric Map, float32
  std::filesystem::path report;           // CASE_report.dcm: Comprehensive 3D SR after TID 1500
};
ResultFiles result_files(const std::filesystem::path& folder, const std::string& case_name);

// Writes the four objects, each complete or not at all; the report last, since it refers to the others. They are a
// function of `content` alone, and so are their UIDs, which differ when anything of it does. Frames cover whole slices
// of the source; those without any voxel above 0 are left out, except that an object has at least one. Uncompressed
// (Explicit VR Little Endian); beside the content, memory is needed for one slice. Throws ResourceError when a file
// cannot be written, and when the objects cannot hold the volume (65535 voxels along x or y, 4 GiB of pixels).
void write_result_objects(const ResultFiles& files, const ResultContent& content);

}  // namespace twintrack

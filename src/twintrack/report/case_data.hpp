// What a report on one case shows: its files read, measured on the whole grid, and cut to bytes for the viewer.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/report/display_grid.hpp"
#include "twintrack/volume/volume.hpp"

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace twintrack {

inline constexpr int kReportExperts = 5;  // "at least k of 5 experts"

// All on one grid.
struct CaseFiles {
  std::string name;
  std::filesystem::path image;  // a volume or a DICOM folder
  std::optional<std::string> series_uid;
  std::filesystem::path probability;
  std::optional<std::filesystem::path> uncalibrated;
  std::optional<std::filesystem::path> segmentation;
  std::optional<std::filesystem::path> roi;
  std::optional<std::filesystem::path> vessels;
  std::optional<std::filesystem::path> summary;  // CASE.json of `predict`
  std::vector<std::filesystem::path> raters;
  std::vector<int> tumor_labels;  // in segmentation and raters' files; empty: 1
};

// A map of shares in [0, 1].
struct ShownMap {
  std::string name;
  ByteVolume bytes;                                  // level_of_probability()
  std::array<double, kReportExperts> agreement_mm3;  // where at least k of 5 (would) agree
  double expected_mm3 = 0;
  bool of_raters = false;  // mean human response
};

enum class MaskKind { segmentation, region, rater, vessel };

struct ShownMask {
  std::string name;
  MaskKind kind = MaskKind::rater;
  double volume_mm3 = 0;
};

struct CaseData {
  Geometry geometry;
  DisplayGrid grid;
  ByteVolume ct;                      // level_of_hu()
  std::vector<ShownMap> maps;         // the probability map first; then uncalibrated, mean human response
  std::vector<ShownMask> masks;       // mask i is bit i % 8 of mask_bits[i / 8]
  std::vector<ByteVolume> mask_bits;  // at least one
  double maximum_probability = 0;
  std::optional<double> tumor_volume_mm3;  // of the segmentation
  std::optional<Box3> region;              // around the region of interest
  // {VESSEL: {"prediction": contact or null, "raters": {"mean", "sd"} or absent}}, contact as in docs/metrics.md; null
  // without vessels.
  Json vascular;
};

// Reads all files of the case, one large volume at a time. The part shown is the region of interest, or else what is
// marked, or else the body, with what raters marked and 25 mm around it. Throws InputError naming the file.
CaseData read_case_data(const CaseFiles& files);

// The data with blocks of `factor` voxels along the two finer axes made one: means of CT and maps, majorities of masks.
CaseData thinned(const CaseData& data, std::int64_t factor);

}  // namespace twintrack

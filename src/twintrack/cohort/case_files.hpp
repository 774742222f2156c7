// Reads the files of a manifest's row, all on one grid.
#pragma once

#include "twintrack/cohort/manifest.hpp"
#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/volume/volume_view.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

// Probabilities in [0, 1]; values outside by rounding (1e-6) are clamped, others refused. Throws InputError naming file
// and voxel.
Volume<float> read_probability(const std::filesystem::path& file);

// The same for some of a map's voxels, from number `begin` on.
void clamp_probabilities(std::span<float> probabilities, std::int64_t begin, const Geometry& geometry,
                         const std::filesystem::path& file);

// A binary map, streamed: one bit a voxel is kept. `labels`: those that count as set; empty: 1, and any other than 0
// and 1 is refused (the message names --tumor-label).
struct MaskFile {
  Geometry geometry;
  BitMask mask;
};
MaskFile read_mask(const std::filesystem::path& file, const std::vector<int>& labels = {});

// All raters of a case. Throws InputError when grids differ (see require_same_grid).
RaterSet read_raters(const std::vector<std::filesystem::path>& files, const std::vector<int>& labels = {});

// What calibration and evaluation read of a case, all on one grid.
struct CaseMaps {
  Volume<float> probability;
  RaterSet raters;
  std::optional<BitMask> segmentation;
  std::optional<BitMask> roi;
};
struct MapsWanted {
  bool segmentation = false;  // where the manifest has one
  bool roi = false;
};
// Reads the files side by side. Of the segmentation, too, `tumor_labels` count as tumour; of the region, 1.
CaseMaps read_case_maps(const CohortCase& item, const std::vector<int>& tumor_labels, const MapsWanted& wanted);

// SHA-256 over the files that a calibrator is fitted to: the map, raters and region.
std::string case_identity(const CohortCase& item);

// The box of probabilities above 0 and raters' marks, grown by 20 voxels; the whole grid when there are none.
BitMask region_of_marks(const VolumeView<float>& probability, const RaterSet& raters);

// Voxels whose probability reaches the threshold (p >= threshold, as float32).
BitMask voxels_reaching(const VolumeView<float>& probability, double threshold);

// Accepts what rounding makes of one geometry: same size, and every corner voxel within 2 % of a voxel (or 1 um).
// Throws InputError naming both files and both geometries otherwise.
void require_same_grid(const Geometry& a, const std::filesystem::path& a_file, const Geometry& b,
                       const std::filesystem::path& b_file);

}  // namespace twintrack

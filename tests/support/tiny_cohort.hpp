// A cohort of small cases with several raters, on disk with its manifest. All voxels follow from formulas and a seed.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "twintrack/volume/volume.hpp"

namespace twintrack::test {

struct TinyCohort {
  int cases = 3;
  int raters = 5;
  std::array<std::int64_t, 3> size{18, 15, 12};  // x, y, z
  unsigned seed = 1;
};

// A tumour in the middle whose edge raters see differently: each marks a voxel with the probability
// `agreement`, and the network's map is agreement^2, a monotone distortion of it.
struct TinyCase {
  Volume<float> agreement;
  Volume<float> probability;
  std::vector<Volume<std::uint8_t>> raters;
  Volume<std::uint8_t> segmentation;  // probability > 0.5
  Volume<std::uint8_t> roi;           // an ellipsoid around the tumour
  Volume<std::uint8_t> vessels;       // two tubes along z: 1 touches the tumour, 5 does not
};
TinyCase tiny_case(const TinyCohort& cohort, int number);  // from 0

// "case_1" is number 0. Files of a case lie in folder/case_1: probability.nii.gz, rater_01.nii.gz, ...,
// segmentation.nii.gz, roi.nii.gz, vessels.nii.gz.
std::string case_name(int number);
void write_case(const std::filesystem::path& case_folder, const TinyCase& made);

// Writes all cases and folder/cases.csv with every column but `image`; returns the manifest's path.
std::filesystem::path write_cohort(const std::filesystem::path& folder, const TinyCohort& cohort = {});

// A manifest of the cases `numbers` with these columns ("roi", "raters", ...), `case` always among them.
std::filesystem::path write_manifest(const std::filesystem::path& file, const std::vector<int>& numbers,
                                     const std::vector<std::string>& columns);

}  // namespace twintrack::test

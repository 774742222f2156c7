// A CT and what `predict` writes for it, with raters and vessels: what reports are made from.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "twintrack/report/case_data.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::test {

// Voxels of 1 x 1.25 x 2.5 mm whose x and y indices grow to the patient's right and front, as NIfTI files often have
// them. A ball of tumour lies in the left front upper part of a body, the left half of which is brighter; a vein (1)
// goes through it from the feet to the head.
struct TinyResults {
  Volume<float> ct;
  Volume<float> probability;                 // calibrated: 1 in the ball's middle, 0 at twice its radius
  Volume<float> uncalibrated;                // its square root
  std::vector<Volume<std::uint8_t>> raters;  // where the probability exceeds 1/6, 2/6, ... 5/6
  Volume<std::uint8_t> segmentation;         // probability >= 0.5
  Volume<std::uint8_t> roi;
  Volume<std::uint8_t> vessels;
};
TinyResults tiny_results();

// Writes folder/ct.nii.gz, rater_1.nii.gz ... rater_5.nii.gz, vessels.nii.gz and folder/results/NAME_*, NAME.json.
// Returns the case with all of them.
CaseFiles write_results(const std::filesystem::path& folder, const TinyResults& made, const std::string& name = "case");

}  // namespace twintrack::test

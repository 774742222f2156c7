// The statistics of a cohort that a calibrator is fitted from: built case by case, written, merged from many machines.
#pragma once

#include "twintrack/calibration/case_levels.hpp"
#include "twintrack/calibration/level_statistics.hpp"
#include "twintrack/calibration/target.hpp"
#include "twintrack/cohort/rater_set.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

enum class CaseWeight { voxel, equal };  // every voxel counts the same, or every case

struct CalibrationStatistics {
  CalibrationTarget target;
  CaseWeight case_weight = CaseWeight::voxel;
  std::optional<std::string> networks_sha256;  // identity of the networks that made the probabilities, when known
  LevelStatistics levels;
  std::vector<CaseLevels> cases;
};

struct CalibrationCase {
  std::string name;
  std::string identity;
  std::span<const float> probability;  // in [0, 1], of every voxel of the grid
  const RaterSet& raters;
  const BitMask& region;  // voxels that the fit is over
};

// Adds a case, counted on all threads; the result does not depend on how many there are. Throws InputError naming the
// case for a probability that is NaN or outside [0, 1], for an empty region, and for a case that is in it already.
void add_case(CalibrationStatistics& statistics, const CalibrationCase& item);

// Throws InputError when target, weighting or networks differ, or when a case is in both; `source` names `other` in
// messages.
void merge(CalibrationStatistics& statistics, const CalibrationStatistics& other, const std::string& source);

}  // namespace twintrack

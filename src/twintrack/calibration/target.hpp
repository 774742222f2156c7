// What a calibrator is fitted to.
#pragma once

#include "twintrack/cohort/rater_set.hpp"

#include <string>
#include <string_view>

namespace twintrack {

// "mhr": the share of raters who marked the voxel. "rater:K": whether rater K (from 1) did. "majority": whether more
// than half did. "staple": whether STAPLE's probability of truth is above 0.5.
struct CalibrationTarget {
  enum class Kind { mean_human_response, rater, majority, staple };
  Kind kind = Kind::mean_human_response;
  int rater = 0;  // from 1

  friend bool operator==(const CalibrationTarget&, const CalibrationTarget&) = default;
};

// Throws UsageError for anything but the four forms.
CalibrationTarget parse_target(std::string_view text);
std::string to_string(const CalibrationTarget& target);

// The voxels where a target other than the mean human response is 1. Throws InputError naming `case_name` when it has
// fewer raters than the target asks for.
BitMask binary_target(const CalibrationTarget& target, const RaterSet& raters, const std::string& case_name);

}  // namespace twintrack

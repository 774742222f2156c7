// How good a calibrator is on the cohort it was fitted to, and how sure its curve is. Computed from the cases' levels
// (1/128 octave), so without reading anything again.
#pragma once

#include "twintrack/calibration/statistics.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace twintrack {

// Over the region of interest, against the mean human response whatever the target is.
struct FitQuality {
  double brier = 0;              // mean squared difference; voxels weighted as in the fit
  double calibration_error = 0;  // sum over 50 equal bins of share * |mean probability - mean response|
  double tdsc = 0;  // mean over cases of the thresholded Dice, whole grid; 0 probability outside the region
};

struct Diagnostics {
  FitQuality before;                        // the probabilities as they came
  FitQuality after;                         // in-sample
  std::optional<FitQuality> leave_one_out;  // each case with the curve fitted to the others; needs two cases
};
Diagnostics diagnose(const CalibrationStatistics& statistics, const Knots& fit);

// Pointwise 95 % percentile band of the curve from a bootstrap over cases, at x = 0, 0.01 ... 1.
struct CurveBand {
  std::vector<double> x;
  std::vector<double> low;
  std::vector<double> high;
  int replicates = 0;
  std::uint64_t seed = 0;
};
// Nothing for a single case.
std::optional<CurveBand> bootstrap_band(const CalibrationStatistics& statistics, int replicates, std::uint64_t seed);

}  // namespace twintrack

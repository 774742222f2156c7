// From the statistics of a cohort to a calibrator file.
#pragma once

#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/calibration/diagnostics.hpp"
#include "twintrack/calibration/statistics.hpp"
#include "twintrack/core/json.hpp"

#include <string>
#include <vector>

namespace twintrack {

struct CalibratorFit {
  Calibrator calibrator;
  Diagnostics diagnostics;
  std::optional<CurveBand> band;
  std::vector<std::string> warnings;  // for a person: what the curve cannot be relied on for
};

// The isotonic fit with its diagnostics. Needs at least one case.
CalibratorFit fit_calibrator(const CalibrationStatistics& statistics, int replicates, std::uint64_t seed);

// calibrator.json: keys and units in docs/formats.md.
Json to_json(const CalibratorFit& fit, const CalibrationStatistics& statistics);
Json to_json(const FitQuality& quality);

}  // namespace twintrack

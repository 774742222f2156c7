// Square plots of the mean human response against a probability, with the voxels' histogram below.
#pragma once

#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/calibration/diagnostics.hpp"
#include "twintrack/evaluation/cohort_reliability.hpp"
#include "twintrack/plot/drawing.hpp"

#include <optional>
#include <string>

namespace twintrack {

// Reliability diagram: mean response of each bin against its mean probability, the 95 % band over cases, the diagonal
// of perfect calibration, and the number of voxels of each bin on a logarithmic axis. Bins that only one case fills,
// which have no band, are hollow.
plot::Drawing reliability_plot(const CohortReliability& reliability, const std::string& title,
                               const std::string& subtitle, plot::Ink ink);

// The calibrator's curve with its band, the diagonal, and the range of probabilities that were fitted.
plot::Drawing calibration_curve_plot(const Calibrator& calibrator, const std::optional<CurveBand>& band,
                                     const std::string& subtitle);

}  // namespace twintrack

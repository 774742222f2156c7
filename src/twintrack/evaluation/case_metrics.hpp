// All metrics of one case but those of the vessels.
#pragma once

#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/core/json_forward.hpp"
#include "twintrack/evaluation/agreement_counts.hpp"
#include "twintrack/evaluation/calibration_error.hpp"
#include "twintrack/evaluation/surface_distance.hpp"
#include "twintrack/volume/volume_view.hpp"

#include <vector>

namespace twintrack {

struct CaseMetrics {
  double tdsc = 0;
  double dsc = 0;  // segmentation against STAPLE's consensus, with the challenge's smoothing; 1 where both are empty
  double ece_mean = 0;
  double crps_mm3 = 0;            // the challenge's, as its code computes it
  double crps_tabulated_mm3 = 0;  // the challenge's, as it is defined
  double crps_exact_mm3 = 0;      // of the normal distribution over the whole line
  double expected_volume_mm3 = 0;
  double segmentation_volume_mm3 = 0;
  std::vector<double> rater_volumes_mm3;
  CalibrationMetrics calibration;
  double soft_dice = 0;
  std::vector<AgreementLevel> agreement;  // levels 1/K to K/K
  SurfaceDistance surface;                // segmentation against STAPLE's consensus
  double generalized_energy_distance = 0;
};

// Inputs share one grid; probabilities lie in [0, 1]. Beside them it needs memory for one more bit a voxel. Throws
// InputError when there is no rater, more than kMaximalRaters, or sizes differ.
CaseMetrics evaluate_case(const VolumeView<float>& probability, const RaterSet& raters, const BitMask& segmentation);

// Keys and units: docs/metrics.md. What has no value is null.
Json to_json(const CaseMetrics& metrics);

}  // namespace twintrack

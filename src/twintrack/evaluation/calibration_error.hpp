// How far probabilities are from what the raters say, voxel by voxel, in the box around their marks.
#pragma once

#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/core/shape.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

// The challenge's box [min - 20, max + 20) of all voxels that any rater marked, within the grid (the last of its slices
// is number max + 19). The whole grid when nobody marked anything.
Box3 evaluation_box(const RaterSet& raters);

// One of 50 equal bins [low, high) of probabilities, the last one [low, high]. Means are NaN without voxels.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  std::int64_t voxels = 0;
  double mean_probability = 0;
  double mean_response = 0;  // mean human response
};

// Brier score against the mean human response: mean (p - m)^2. With the bins' shares w, means p_b and m_b, and the
// overall mean M of m:
//   score = reliability - resolution + uncertainty + within_bins
//   reliability = sum w (p_b - m_b)^2    resolution = sum w (m_b - M)^2    uncertainty = mean (m - M)^2
//   within_bins = sum w (variance of p - 2 covariance of p and m, in the bin)
// Murphy, J. Appl. Meteorol. 1973, with the terms within bins of Stephenson et al., Weather and Forecasting 2008.
struct BrierScore {
  double score = 0;
  double reliability = 0;
  double resolution = 0;
  double uncertainty = 0;
  double within_bins = 0;
};

struct CalibrationMetrics {
  Box3 box;
  std::vector<double> ece;    // of each rater, as the challenge defines it
  double response_error = 0;  // calibration error against the mean human response: sum w |p_b - m_b|
  BrierScore brier;
  std::vector<ReliabilityBin> reliability;  // the 50 bins
};

// The challenge's ECE is torchmetrics' MulticlassCalibrationError of two classes (1 - p, p): each at least 1e-8, then
// renormalised, all in float32; the confidence is the larger one, right where it names the rater's class (a tie names
// background); sum over bins of |accuracy - confidence| times the bin's share. There, confidences of exactly 1 have a
// bin of their own. Bounds of bins are the float32 numbers nearest to i / 50.
CalibrationMetrics calibration_metrics(std::span<const float> probability, const RaterSet& raters);

}  // namespace twintrack

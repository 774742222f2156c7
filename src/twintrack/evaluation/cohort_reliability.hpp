// How well a cohort's probabilities mean what they say: the reliability tables of its cases taken together.
#pragma once

#include "twintrack/evaluation/calibration_error.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

struct PooledBin {
  ReliabilityBin bin;       // over the voxels of all cases' evaluation boxes
  std::int64_t cases = 0;   // that have voxels in it
  double response_low = 0;  // 95 % percentile interval of mean_response; NaN for fewer than two cases
  double response_high = 0;
};

struct CohortReliability {
  std::vector<PooledBin> bins;
  double response_error = 0;  // of the pooled bins: sum of (share of the voxels) * |mean probability - mean response|
};

// Pools the tables of CalibrationMetrics, all of the same bins; NaN where there are no voxels. The interval is of a
// bootstrap over cases that draws the same cohorts as bootstrap_mean (bootstrap.hpp); replicates without voxels in a
// bin are left out there. Throws UsageError when there is no replicate.
CohortReliability cohort_reliability(std::span<const std::vector<ReliabilityBin>> cases, int replicates,
                                     std::uint64_t seed);

}  // namespace twintrack

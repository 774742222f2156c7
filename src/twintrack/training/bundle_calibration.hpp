// A calibrator for a bundle that was just made: predicts cases with several raters and fits to them.
#pragma once

#include "twintrack/calibration/fit.hpp"
#include "twintrack/cohort/manifest.hpp"
#include "twintrack/pipeline/pipeline.hpp"

#include <functional>
#include <string>

namespace twintrack {

// `manifest` needs the columns image and raters. Fits to the mean human response inside each case's region of interest.
// One case is in memory at a time. Throws InputError naming the case.
Json calibrate_bundle(const Bundle& bundle, const Manifest& manifest, const std::vector<int>& tumor_labels,
                      const InferenceOptions& options,
                      const std::function<void(std::int64_t done, std::int64_t total)>& progress);

}  // namespace twintrack

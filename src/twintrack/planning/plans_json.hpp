// plans.json as nnU-Net 2.3 and later write it. Internal to this module.
#pragma once

#include "twintrack/planning/configuration_plan.hpp"

#include <optional>

namespace twintrack {

struct PlansContent {
  const Fingerprint& fingerprint;
  const TrainingDataset& dataset;
  const PlanOptions& options;
  std::array<int, 3> transpose_forward;
  std::array<double, 3> median_spacing_mm;  // of the images as they are; axes after transpose_forward
  std::array<double, 3> median_shape;
  const ConfigurationPlan& full_resolution;
  const std::optional<ConfigurationPlan>& low_resolution;
};

Json plans_json(const PlansContent& content);

}  // namespace twintrack

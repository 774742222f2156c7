// From a training set's fingerprint to nnU-Net v2's plans.json, by the rules of its ExperimentPlanner and
// ResEncUNetPlanners (Isensee et al., Nat Methods 2021; MICCAI 2024).
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/planning/fingerprint.hpp"
#include "twintrack/planning/training_dataset.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// nnU-Net's default network, and those with residual encoders for 8, 24 and 40 GB of a graphics card's memory.
enum class NetworkPreset { plain, residual_m, residual_l, residual_xl };

// "plain", "resenc-m", "resenc-l", "resenc-xl"; throws UsageError for others.
NetworkPreset network_preset(const std::string& name);

// What to decide otherwise than the rules do. Axes are z, y, x as files store them.
struct PlanOptions {
  NetworkPreset preset = NetworkPreset::plain;
  std::optional<double> memory_gib;        // that training may need; the preset's own otherwise
  std::optional<Spacing3> spacing_mm;      // of 3d_fullres
  std::optional<Shape3> patch_size;        // of 3d_fullres, whatever memory that needs
  std::optional<std::int64_t> batch_size;  // of both configurations
  std::int64_t base_features = 32;         // of the first stage; each next has twice as many
  std::int64_t maximal_features = 320;
  std::vector<std::int64_t> features;  // per stage, instead of these two
  std::optional<int> stages;
  bool low_resolution = true;  // plan 3d_lowres too where the rules ask for it
  std::string plans_name;      // empty: nnU-Net's own for the preset
};

// Plans with the configuration 3d_fullres, and 3d_lowres where a patch covers less than a quarter of the median image.
// (2d and the cascade are left out.) nnU-Net reads them, and so does parse_plans. A fingerprint's crop is kept as
// "crop_to_labels". Throws UsageError for options that cannot be, naming what would be right, and InputError where
// fingerprint and dataset do not belong together or the images are too small for a U-Net.
Json make_plans(const Fingerprint& fingerprint, const TrainingDataset& dataset, const PlanOptions& options);

}  // namespace twintrack

// Makes a bundle from nnU-Net model folders.
#pragma once

#include "twintrack/pipeline/bundle.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct ModelSource {
  std::filesystem::path folder;
  FoldSelection folds;
};

// "FOLDER" or "FOLDER:FOLDS". Throws UsageError.
ModelSource parse_model_source(const std::string& text);

struct BundleRecipe {
  std::string name;
  std::string trained_on;
  std::string intended_use;
  std::optional<ModelSource> localizer;
  std::string localizer_label = "pancreas";
  double localizer_minimal_volume_mm3 = 0;
  double localizer_maximal_volume_mm3 = 0;
  std::vector<ModelSource> members;
  std::vector<std::string> tumor_labels;
  std::array<double, 3> roi_margin_mm{};
  std::optional<std::filesystem::path> calibrator;
  std::string checkpoint_name = "checkpoint_final.pth";
  std::string localizer_checkpoint_name;  // empty: as the members'
  double threshold = 0.5;
  DType weights = DType::float32;
};

// Writes the bundle to `folder`, complete or not at all; an existing one is replaced only when `overwrite`. Everything
// is checked on the way as `predict` would (plans, parameters, labels, calibrator). Throws InputError, ResourceError.
Bundle create_bundle(const BundleRecipe& recipe, const std::filesystem::path& folder, bool overwrite);

}  // namespace twintrack

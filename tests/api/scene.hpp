// A tiny bundle and CT, and cases as arrays of bytes.
#pragma once

#include <vector>

#include "evaluation/rated_case.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"
#include "twintrack/pipeline/bundle_create.hpp"
#include "twintrack/twintrack.hpp"

namespace twintrack::test {

// Writes FOLDER/bundle, of two members and a localiser, and what it is made from beside it.
inline void write_tiny_bundle(const std::filesystem::path& folder) {
  write_model(folder / "model", {.fold_seeds = {1, 2}});
  write_model(folder / "localizer", {.dataset = tiny_dataset({"pancreas"}), .fold_seeds = {4}});
  put_file(folder / "calibrator.json", tiny_calibrator().dump());
  BundleRecipe recipe;
  recipe.name = "tiny";
  for (const char* fold : {"0", "1"}) recipe.members.push_back({folder / "model", parse_folds(fold)});
  recipe.localizer = ModelSource{folder / "localizer", {}};
  recipe.localizer_maximal_volume_mm3 = 1e9;
  recipe.tumor_labels = {"tumor"};
  recipe.roi_margin_mm = {4, 4, 4};
  recipe.calibrator = folder / "calibrator.json";
  create_bundle(recipe, folder / "bundle", true);
}

class TinyBundle {
 public:
  TinyBundle() { write_tiny_bundle(folder_.path()); }

  std::filesystem::path path() const { return folder_ / "bundle"; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
};

using Bytes = std::vector<std::uint8_t>;

inline Bytes bytes_of(const BitMask& mask) {
  Bytes bytes(mask.size());
  for (std::int64_t i = 0; i < mask.size(); ++i) bytes[i] = mask[i] ? 1 : 0;
  return bytes;
}

// A rated case as a caller has it in memory.
struct CaseInMemory {
  explicit CaseInMemory(const RatedCase& rated)
      : probability(rated.probability), segmentation(bytes_of(rated.segmentation)) {
    for (const BitMask& mask : rated.raters.masks) raters.push_back(bytes_of(mask));
    views.assign(raters.begin(), raters.end());
  }

  Volume<float> probability;
  std::vector<Bytes> raters;
  Bytes segmentation;
  std::vector<MaskView> views;  // of the raters
};

}  // namespace twintrack::test

#include "twintrack/pipeline/bundle_create.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/tensor/safetensors.hpp"

#include <algorithm>

namespace fs = std::filesystem;

namespace twintrack {
namespace {

constexpr std::size_t kMaximalJsonBytes = std::size_t{64} << 20;

// Copies plans and dataset as they are, converts the folds' parameters, and notes every file's SHA-256.
BundledModel add_model(const fs::path& root, const std::string& name, const ModelSource& source, const Model& model,
                       DType weights, std::map<std::string, std::string>& sums) {
  BundledModel bundled{name, model.plans.configuration, {}, model.mirroring_axes};
  make_output_folder(root / name);
  const auto note = [&](const std::string& file) { sums[name + "/" + file] = sha256_of_file(root / name / file); };
  for (const char* file : {"plans.json", "dataset.json"}) {
    write_file(root / name / file, read_file(source.folder / file, kMaximalJsonBytes));
    note(file);
  }
  for (std::size_t i = 0; i < model.folds.size(); ++i) {
    bundled.weights.push_back(fmt::format("fold_{}.safetensors", i));
    write_safetensors(root / name / bundled.weights.back(), model.folds[i], weights);
    note(bundled.weights.back());
  }
  return bundled;
}

void refuse_existing(const fs::path& folder, bool overwrite) {
  if (!fs::exists(folder) || (fs::is_directory(folder) && fs::is_empty(folder))) return;
  if (!overwrite) throw UsageError("{}: exists already; --overwrite replaces a bundle", folder.string());
  if (!fs::exists(folder / kBundleFile)) {
    throw UsageError("{}: exists and is no bundle; it is not replaced", folder.string());
  }
}

}  // namespace

ModelSource parse_model_source(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || fs::exists(text)) return {text, {}};
  return {text.substr(0, colon), parse_folds(text.substr(colon + 1))};
}

Bundle create_bundle(const BundleRecipe& recipe, const fs::path& folder, bool overwrite) {
  refuse_existing(folder, overwrite);
  AtomicFolder target(folder);
  Bundle bundle;
  bundle.folder = folder;
  bundle.name = recipe.name;
  bundle.trained_on = recipe.trained_on;
  bundle.intended_use = recipe.intended_use;
  bundle.tumor_labels = recipe.tumor_labels;
  bundle.roi_margin_mm = recipe.roi_margin_mm;
  bundle.threshold = recipe.threshold;
  if (recipe.localizer) {
    const std::string& checkpoint =
        recipe.localizer_checkpoint_name.empty() ? recipe.checkpoint_name : recipe.localizer_checkpoint_name;
    const Model model = read_model_folder(recipe.localizer->folder, recipe.localizer->folds, checkpoint);
    model.labels.channel(recipe.localizer_label, (recipe.localizer->folder / "dataset.json").string());
    bundle.localizer = BundledLocalizer{
        add_model(target.path(), "localizer", *recipe.localizer, model, recipe.weights, bundle.sha256),
        recipe.localizer_label, recipe.localizer_minimal_volume_mm3, recipe.localizer_maximal_volume_mm3};
  }
  for (const ModelSource& member : recipe.members) {
    throw_if_interrupted();
    const Model model = read_model_folder(member.folder, member.folds, recipe.checkpoint_name);
    tumor_channels(model.labels, recipe.tumor_labels, (member.folder / "dataset.json").string());
    bundle.members.push_back(add_model(target.path(), fmt::format("member_{}", bundle.members.size()), member, model,
                                       recipe.weights, bundle.sha256));
  }
  if (recipe.calibrator) {
    bundle.calibrator = read_calibrator(*recipe.calibrator);
    write_file(target.path() / kBundleCalibratorFile, read_file(*recipe.calibrator, kMaximalJsonBytes));
    bundle.sha256[kBundleCalibratorFile] = sha256_of_file(target.path() / kBundleCalibratorFile);
  }
  write_file(target.path() / kBundleFile, to_json(bundle).dump(2) + "\n");
  bundle.hash = sha256_of_file(target.path() / kBundleFile);
  target.commit();
  return bundle;
}

}  // namespace twintrack

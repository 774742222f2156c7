#include "twintrack/pipeline/bundle.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/tensor/safetensors.hpp"

#include <algorithm>

namespace fs = std::filesystem;

namespace twintrack {
namespace {

constexpr std::size_t kMaximalModels = 64;

// A path inside the bundle, never out of it.
std::string relative_path(const JsonView& view) {
  const fs::path path = view.as_string();
  const bool leaves = std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (path.empty() || path.is_absolute() || leaves) {
    view.fail(fmt::format("'{}' is not a path inside the bundle", path.string()));
  }
  return path.generic_string();
}

std::vector<JsonView> some_elements(const JsonView& view, std::size_t most) {
  auto elements = view.elements();
  if (elements.empty() || elements.size() > most)
    view.fail(fmt::format("{} entries; 1 to {} are right", elements.size(), most));
  return elements;
}

BundledModel parse_model(const JsonView& view) {
  BundledModel model;
  model.folder = relative_path(view.at("folder"));
  model.configuration = view.at("configuration").as_string();
  for (const JsonView& file : some_elements(view.at("weights"), kMaximalModels))
    model.weights.push_back(relative_path(file));
  for (const JsonView& axis : view.at("mirroring_axes").elements()) {
    model.mirroring_axes.push_back(static_cast<int>(axis.as_integer(0, 2)));
    if (std::count(model.mirroring_axes.begin(), model.mirroring_axes.end(), model.mirroring_axes.back()) > 1) {
      axis.fail("an axis appears twice");
    }
  }
  return model;
}

BundledLocalizer parse_localizer(const JsonView& view) {
  BundledLocalizer localizer;
  localizer.model = parse_model(view.at("model"));
  localizer.label = view.at("label").as_string();
  const auto limits = view.at("volume_mm3").elements();
  if (limits.size() != 2) view.at("volume_mm3").fail("expected [minimum, maximum]");
  localizer.minimal_volume_mm3 = limits[0].as_number(0);
  localizer.maximal_volume_mm3 = limits[1].as_number(localizer.minimal_volume_mm3);
  localizer.minimal_component_share = view.at("minimal_component_share").as_number(0, 1);
  return localizer;
}

Json model_to_json(const BundledModel& model) {
  return {{"folder", model.folder},
          {"configuration", model.configuration},
          {"weights", model.weights},
          {"mirroring_axes", model.mirroring_axes}};
}

}  // namespace

Bundle parse_bundle(const JsonView& document) {
  const JsonView format = document.at("format");
  if (format.as_string() != kBundleFormat) {
    format.fail(fmt::format("'{}' is not supported; {} is", format.as_string(), kBundleFormat));
  }
  Bundle bundle;
  bundle.name = document.at("name").as_string();
  bundle.trained_on = document.at("trained_on").as_string();
  bundle.intended_use = document.at("intended_use").as_string();
  if (const JsonView localizer = document.at("localizer"); !localizer.is_null())
    bundle.localizer = parse_localizer(localizer);
  for (const JsonView& member : some_elements(document.at("members"), kMaximalModels)) {
    bundle.members.push_back(parse_model(member));
  }
  if (const JsonView averaging = document.at("averaging"); averaging.as_string() != "probabilities") {
    averaging.fail(fmt::format("'{}' is not supported; probabilities is", averaging.as_string()));
  }
  for (const JsonView& label : some_elements(document.at("tumor_labels"), kMaximalModels)) {
    bundle.tumor_labels.push_back(label.as_string());
  }
  const auto margin = document.at("roi_margin_mm").elements();
  if (margin.size() != 3) document.at("roi_margin_mm").fail("expected three numbers: x, y, z");
  for (int axis = 0; axis < 3; ++axis) bundle.roi_margin_mm[axis] = margin[axis].as_number(0, 1000);
  if (const JsonView file = document.at("calibrator"); !file.is_null() && file.as_string() != kBundleCalibratorFile) {
    file.fail(fmt::format("null or '{}' is right", kBundleCalibratorFile));
  }
  bundle.threshold = document.at("threshold").as_number(0, 1);
  for (const auto& [path, sum] : document.at("files").members()) {
    const Json name = path;
    bundle.sha256[relative_path(JsonView(name, document.file(), "files"))] = sum.as_string();
  }
  return bundle;
}

Json to_json(const Bundle& bundle) {
  Json json{{"format", kBundleFormat},
            {"name", bundle.name},
            {"trained_on", bundle.trained_on},
            {"intended_use", bundle.intended_use}};
  if (bundle.localizer) {
    const BundledLocalizer& l = *bundle.localizer;
    json["localizer"] = {{"model", model_to_json(l.model)},
                         {"label", l.label},
                         {"volume_mm3", {l.minimal_volume_mm3, l.maximal_volume_mm3}},
                         {"minimal_component_share", l.minimal_component_share}};
  } else {
    json["localizer"] = nullptr;
  }
  json["members"] = Json::array();
  for (const BundledModel& member : bundle.members) json["members"].push_back(model_to_json(member));
  json["averaging"] = "probabilities";
  json["tumor_labels"] = bundle.tumor_labels;
  json["roi_margin_mm"] = bundle.roi_margin_mm;
  json["calibrator"] = bundle.calibrator ? Json(kBundleCalibratorFile) : Json(nullptr);
  json["threshold"] = bundle.threshold;
  json["files"] = Json::object();
  for (const auto& [path, sum] : bundle.sha256) json["files"][path] = sum;
  return json;
}

std::string networks_sha256(const Bundle& bundle) {
  Json json = to_json(bundle);
  for (const char* key : {"name", "trained_on", "intended_use", "calibrator", "threshold"}) json.erase(key);
  json["files"].erase(kBundleCalibratorFile);
  return sha256_of(json.dump());
}

bool made_for(const Calibrator& calibrator, const Bundle& bundle) {
  return !calibrator.networks_sha256 || *calibrator.networks_sha256 == networks_sha256(bundle);
}

void require_made_for(const Calibrator& calibrator, const Bundle& bundle, const std::string& file) {
  if (made_for(calibrator, bundle)) return;
  throw InputError(
      "{}: networks_sha256: fitted to probabilities of other networks ({:.12}...) than those of {} ({:.12}...); fit a "
      "calibrator to this bundle's, or use --force",
      file, *calibrator.networks_sha256, bundle.folder.string(), networks_sha256(bundle));
}

Bundle read_bundle(const fs::path& folder) {
  const fs::path file = folder / kBundleFile;
  if (!fs::is_regular_file(file)) {
    throw InputError("{}: there is no {} in it; a bundle is made with `twintrack bundle create`", folder.string(),
                     kBundleFile);
  }
  const Json document = read_json(file);
  Bundle bundle = parse_bundle(JsonView(document, file.string()));
  bundle.folder = folder;
  bundle.hash = sha256_of_file(file);
  for (const auto& [path, expected] : bundle.sha256) {
    if (!fs::is_regular_file(folder / path))
      throw InputError("{}: missing, but {} names it", (folder / path).string(), kBundleFile);
    if (const std::string found = sha256_of_file(folder / path); found != expected) {
      throw InputError("{}: damaged or changed: SHA-256 {} where {} says {}", (folder / path).string(), found,
                       kBundleFile, expected);
    }
  }
  if (!document.at("calibrator").is_null()) {
    if (!bundle.sha256.contains(kBundleCalibratorFile)) {
      throw InputError("{}: files: {} is used, but has no SHA-256", file.string(), kBundleCalibratorFile);
    }
    bundle.calibrator = read_calibrator(folder / kBundleCalibratorFile);
  }
  return bundle;
}

Model read_bundled_model(const Bundle& bundle, const BundledModel& model) {
  std::vector<std::string> needed{"plans.json", "dataset.json"};
  needed.insert(needed.end(), model.weights.begin(), model.weights.end());
  std::vector<TensorMap> folds;
  std::vector<std::string> files;
  for (const std::string& name : needed) {
    const std::string path = (fs::path(model.folder) / name).generic_string();
    if (!bundle.sha256.contains(path)) {
      throw InputError("{}: files: {} is used, but has no SHA-256", (bundle.folder / kBundleFile).string(), path);
    }
  }
  for (const std::string& name : model.weights) {
    files.push_back((bundle.folder / model.folder / name).string());
    folds.push_back(read_safetensors(files.back()));
  }
  return make_model(bundle.folder / model.folder, model.configuration, model.mirroring_axes, std::move(folds), files);
}

std::vector<std::int64_t> tumor_channels(const LabelScheme& labels, const std::vector<std::string>& names,
                                         const std::string& model) {
  std::vector<std::int64_t> channels;
  for (const std::string& name : names) channels.push_back(labels.channel(name, model));
  if (labels.regions && channels.size() > 1) {
    throw InputError("{}: the labels are regions, which may overlap; name one of them as tumour, not {}", model,
                     channels.size());
  }
  return channels;
}

}  // namespace twintrack

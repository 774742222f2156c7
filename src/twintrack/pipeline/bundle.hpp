// A bundle: everything `predict` needs, in one folder whose files' SHA-256 stand in bundle.json.
#pragma once

#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/shape.hpp"
#include "twintrack/nnunet/model.hpp"

#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// A model inside a bundle: plans.json, dataset.json and one safetensors file per fold.
struct BundledModel {
  std::string folder;  // relative to the bundle
  std::string configuration;
  std::vector<std::string> weights;  // file names in the folder, one per fold
  std::vector<int> mirroring_axes;
};

struct BundledLocalizer {
  BundledModel model;
  std::string label;
  double minimal_volume_mm3 = 0;  // of the kept components together; outside: implausible
  double maximal_volume_mm3 = 0;
  double minimal_component_share = 0.1;  // components smaller than this part of the largest are dropped
};

// bundle.json.
struct Bundle {
  std::filesystem::path folder;
  std::string hash;  // SHA-256 of bundle.json, which holds the hashes of all other files
  std::string name;
  std::string trained_on;
  std::string intended_use;
  std::optional<BundledLocalizer> localizer;
  std::vector<BundledModel> members;
  std::vector<std::string> tumor_labels;  // merged to "tumour"
  std::array<double, 3> roi_margin_mm{};  // x, y, z
  std::optional<Calibrator> calibrator;
  double threshold = 0.5;
  std::map<std::string, std::string> sha256;  // by path relative to the bundle
};

inline constexpr const char* kBundleFormat = "twintrack-bundle/1";
inline constexpr const char* kBundleFile = "bundle.json";
inline constexpr const char* kBundleCalibratorFile = "calibrator.json";

// Reads bundle.json (and the calibrator) and checks that every file is there with its SHA-256. Throws InputError.
Bundle read_bundle(const std::filesystem::path& folder);

// bundle.json alone, from text; paths that leave the bundle are refused.
Bundle parse_bundle(const JsonView& document);
Json to_json(const Bundle& bundle);

// Identity of what makes the uncalibrated probabilities: models, tumour labels and region of interest. A calibrator
// belongs to it.
std::string networks_sha256(const Bundle& bundle);

// The calibrator does not say that it was fitted to probabilities of other networks.
bool made_for(const Calibrator& calibrator, const Bundle& bundle);

// Throws InputError naming `file` when the calibrator says that it was fitted to probabilities of other networks.
void require_made_for(const Calibrator& calibrator, const Bundle& bundle, const std::string& file);

// Reads one model of the bundle, its parameters checked.
Model read_bundled_model(const Bundle& bundle, const BundledModel& model);

// Channels of the model that are merged to "tumour"; throws InputError naming an unknown label.
std::vector<std::int64_t> tumor_channels(const LabelScheme& labels, const std::vector<std::string>& names,
                                         const std::string& model);

}  // namespace twintrack

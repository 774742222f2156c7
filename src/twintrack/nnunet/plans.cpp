#include "twintrack/nnunet/plans.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/nnunet/plans_architecture.hpp"

#include <algorithm>
#include <set>

namespace twintrack {
namespace {

constexpr std::size_t kMaximalAncestors = 16;
constexpr double kMaximalIntensity = 1e9;  // float32 stays finite on the way through a network

// nnU-Net's rule: the parent's keys, overwritten by the child's.
Json resolve_configuration(const JsonView& plans, const std::string& name, std::set<std::string>& visited) {
  const JsonView configurations = plans.at("configurations");
  const auto found = configurations.find(name);
  if (!found) {
    std::string known;
    for (const auto& [key, view] : configurations.members()) known += (known.empty() ? "" : ", ") + key;
    configurations.fail(fmt::format("there is no configuration '{}'; the plans have: {}", name, known));
  }
  if (!found->is_object()) found->fail("expected an object");
  if (!visited.insert(name).second) found->fail("inherits from itself, through inherits_from");
  if (visited.size() > kMaximalAncestors) {
    found->fail(fmt::format("inherits_from leads through more than {} configurations", kMaximalAncestors));
  }
  const auto parent = found->find("inherits_from");
  if (!parent) return found->raw();
  Json resolved = resolve_configuration(plans, parent->as_string(), visited);
  for (const auto& [key, view] : found->members()) resolved[key] = view.raw();
  return resolved;
}

std::array<int, 3> read_transpose(const JsonView& plans) {
  const JsonView view = plans.at("transpose_forward");
  const auto elements = view.elements();
  std::array<int, 3> axes{};
  std::array<bool, 3> seen{};
  if (elements.size() != 3) view.fail(fmt::format("expected 3 axes, found {}", elements.size()));
  for (int i = 0; i < 3; ++i) {
    axes[i] = static_cast<int>(elements[i].as_integer(0, 2));
    if (std::exchange(seen[axes[i]], true)) view.fail("an axis appears twice; a permutation of 0, 1, 2 is right");
  }
  return axes;
}

ResamplingRule read_resampling(const JsonView& configuration, const std::string& kind, int default_order) {
  ResamplingRule rule{default_order, 0, {}};
  if (const auto function = configuration.find("resampling_fn_" + kind)) {
    if (function->as_string() != "resample_data_or_seg_to_shape") {
      function->fail(fmt::format("resampling with '{}' is not supported; resample_data_or_seg_to_shape is",
                                 function->as_string()));
    }
  }
  const auto arguments = configuration.find("resampling_fn_" + kind + "_kwargs");
  if (!arguments) return rule;
  const auto order = [](const JsonView& view) {
    const std::int64_t value = view.as_integer(0, 5);
    if (value != 0 && value != 1 && value != 3)
      view.fail(fmt::format("order {} is not supported; 0, 1 and 3 are", value));
    return static_cast<int>(value);
  };
  if (const auto view = arguments->find("order")) rule.order = order(*view);
  if (const auto view = arguments->find("order_z")) rule.order_z = order(*view);
  if (const auto view = arguments->find("force_separate_z"); view && !view->is_null())
    rule.force_separate_z = view->as_bool();
  return rule;
}

Normalization read_normalization(const JsonView& view) {
  const std::string name = view.as_string();
  if (name == "CTNormalization") return Normalization::ct;
  if (name == "ZScoreNormalization") return Normalization::z_score;
  if (name == "NoNormalization") return Normalization::none;
  if (name == "RescaleTo01Normalization") return Normalization::rescale_to_01;
  view.fail(
      fmt::format("normalisation '{}' is not supported; CTNormalization, ZScoreNormalization, NoNormalization and "
                  "RescaleTo01Normalization are",
                  name));
}

IntensityProperties read_intensities(const JsonView& plans, std::size_t channel) {
  auto properties = plans.find("foreground_intensity_properties_per_channel");
  if (!properties) properties = plans.find("foreground_intensity_properties_by_modality");
  const JsonView view =
      (properties ? *properties : plans.at("foreground_intensity_properties_per_channel")).at(std::to_string(channel));
  const auto intensity = [&](const char* key) { return view.at(key).as_number(-kMaximalIntensity, kMaximalIntensity); };
  IntensityProperties result{intensity("mean"), view.at("std").as_number(0, kMaximalIntensity),
                             intensity("percentile_00_5"), intensity("percentile_99_5")};
  if (result.percentile_00_5 > result.percentile_99_5) view.fail("percentile_00_5 is larger than percentile_99_5");
  return result;
}

std::vector<Channel> read_channels(const JsonView& plans, const JsonView& configuration) {
  const auto schemes = configuration.at("normalization_schemes").elements();
  if (schemes.empty() || schemes.size() > 64) {
    configuration.at("normalization_schemes")
        .fail(fmt::format("{} input channels; 1 to 64 are supported", schemes.size()));
  }
  std::vector<Channel> channels;
  for (std::size_t i = 0; i < schemes.size(); ++i) {
    Channel channel{read_normalization(schemes[i]), false, {}};
    if (const auto masks = configuration.find("use_mask_for_norm")) {
      const auto elements = masks->elements();
      if (elements.size() != schemes.size()) masks->fail("needs one entry per normalisation scheme");
      channel.use_mask_for_norm = elements[i].as_bool();
    }
    if (channel.normalization == Normalization::ct) channel.intensities = read_intensities(plans, i);
    channels.push_back(channel);
  }
  return channels;
}

void refuse_unsupported(const JsonView& configuration) {
  if (const auto patch = configuration.at("patch_size"); patch.elements().size() != 3) {
    patch.fail(fmt::format("a patch of {} dimensions: 2-D configurations are not supported", patch.elements().size()));
  }
  if (const auto previous = configuration.find("previous_stage"); previous && !previous->is_null()) {
    previous->fail("cascaded configurations are not supported");
  }
  if (const auto preprocessor = configuration.find("preprocessor_name");
      preprocessor && preprocessor->as_string() != "DefaultPreprocessor") {
    preprocessor->fail(
        fmt::format("preprocessor '{}' is not supported; DefaultPreprocessor is", preprocessor->as_string()));
  }
}

}  // namespace

Plans parse_plans(const JsonView& plans, const std::string& configuration_name) {
  std::set<std::string> visited;
  const Json resolved = resolve_configuration(plans, configuration_name, visited);
  const JsonView configuration(resolved, plans.file(), "configurations." + configuration_name);
  refuse_unsupported(configuration);

  Plans result;
  result.configuration = configuration_name;
  result.transpose_forward = read_transpose(plans);
  const auto patch = configuration.at("patch_size").elements();
  const auto spacing = configuration.at("spacing").elements();
  if (spacing.size() != 3)
    configuration.at("spacing").fail(fmt::format("expected 3 numbers, found {}", spacing.size()));
  for (int axis = 0; axis < 3; ++axis) {
    result.patch_size[axis] = patch[axis].as_integer(1, 1024);
    result.spacing_mm[axis] = spacing[axis].as_number(1e-3, 1e3);
  }
  result.channels = read_channels(plans, configuration);
  result.data_resampling = read_resampling(configuration, "data", 3);
  result.probability_resampling = read_resampling(configuration, "probabilities", 1);
  if (result.probability_resampling.order == 3 || result.probability_resampling.order_z == 3) {
    configuration.fail("resampling_fn_probabilities_kwargs: order 3 is not supported for probabilities; 0 and 1 are");
  }
  if (const auto batch_size = configuration.find("batch_size")) result.batch_size = batch_size->as_integer(1, 4096);
  if (const auto batch_dice = configuration.find("batch_dice")) result.batch_dice = batch_dice->as_bool();
  result.architecture = read_architecture(configuration);
  result.architecture.input_channels = static_cast<std::int64_t>(result.channels.size());
  return result;
}

Plans read_plans(const std::filesystem::path& path, const std::string& configuration) {
  const Json document = read_json(path);
  return parse_plans(JsonView(document, path.string()), configuration);
}

}  // namespace twintrack

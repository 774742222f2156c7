#include "twintrack/planning/plans_json.hpp"

#include "twintrack/planning/network_preset.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kCroppedShare = 0.75;  // images that lose more to cropping are mostly empty

struct NormalizationScheme {
  std::string name;
  bool uses_mask;  // where images are mostly empty
};

// By the channel's name in dataset.json.
NormalizationScheme normalization_of(const JsonView& channel) {
  std::string name = channel.as_string();
  std::ranges::transform(name, name.begin(),
                         [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (name == "ct") return {"CTNormalization", false};
  if (name == "nonorm") return {"NoNormalization", false};
  if (name == "rescale_to_0_1") return {"RescaleTo01Normalization", false};
  if (name == "rgb_to_0_1") channel.fail("colour images are not supported; a CT is");
  return {"ZScoreNormalization", true};
}

Json resampling(bool labels, int order) {
  return {{"is_seg", labels}, {"order", order}, {"order_z", 0}, {"force_separate_z", nullptr}};
}

Json architecture_json(const Architecture& architecture) {
  const bool plain = architecture.kind == Architecture::Kind::plain_conv_unet;
  const Json arguments = {{"n_stages", architecture.features.size()},
                          {"features_per_stage", architecture.features},
                          {"conv_op", "torch.nn.modules.conv.Conv3d"},
                          {"kernel_sizes", architecture.kernels},
                          {"strides", architecture.strides},
                          {plain ? "n_conv_per_stage" : "n_blocks_per_stage", architecture.encoder_blocks},
                          {"n_conv_per_stage_decoder", architecture.decoder_convolutions},
                          {"conv_bias", true},
                          {"norm_op", "torch.nn.modules.instancenorm.InstanceNorm3d"},
                          {"norm_op_kwargs", {{"eps", 1e-5}, {"affine", true}}},
                          {"dropout_op", nullptr},
                          {"dropout_op_kwargs", nullptr},
                          {"nonlin", "torch.nn.LeakyReLU"},
                          {"nonlin_kwargs", {{"inplace", true}}}};
  const std::string package = "dynamic_network_architectures.architectures.unet.";
  return {{"network_class_name", package + (plain ? "PlainConvUNet" : "ResidualEncoderUNet")},
          {"arch_kwargs", arguments},
          {"_kw_requires_import", {"conv_op", "norm_op", "dropout_op", "nonlin"}}};
}

Json configuration_json(const ConfigurationPlan& plan, const std::string& identifier, const NormalizationScheme& scheme,
                        bool use_mask) {
  const std::string resample = "resample_data_or_seg_to_shape";
  return {{"data_identifier", identifier},
          {"preprocessor_name", "DefaultPreprocessor"},
          {"batch_size", plan.batch_size},
          {"patch_size", plan.patch_size},
          {"median_image_size_in_voxels", plan.median_shape},
          {"spacing", plan.spacing_mm},
          {"normalization_schemes", Json::array({scheme.name})},
          {"use_mask_for_norm", Json::array({use_mask})},
          {"resampling_fn_data", resample},
          {"resampling_fn_seg", resample},
          {"resampling_fn_data_kwargs", resampling(false, 3)},
          {"resampling_fn_seg_kwargs", resampling(true, 1)},
          {"resampling_fn_probabilities", resample},
          {"resampling_fn_probabilities_kwargs", resampling(false, 1)},
          {"architecture", architecture_json(plan.architecture)},
          {"batch_dice", plan.batch_dice}};
}

Json configurations_json(const PlansContent& content, const std::string& plans_name) {
  const Json& document = content.dataset.document;
  const JsonView channels = JsonView(document, content.dataset.json_path().string()).at("channel_names");
  const NormalizationScheme scheme = normalization_of(channels.members().at(0).second);
  const bool use_mask = scheme.uses_mask && content.fingerprint.relative_size_after_crop < kCroppedShare;
  Json result = Json::object();
  const auto add = [&](const char* name, const ConfigurationPlan& plan) {
    result[name] = configuration_json(plan, plans_name + "_" + name, scheme, use_mask);
  };
  if (content.low_resolution) add("3d_lowres", *content.low_resolution);
  add("3d_fullres", content.full_resolution);
  return result;
}

// nnU-Net's class that reads these files.
std::string reader_of(const TrainingDataset& dataset) {
  const auto given = dataset.document.find("overwrite_image_reader_writer");
  if (given != dataset.document.end() && given->is_string() && *given != "None") return given->get<std::string>();
  return dataset.file_ending == ".nii" ? "NibabelIO" : "SimpleITKIO";
}

}  // namespace

Json plans_json(const PlansContent& content) {
  const PresetRules& rules = rules_of(content.options.preset);
  const std::string name = content.options.plans_name.empty() ? rules.plans_name : content.options.plans_name;
  const std::array<int, 3>& forward = content.transpose_forward;
  std::array<int, 3> backward{};
  std::array<std::int64_t, 3> shape{};
  for (int axis = 0; axis < 3; ++axis) {
    backward[forward[axis]] = axis;
    shape[axis] = static_cast<std::int64_t>(std::nearbyint(content.median_shape[axis]));
  }
  Json plans = {{"dataset_name", content.dataset.name()},
                {"plans_name", name},
                {"original_median_spacing_after_transp", content.median_spacing_mm},
                {"original_median_shape_after_transp", shape},
                {"image_reader_writer", reader_of(content.dataset)},
                {"transpose_forward", forward},
                {"transpose_backward", backward},
                {"configurations", configurations_json(content, name)},
                {"experiment_planner_used", rules.planner},
                {"label_manager", "LabelManager"},
                {"foreground_intensity_properties_per_channel", {{"0", to_json(content.fingerprint.foreground)}}}};
  if (content.fingerprint.crop) plans["crop_to_labels"] = to_json(*content.fingerprint.crop);
  return plans;
}

}  // namespace twintrack

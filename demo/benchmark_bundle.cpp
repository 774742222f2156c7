#include "benchmark_bundle.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "hash_random.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/nnunet/plans.hpp"
#include "twintrack/pipeline/bundle.hpp"
#include "twintrack/tensor/safetensors.hpp"

namespace twintrack::demo {
namespace {

constexpr const char* kConfiguration = "3d_fullres";

// How far a network's logits spread, and how much less likely than the others the label of interest is.
struct Head {
  float scale = 1;
  std::size_t channel = 1;
  float bias = 0;
};

struct BenchmarkModel {
  std::string folder;
  std::uint64_t seed = 0;
  std::vector<std::string> labels;
  Shape3 patch{};
  Spacing3 spacing_mm{};
  std::vector<std::int64_t> features;
  std::vector<Shape3> kernels;
  std::vector<Shape3> strides;
  Head head;
};

Json resampling_arguments(int order) {
  return {{"is_seg", false}, {"order", order}, {"order_z", 0}, {"force_separate_z", nullptr}};
}

Json architecture_of(const BenchmarkModel& model) {
  const std::vector<int> convolutions(model.features.size(), 2);
  const std::vector<int> decoder_convolutions(model.features.size() - 1, 2);
  return {{"network_class_name", "dynamic_network_architectures.architectures.unet.PlainConvUNet"},
          {"arch_kwargs",
           {{"n_stages", model.features.size()},
            {"features_per_stage", model.features},
            {"conv_op", "torch.nn.modules.conv.Conv3d"},
            {"kernel_sizes", model.kernels},
            {"strides", model.strides},
            {"n_conv_per_stage", convolutions},
            {"n_conv_per_stage_decoder", decoder_convolutions},
            {"conv_bias", true},
            {"norm_op", "torch.nn.modules.instancenorm.InstanceNorm3d"},
            {"norm_op_kwargs", {{"eps", 1e-5}, {"affine", true}}},
            {"dropout_op", nullptr},
            {"dropout_op_kwargs", nullptr},
            {"nonlin", "torch.nn.LeakyReLU"},
            {"nonlin_kwargs", {{"inplace", true}}}}},
          {"_kw_requires_import", {"conv_op", "norm_op", "dropout_op", "nonlin"}}};
}

Json plans_of(const BenchmarkModel& model) {
  Json configuration{{"preprocessor_name", "DefaultPreprocessor"},
                     {"normalization_schemes", Json::array({"CTNormalization"})},
                     {"use_mask_for_norm", Json::array({false})},
                     {"resampling_fn_data", "resample_data_or_seg_to_shape"},
                     {"resampling_fn_data_kwargs", resampling_arguments(3)},
                     {"resampling_fn_probabilities", "resample_data_or_seg_to_shape"},
                     {"resampling_fn_probabilities_kwargs", resampling_arguments(1)},
                     {"patch_size", model.patch},
                     {"spacing", model.spacing_mm},
                     {"architecture", architecture_of(model)}};
  return {{"dataset_name", "Dataset000_Demo"},
          {"plans_name", "nnUNetPlans"},
          {"transpose_forward", {0, 1, 2}},
          {"transpose_backward", {0, 1, 2}},
          {"configurations", {{kConfiguration, configuration}}},
          {"foreground_intensity_properties_per_channel",
           {{"0", {{"mean", 80.0}, {"std", 70.0}, {"percentile_00_5", -100.0}, {"percentile_99_5", 300.0}}}}}};
}

Json dataset_of(const BenchmarkModel& model) {
  Json labels = Json::object();
  for (std::size_t i = 0; i < model.labels.size(); ++i) labels[model.labels[i]] = i;
  return {{"channel_names", {{"0", "CT"}}}, {"labels", labels}, {"numTraining", 0}, {"file_ending", ".nii.gz"}};
}

// Kernels with the variance of He's initialisation (ICCV 2015). The taps of a kernel are mostly alike, those of a
// transposed convolution (`taps_differ` 0) entirely: such networks answer to tissue more than to noise.
std::vector<float> random_kernels(const TensorShape& shape, std::int64_t inputs, float taps_differ, std::uint64_t seed,
                                  std::uint64_t& counter) {
  const std::int64_t taps = shape[2] * shape[3] * shape[4];
  const float deviation = std::sqrt(2.0F / static_cast<float>(inputs * taps));
  const float alike = std::sqrt(1.0F - taps_differ * taps_differ);
  std::vector<float> values;
  for (std::int64_t kernel = 0; kernel < shape[0] * shape[1]; ++kernel) {
    const float common = normal(seed, counter++);
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      const float own = taps_differ > 0 ? normal(seed, counter++) : 0.0F;
      values.push_back(deviation * (alike * common + taps_differ * own));
    }
  }
  return values;
}

// Norms change nothing, biases are 0 but the head's.
TensorMap random_parameters(const Network& network, const BenchmarkModel& model) {
  constexpr float taps_differ = 0.5F;
  TensorMap tensors;
  std::uint64_t counter = 0;
  for (const Layer& layer : network.layers) {
    const bool transposed = layer.kind == LayerKind::transposed_convolution;
    const std::int64_t inputs = network.values[layer.input].channels;
    const std::int64_t outputs = network.values[layer.output].channels;
    const TensorShape shape{transposed ? inputs : outputs, transposed ? outputs : inputs, layer.kernel[0],
                            layer.kernel[1], layer.kernel[2]};
    Tensor weight{shape, random_kernels(shape, inputs, transposed ? 0.0F : taps_differ, model.seed, counter)};
    std::vector<float> bias(outputs, 0.0F);
    if (layer.kind == LayerKind::head) {
      for (float& value : weight.values) value *= model.head.scale;
      bias[model.head.channel] = model.head.bias;
    }
    tensors[layer.weight] = std::move(weight);
    if (layer.bias) tensors[layer.bias_name] = {{outputs}, bias};
    if (layer.norm_weight.empty()) continue;
    tensors[layer.norm_weight] = {{outputs}, std::vector<float>(outputs, 1.0F)};
    tensors[layer.norm_bias] = {{outputs}, std::vector<float>(outputs, 0.0F)};
  }
  return tensors;
}

BundledModel write_model(const std::filesystem::path& bundle, const BenchmarkModel& model,
                         std::map<std::string, std::string>& sums) {
  const std::filesystem::path folder = bundle / model.folder;
  make_output_folder(folder);
  const Json plans = plans_of(model);
  write_file(folder / "plans.json", plans.dump(1) + "\n");
  write_file(folder / "dataset.json", dataset_of(model).dump(1) + "\n");
  Architecture architecture = parse_plans(JsonView(plans, "plans.json"), kConfiguration).architecture;
  architecture.classes = static_cast<std::int64_t>(model.labels.size());
  const TensorMap parameters = random_parameters(build_network(architecture, "plans.json"), model);
  const std::string weights = "fold_0.safetensors";
  write_safetensors(folder / weights, parameters, DType::float32);
  for (const std::string& file : {std::string("plans.json"), std::string("dataset.json"), weights}) {
    sums[model.folder + "/" + file] = sha256_of_file(folder / file);
  }
  return {model.folder, kConfiguration, {weights}, {}};
}

// Of the first 150 seeds, one with which the untrained network happens to mark something in the middle of the abdomen.
constexpr std::uint64_t kLocalizerSeed = 65;

BenchmarkModel benchmark_localizer() {
  return {"localizer",   kLocalizerSeed, {"background", "pancreas"},        {28, 64, 72},
          {9, 4.5, 4.5}, {32, 64, 96},   {{1, 3, 3}, {3, 3, 3}, {3, 3, 3}}, {{1, 1, 1}, {1, 2, 2}, {2, 2, 2}},
          {1, 1, -2.5F}};
}

// The shape and the labels of the public PANORAMA baseline.
BenchmarkModel benchmark_member(int number) {
  return {"member_" + std::to_string(number),
          100 + static_cast<std::uint64_t>(number),
          {"background", "tumor", "veins", "arteries", "pancreas", "pancreatic duct", "common bile duct"},
          {48, 128, 288},
          {1.5, 0.747, 0.747},
          {32, 64, 128, 256, 320, 320},
          {{1, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}},
          {{1, 1, 1}, {1, 2, 2}, {2, 2, 2}, {2, 2, 2}, {2, 2, 2}, {1, 2, 2}},
          {2, 1, 0}};
}

}  // namespace

void write_benchmark_bundle(const std::filesystem::path& folder) {
  make_output_folder(folder);
  Bundle bundle;
  bundle.name = "benchmark";
  bundle.intended_use = "measuring time and memory; its results have no meaning";
  bundle.roi_margin_mm = {100, 50, 15};
  bundle.folder = folder;
  bundle.trained_on = "nothing: seeded random parameters";
  bundle.localizer =
      BundledLocalizer{write_model(folder, benchmark_localizer(), bundle.sha256), "pancreas", 2e3, 1e6, 0.5};
  for (int i = 0; i < 3; ++i) bundle.members.push_back(write_model(folder, benchmark_member(i), bundle.sha256));
  bundle.tumor_labels = {"tumor"};
  bundle.calibrator = Calibrator{"mhr", {0, 0.1F, 0.3F, 0.6F, 1}, {0, 0.02F, 0.3F, 0.85F, 1}};
  const Json calibrator{{"format", "twintrack-calibrator/1"},
                        {"target", bundle.calibrator->target},
                        {"x", bundle.calibrator->x},
                        {"y", bundle.calibrator->y}};
  write_file(folder / kBundleCalibratorFile, calibrator.dump(1) + "\n");
  bundle.sha256[kBundleCalibratorFile] = sha256_of_file(folder / kBundleCalibratorFile);
  write_file(folder / kBundleFile, to_json(bundle).dump(2) + "\n");
}

}  // namespace twintrack::demo

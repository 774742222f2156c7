#include "twintrack/network/network.hpp"

#include "twintrack/core/error.hpp"

#include <algorithm>
#include <limits>

namespace twintrack {
namespace {

constexpr std::int64_t kMaximalStages = 12;
constexpr std::int64_t kMaximalChannels = 4096;
constexpr std::int64_t kMaximalParameters = 4'000'000'000;

// Appends layers in execution order and remembers what they produce.
class Builder {
 public:
  explicit Builder(const Architecture& architecture) {
    network_.architecture = architecture;
    network_.values.push_back({architecture.input_channels, {1, 1, 1}});
  }

  int convolution(int input, std::int64_t channels, const Shape3& kernel, const Shape3& stride, const std::string& name,
                  bool bias, bool activated, int residual = -1) {
    Layer layer{LayerKind::convolution, input, value_after(input, channels, stride), residual, kernel, stride};
    layer.bias = bias;
    layer.activated = activated;
    layer.weight = name + ".conv.weight";
    layer.bias_name = bias ? name + ".conv.bias" : "";
    if (network_.architecture.affine_norm) {
      layer.norm_weight = name + ".norm.weight";
      layer.norm_bias = name + ".norm.bias";
    }
    return append(layer);
  }

  int average_pool(int input, const Shape3& stride) {
    return append({LayerKind::average_pool, input, value_after(input, network_.values[input].channels, stride), -1,
                   stride, stride});
  }

  int transposed_convolution(int input, std::int64_t channels, const Shape3& stride, const std::string& name) {
    Value value{channels, network_.values[input].stride};
    for (int axis = 0; axis < 3; ++axis) value.stride[axis] /= stride[axis];
    network_.values.push_back(value);
    Layer layer{LayerKind::transposed_convolution, input, last_value(), -1, stride, stride};
    layer.bias = network_.architecture.convolution_bias;
    layer.weight = name + ".weight";
    layer.bias_name = layer.bias ? name + ".bias" : "";
    return append(layer);
  }

  int concatenate(int first, int second) {
    auto& values = network_.values;
    values.push_back({values[first].channels + values[second].channels, values[first].stride});
    values[first].concatenation = values[second].concatenation = last_value();
    values[second].first_channel = values[first].channels;
    return last_value();
  }

  void decoder_output(int value) { network_.decoder_outputs.push_back(value); }

  void head(int input, std::int64_t classes, const std::string& name) {
    Layer layer{LayerKind::head, input, value_after(input, classes, {1, 1, 1})};
    layer.bias = true;
    layer.weight = name + ".weight";
    layer.bias_name = name + ".bias";
    append(layer);
  }

  Network finish() { return std::move(network_); }

 private:
  int value_after(int input, std::int64_t channels, const Shape3& stride) {
    Value value{channels, network_.values[input].stride};
    for (int axis = 0; axis < 3; ++axis) value.stride[axis] *= stride[axis];
    network_.values.push_back(value);
    return last_value();
  }
  int last_value() const { return static_cast<int>(network_.values.size()) - 1; }
  int append(const Layer& layer) {
    network_.layers.push_back(layer);
    return layer.output;
  }

  Network network_;
};

int stacked_convolutions(Builder& builder, int value, int count, std::int64_t channels, const Shape3& kernel,
                         const Shape3& first_stride, const std::string& name, bool bias) {
  for (int i = 0; i < count; ++i) {
    value = builder.convolution(value, channels, kernel, i == 0 ? first_stride : Shape3{1, 1, 1},
                                fmt::format("{}.convs.{}", name, i), bias, true);
  }
  return value;
}

// BasicBlockD (He et al. 2019, ResNet-D): the shortcut is pooled, then projected without bias where channels change.
int residual_block(Builder& builder, int input, std::int64_t input_channels, std::int64_t channels,
                   const Shape3& kernel, const Shape3& stride, const std::string& name, bool bias) {
  const bool pooled = stride != Shape3{1, 1, 1};
  int shortcut = pooled ? builder.average_pool(input, stride) : input;
  if (input_channels != channels) {
    shortcut = builder.convolution(shortcut, channels, {1, 1, 1}, {1, 1, 1},
                                   fmt::format("{}.skip.{}", name, pooled ? 1 : 0), false, false);
  }
  const int hidden = builder.convolution(input, channels, kernel, stride, name + ".conv1", bias, true);
  return builder.convolution(hidden, channels, kernel, {1, 1, 1}, name + ".conv2", bias, true, shortcut);
}

std::vector<int> build_encoder(Builder& builder, const Architecture& a) {
  std::vector<int> skips;
  int value = 0;
  std::int64_t channels = a.input_channels;
  if (a.kind == Architecture::Kind::residual_encoder_unet) {
    value = stacked_convolutions(builder, value, 1, a.features[0], a.kernels[0], {1, 1, 1}, "encoder.stem",
                                 a.convolution_bias);
    channels = a.features[0];
  }
  for (std::size_t s = 0; s < a.features.size(); ++s) {
    if (a.kind == Architecture::Kind::plain_conv_unet) {
      value = stacked_convolutions(builder, value, a.encoder_blocks[s], a.features[s], a.kernels[s], a.strides[s],
                                   fmt::format("encoder.stages.{}.0", s), a.convolution_bias);
    } else {
      for (int b = 0; b < a.encoder_blocks[s]; ++b) {
        value = residual_block(builder, value, b == 0 ? channels : a.features[s], a.features[s], a.kernels[s],
                               b == 0 ? a.strides[s] : Shape3{1, 1, 1},
                               fmt::format("encoder.stages.{}.blocks.{}", s, b), a.convolution_bias);
      }
    }
    channels = a.features[s];
    skips.push_back(value);
  }
  return skips;
}

void build_decoder(Builder& builder, const Architecture& a, const std::vector<int>& skips) {
  const std::size_t stages = a.features.size();
  int value = skips.back();
  for (std::size_t s = 0; s + 1 < stages; ++s) {
    const std::size_t below = stages - 1 - s;
    const int up = builder.transposed_convolution(value, a.features[below - 1], a.strides[below],
                                                  fmt::format("decoder.transpconvs.{}", s));
    value = builder.concatenate(up, skips[below - 1]);
    value = stacked_convolutions(builder, value, a.decoder_convolutions[s], a.features[below - 1], a.kernels[below - 1],
                                 {1, 1, 1}, fmt::format("decoder.stages.{}", s), a.convolution_bias);
    builder.decoder_output(value);
  }
  builder.head(value, a.classes, fmt::format("decoder.seg_layers.{}", stages - 2));
}

void check_architecture(const Architecture& a, const std::string& where) {
  const std::size_t stages = a.features.size();
  if (stages < 2 || stages > kMaximalStages) {
    throw InputError("{}: the network has {} stages; 2 to {} are supported", where, stages, kMaximalStages);
  }
  if (a.kernels.size() != stages || a.strides.size() != stages || a.encoder_blocks.size() != stages ||
      a.decoder_convolutions.size() != stages - 1) {
    throw InputError(
        "{}: features_per_stage has {} entries, but kernel_sizes {}, strides {}, blocks or convolutions per stage {}, "
        "n_conv_per_stage_decoder {} (one less is right)",
        where, stages, a.kernels.size(), a.strides.size(), a.encoder_blocks.size(), a.decoder_convolutions.size());
  }
  const auto check = [&](const char* what, std::int64_t value, std::int64_t low, std::int64_t high) {
    if (value < low || value > high)
      throw InputError("{}: {} is {}; {} to {} is supported", where, what, value, low, high);
  };
  check("the number of input channels", a.input_channels, 1, 64);
  check("the number of output channels", a.classes, 1, 512);
  for (std::size_t s = 0; s < stages; ++s) {
    check("features_per_stage", a.features[s], 1, kMaximalChannels);
    check("blocks or convolutions per stage", a.encoder_blocks[s], 1, 64);
    if (s + 1 < stages) check("n_conv_per_stage_decoder", a.decoder_convolutions[s], 1, 64);
    for (int axis = 0; axis < 3; ++axis) {
      check("kernel size", a.kernels[s][axis], 1, 15);
      check("stride", a.strides[s][axis], 1, 8);
      if (a.kernels[s][axis] % 2 == 0) {
        throw InputError("{}: kernel size {} is even; nnU-Net's kernels are odd", where, a.kernels[s][axis]);
      }
    }
  }
  if (a.strides[0] != Shape3{1, 1, 1}) {
    throw InputError("{}: the first stage has stride {}x{}x{}; only 1x1x1 keeps the output at the input's size", where,
                     a.strides[0][0], a.strides[0][1], a.strides[0][2]);
  }
}

}  // namespace

Network build_network(const Architecture& architecture, const std::string& where) {
  check_architecture(architecture, where);
  Builder builder(architecture);
  const std::vector<int> skips = build_encoder(builder, architecture);
  build_decoder(builder, architecture, skips);
  Network network = builder.finish();
  std::int64_t parameters = 0;
  for (const ParameterSpec& parameter : parameters_of(network)) {
    std::int64_t count = 1;
    for (const std::int64_t size : parameter.shape) count *= size;
    parameters += count;
  }
  if (parameters > kMaximalParameters) {
    throw InputError("{}: the network would have {} parameters; at most {} are supported", where, parameters,
                     kMaximalParameters);
  }
  return network;
}

void check_patch(const Network& network, const Shape3& patch, const std::string& where) {
  Shape3 total{1, 1, 1};
  for (const Value& value : network.values) {
    for (int axis = 0; axis < 3; ++axis) total[axis] = std::max(total[axis], value.stride[axis]);
  }
  for (int axis = 0; axis < 3; ++axis) {
    if (patch[axis] < 1 || patch[axis] > 1024 || patch[axis] % total[axis] != 0) {
      throw InputError(
          "{}: patch_size[{}] is {}; it must be a multiple of the network's total stride {} and at most 1024", where,
          axis, patch[axis], total[axis]);
    }
  }
}

std::vector<ParameterSpec> parameters_of(const Network& network) {
  std::vector<ParameterSpec> parameters;
  for (const Layer& layer : network.layers) {
    if (layer.weight.empty()) continue;
    const std::int64_t in = network.values[layer.input].channels;
    const std::int64_t out = network.values[layer.output].channels;
    const bool transposed = layer.kind == LayerKind::transposed_convolution;
    parameters.push_back(
        {layer.weight,
         {transposed ? in : out, transposed ? out : in, layer.kernel[0], layer.kernel[1], layer.kernel[2]}});
    for (const std::string& name : {layer.bias_name, layer.norm_weight, layer.norm_bias}) {
      if (!name.empty()) parameters.push_back({name, {out}});
    }
  }
  return parameters;
}

void check_parameters(const Network& network, TensorMap& weights, const std::string& file) {
  TensorMap kept;
  for (const ParameterSpec& parameter : parameters_of(network)) {
    const auto found = weights.find(parameter.name);
    if (found == weights.end()) {
      throw InputError("{}: parameter {} of shape {} is missing; the plans and the checkpoint do not belong together",
                       file, parameter.name, to_string(parameter.shape));
    }
    if (found->second.shape != parameter.shape) {
      throw InputError("{}: parameter {} has shape {}, but the plans ask for {}", file, parameter.name,
                       to_string(found->second.shape), to_string(parameter.shape));
    }
    kept.insert(weights.extract(found));
  }
  for (const auto& [name, tensor] : weights) {
    if (!name.starts_with("decoder.seg_layers.")) {
      throw InputError("{}: parameter {} of shape {} belongs to no layer of the network that the plans describe", file,
                       name, to_string(tensor.shape));
    }
  }
  weights = std::move(kept);
}

double operations(const Network& network, const Shape3& patch) {
  double total = 0;
  for (const Layer& layer : network.layers) {
    if (layer.weight.empty()) continue;
    const bool transposed = layer.kind == LayerKind::transposed_convolution;
    const Shape3 extent = extent_of(network.values[transposed ? layer.input : layer.output], patch);
    total += 2.0 * static_cast<double>(voxel_count(extent)) * static_cast<double>(voxel_count(layer.kernel)) *
             static_cast<double>(network.values[layer.input].channels) *
             static_cast<double>(network.values[layer.output].channels);
  }
  return total;
}

}  // namespace twintrack

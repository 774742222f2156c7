#include "twintrack/network/trainable_network.hpp"

#include "twintrack/core/random.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kInitialSlope = 1e-2;  // nnU-Net's InitWeights_He(1e-2), whatever the activation's slope is

std::string head_name(std::size_t stage) { return fmt::format("decoder.seg_layers.{}", stage); }

// Place of a parameter in nnU-Net's modules: encoder, decoder stages, transposed convolutions, heads.
int module_rank(const std::string& name) {
  if (name.starts_with("encoder.")) return 0;
  if (name.starts_with("decoder.stages.")) return 1;
  return name.starts_with("decoder.transpconvs.") ? 2 : 3;
}

// Within a residual block the modules are conv1, conv2, skip; execution computes the skip first.
int block_rank(const std::string& name) {
  if (name.find(".conv1.") != std::string::npos) return 0;
  if (name.find(".conv2.") != std::string::npos) return 1;
  return name.find(".skip.") != std::string::npos ? 2 : 0;
}

// "encoder.stages.1.blocks.0." of a parameter in a residual block, else the name itself.
std::string block_of(const std::string& name) {
  for (const char* part : {".conv1.", ".conv2.", ".skip."}) {
    if (const auto position = name.find(part); position != std::string::npos) return name.substr(0, position);
  }
  return name;
}

std::int64_t element_count(const TensorShape& shape) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  return count;
}

// Inputs that reach one output: nn.init's fan_in, which for a transposed kernel counts its second dimension.
double fan_in(const TensorShape& shape) { return static_cast<double>(shape[1] * shape[2] * shape[3] * shape[4]); }

}  // namespace

std::vector<ParameterSpec> trainable_parameters(const Network& network) {
  std::vector<ParameterSpec> parameters;
  const std::string final_head = head_name(network.decoder_outputs.size() - 1);
  for (const ParameterSpec& parameter : parameters_of(network)) {
    if (!parameter.name.starts_with(final_head + ".")) parameters.push_back(parameter);
  }
  const auto rank = [](const std::string& name) { return module_rank(name); };
  // Execution runs through a residual block as skip, conv1, conv2: put each block in its module's order first.
  for (auto begin = parameters.begin(); begin != parameters.end();) {
    const std::string block = block_of(begin->name);
    const auto end = std::find_if(begin, parameters.end(),
                                  [&](const ParameterSpec& other) { return block_of(other.name) != block; });
    std::stable_sort(begin, end, [](const ParameterSpec& a, const ParameterSpec& b) {
      return block_rank(a.name) < block_rank(b.name);
    });
    begin = end;
  }
  std::stable_sort(parameters.begin(), parameters.end(),
                   [&](const ParameterSpec& a, const ParameterSpec& b) { return rank(a.name) < rank(b.name); });
  for (std::size_t s = 0; s < network.decoder_outputs.size(); ++s) {
    const std::int64_t channels = network.values[network.decoder_outputs[s]].channels;
    const std::int64_t classes = network.architecture.classes;
    parameters.push_back({head_name(s) + ".weight", {classes, channels, 1, 1, 1}});
    parameters.push_back({head_name(s) + ".bias", {classes}});
  }
  return parameters;
}

TensorMap initial_parameters(const Network& network, std::uint64_t seed) {
  TensorMap result;
  std::uint64_t number = 0;
  for (const ParameterSpec& parameter : trainable_parameters(network)) {
    Tensor tensor{parameter.shape, std::vector<float>(element_count(parameter.shape), 0.0F)};
    if (parameter.shape.size() == 5) {
      Random random(seed, number);
      const double std = std::sqrt(2.0 / (1.0 + kInitialSlope * kInitialSlope) / fan_in(parameter.shape));
      for (float& value : tensor.values) value = static_cast<float>(std * random.normal());
    } else if (parameter.name.ends_with("norm.weight") && !parameter.name.ends_with(".conv2.norm.weight")) {
      std::fill(tensor.values.begin(), tensor.values.end(), 1.0F);
    }
    result.emplace(parameter.name, std::move(tensor));
    ++number;
  }
  return result;
}

std::vector<Shape3> supervised_shapes(const Network& network, const Shape3& patch) {
  std::vector<Shape3> shapes;
  for (const int value : network.decoder_outputs) shapes.push_back(extent_of(network.values[value], patch));
  std::reverse(shapes.begin(), shapes.end());
  return shapes;
}

}  // namespace twintrack

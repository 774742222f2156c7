#include "self_test_network.hpp"

#include <cmath>

namespace twintrack::cli {
namespace {

// In [-1, 1): splitmix64 (Steele, Lea and Flood 2014).
float hashed(std::uint64_t index) {
  std::uint64_t z = (index + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<float>(static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-52 - 1.0);
}

}  // namespace

Network u_net(const std::vector<std::int64_t>& features) {
  Architecture a;
  a.features = features;
  a.kernels.assign(features.size(), {3, 3, 3});
  a.strides.assign(features.size(), {2, 2, 2});
  a.strides.front() = {1, 1, 1};
  a.encoder_blocks.assign(features.size(), 2);
  a.decoder_convolutions.assign(features.size() - 1, 2);
  return build_network(a, "self-test");
}

TensorMap known_weights(const Network& network) {
  TensorMap weights;
  std::uint64_t index = 0;
  for (const ParameterSpec& parameter : parameters_of(network)) {
    Tensor tensor{parameter.shape, {}};
    std::int64_t count = 1, inputs = 1;
    for (std::size_t i = 0; i < parameter.shape.size(); ++i) {
      count *= parameter.shape[i];
      inputs *= i > 0 ? parameter.shape[i] : 1;
    }
    const bool is_scale = parameter.name.ends_with("norm.weight");
    const float width = std::sqrt(3.0F / static_cast<float>(inputs));  // keeps the variance from layer to layer
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = hashed(index++) * width;
      tensor.values.push_back(is_scale ? 1.0F + 0.2F * value : value);
    }
    weights[parameter.name] = std::move(tensor);
  }
  return weights;
}

std::vector<float> known_patch(const Shape3& patch) {
  std::vector<float> values(static_cast<std::size_t>(voxel_count(patch)));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = hashed(i + 12345);
  return values;
}

}  // namespace twintrack::cli

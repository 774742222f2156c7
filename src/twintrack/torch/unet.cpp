#include "unet.hpp"

#include "norm.hpp"

#include <ATen/ATen.h>
#include <ATen/ops/mkldnn_convolution.h>
#include <fmt/format.h>

#include <algorithm>

namespace twintrack::libtorch {
namespace {

class Forward {
 public:
  Forward(const Network& network, const Parameters& parameters, at::ScalarType type)
      : network_(network), parameters_(parameters), type_(type), values_(network.values.size()), uses_(count_uses()) {}

  std::vector<at::Tensor> run(const at::Tensor& images, std::size_t heads) {
    values_[0] = images.to(type_);
    for (const Layer& layer : network_.layers) {
      if (layer.kind == LayerKind::head) continue;
      values_[layer.output] = run(layer);
      release(layer.input);
      if (layer.residual >= 0) release(layer.residual);
    }
    std::vector<at::Tensor> logits;
    const std::size_t stages = network_.decoder_outputs.size();
    for (std::size_t i = 0; i < heads; ++i) {
      const std::size_t stage = stages - 1 - i;
      const std::string name = fmt::format("decoder.seg_layers.{}", stage);
      const at::Tensor result = convolve(values_[network_.decoder_outputs[stage]], parameter(name + ".weight"),
                                         parameter(name + ".bias"), {1, 1, 1}, {1, 1, 1});
      logits.push_back(result.to(at::kFloat));
    }
    return logits;
  }

 private:
  const at::Tensor& parameter(const std::string& name) const { return parameters_.at(name); }

  // Readers of each value; those of a concatenation's halves read the concatenation.
  std::vector<int> count_uses() const {
    std::vector<int> uses(network_.values.size(), 0);
    for (const Layer& layer : network_.layers) {
      ++uses[layer.input];
      if (layer.residual >= 0) ++uses[layer.residual];
    }
    for (const int value : network_.decoder_outputs) ++uses[value];
    for (const Value& value : network_.values) {
      if (value.concatenation >= 0) ++uses[&value - network_.values.data()];
    }
    return uses;
  }

  // Without gradients, what no layer reads any more is freed at once.
  void release(int value) {
    if (--uses_[value] == 0) values_[value] = at::Tensor();
  }

  at::Tensor input_of(const Layer& layer) {
    at::Tensor& value = values_[layer.input];
    if (!value.defined()) {
      std::vector<int> parts;
      for (std::size_t i = 0; i < network_.values.size(); ++i) {
        if (network_.values[i].concatenation == layer.input) parts.push_back(static_cast<int>(i));
      }
      std::sort(parts.begin(), parts.end(),
                [&](int a, int b) { return network_.values[a].first_channel < network_.values[b].first_channel; });
      std::vector<at::Tensor> tensors;
      for (const int part : parts) tensors.push_back(values_[part]);
      value = at::cat(tensors, 1);
      for (const int part : parts) release(part);
    }
    return value;
  }

  at::Tensor convolve(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, const Shape3& kernel,
                      const Shape3& stride) const {
    const std::vector<std::int64_t> padding{(kernel[0] - 1) / 2, (kernel[1] - 1) / 2, (kernel[2] - 1) / 2};
    const std::vector<std::int64_t> steps(stride.begin(), stride.end());
    const at::Tensor w = weight.to(input.scalar_type());
    const at::Tensor b = bias.defined() ? bias.to(input.scalar_type()) : at::Tensor();
    // On a CPU libtorch's own choice leaves oneDNN for small volumes.
    if (input.is_cpu()) return at::mkldnn_convolution(input, w, b, padding, steps, {1, 1, 1}, 1);
    return at::convolution(input, w, b, steps, padding, {1, 1, 1}, false, {0, 0, 0}, 1);
  }

  // Kernel and stride are the same, so every input voxel becomes a block of its own: a 1x1x1 convolution to
  // all taps, then a change of places.
  at::Tensor upsample(const at::Tensor& input, const Layer& layer) const {
    const Shape3& k = layer.stride;
    const at::Tensor& weight = parameter(layer.weight);  // (in, out, kz, ky, kx)
    const std::int64_t out = weight.size(1);
    const std::int64_t taps = voxel_count(k);
    const at::Tensor pointwise = weight.reshape({weight.size(0), out * taps, 1, 1, 1}).transpose(0, 1).contiguous();
    at::Tensor y = convolve(input, pointwise, {}, {1, 1, 1}, {1, 1, 1});
    const std::int64_t n = y.size(0);
    const Shape3 extent{y.size(2), y.size(3), y.size(4)};
    y = y.reshape({n, out, k[0], k[1], k[2], extent[0], extent[1], extent[2]})
            .permute({0, 1, 5, 2, 6, 3, 7, 4})
            .reshape({n, out, extent[0] * k[0], extent[1] * k[1], extent[2] * k[2]});
    if (!layer.bias) return y;
    return y + parameter(layer.bias_name).to(y.scalar_type()).view({1, out, 1, 1, 1});
  }

  at::Tensor run(const Layer& layer) {
    const at::Tensor input = input_of(layer);
    if (layer.kind == LayerKind::average_pool) {
      const std::vector<std::int64_t> k(layer.kernel.begin(), layer.kernel.end());
      // libtorch has no kernel for bfloat16 on a CPU.
      return at::avg_pool3d(input.is_cpu() ? input.to(at::kFloat) : input, k, k).to(type_);
    }
    if (layer.kind == LayerKind::transposed_convolution) return upsample(input, layer);
    // A bias before an instance norm cancels.
    const at::Tensor y = convolve(input, parameter(layer.weight), {}, layer.kernel, layer.stride);
    const bool affine = !layer.norm_weight.empty();
    const Architecture& a = network_.architecture;
    return normalise(y, affine ? parameter(layer.norm_weight) : at::Tensor(),
                     affine ? parameter(layer.norm_bias) : at::Tensor(),
                     layer.residual >= 0 ? values_[layer.residual] : at::Tensor(), a.norm_epsilon, layer.activated,
                     a.negative_slope);
  }

  const Network& network_;
  const Parameters& parameters_;
  at::ScalarType type_;
  std::vector<at::Tensor> values_;
  std::vector<int> uses_;
};

}  // namespace

std::vector<at::Tensor> forward(const Network& network, const Parameters& parameters, const at::Tensor& images,
                                at::ScalarType type, std::size_t heads) {
  return Forward(network, parameters, type).run(images, heads);
}

}  // namespace twintrack::libtorch

// The network as data: values (feature maps) and the layers between them, built from an architecture as nnU-Net's plans
// describe it. Engines run it.
#pragma once

#include "twintrack/core/shape.hpp"
#include "twintrack/tensor/tensor.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace twintrack {

// A U-Net of the package dynamic_network_architectures, as its constructors' arguments describe it.
struct Architecture {
  enum class Kind { plain_conv_unet, residual_encoder_unet };
  Kind kind = Kind::plain_conv_unet;
  std::int64_t input_channels = 1;
  std::int64_t classes = 2;               // output channels
  std::vector<std::int64_t> features;     // per stage
  std::vector<Shape3> kernels;            // per stage, odd
  std::vector<Shape3> strides;            // per stage
  std::vector<int> encoder_blocks;        // per stage: convolutions, or residual blocks
  std::vector<int> decoder_convolutions;  // per decoder stage, lowest resolution first
  bool convolution_bias = true;
  bool affine_norm = true;
  float norm_epsilon = 1e-5F;
  float negative_slope = 0.01F;

  friend bool operator==(const Architecture&, const Architecture&) = default;
};

// A feature map. Two values that are halves of one concatenation name the concatenation and their first channel in it.
struct Value {
  std::int64_t channels = 0;
  Shape3 stride{1, 1, 1};  // how much smaller than the patch, per axis
  int concatenation = -1;  // index of the value this one is a part of
  std::int64_t first_channel = 0;
};

enum class LayerKind { convolution, transposed_convolution, average_pool, head };

// convolution: zero padding (kernel - 1) / 2, then instance norm, then + residual, then leaky ReLU when `activated`.
// transposed_convolution: kernel = stride, with bias when the architecture has it.
// average_pool: kernel = stride. head: 1x1x1 convolution with bias, to logits.
struct Layer {
  LayerKind kind = LayerKind::convolution;
  int input = 0;
  int output = 0;
  int residual = -1;
  Shape3 kernel{1, 1, 1};
  Shape3 stride{1, 1, 1};
  bool bias = false;
  bool activated = false;
  std::string weight;  // parameter names; empty where the layer has none
  std::string bias_name;
  std::string norm_weight;
  std::string norm_bias;
};

struct Network {
  Architecture architecture;
  std::vector<Value> values;         // values[0] is the input patch
  std::vector<Layer> layers;         // in order of execution; the last is the head
  std::vector<int> decoder_outputs;  // values that deep-supervision heads read, lowest resolution first
};

// Throws InputError (prefix `where`, the plans file) when the architecture is inconsistent or absurdly large.
Network build_network(const Architecture& architecture, const std::string& where);

// Throws InputError (prefix `where`) when the patch cannot be divided by the network's total stride.
void check_patch(const Network& network, const Shape3& patch, const std::string& where);

struct ParameterSpec {
  std::string name;
  TensorShape shape;
};
std::vector<ParameterSpec> parameters_of(const Network& network);

// Every parameter is there with its shape, and nothing is left over but the deep-supervision heads, which are removed.
// Throws InputError naming the parameter, both shapes and `file`.
void check_parameters(const Network& network, TensorMap& weights, const std::string& file);

// Floating-point operations (a multiplication and an addition each count) of the convolutions for one patch.
double operations(const Network& network, const Shape3& patch);

inline Shape3 extent_of(const Value& value, const Shape3& patch) {
  return {patch[0] / value.stride[0], patch[1] / value.stride[1], patch[2] / value.stride[2]};
}

}  // namespace twintrack

// The engines against each other: what the processor decides must not decide the result.
#include "twintrack/core/parallel.hpp"
#include "twintrack/network/amx_kernels.hpp"
#include "twintrack/network/engine.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace twintrack {
namespace {

Architecture architecture(Architecture::Kind kind) {
  Architecture a;
  a.kind = kind;
  a.classes = 7;
  a.features = {32, 64, 96, 96};
  a.kernels = {{1, 3, 3}, {3, 3, 3}, {3, 3, 3}, {3, 3, 3}};
  a.strides = {{1, 1, 1}, {1, 2, 2}, {2, 2, 2}, {2, 1, 2}};
  a.encoder_blocks = {2, 2, 1, 2};
  a.decoder_convolutions = {2, 1, 2};
  return a;
}

float hash_uniform(std::uint64_t index) {  // in [-1, 1), splitmix64
  std::uint64_t z = (index + 1) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<float>(static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1.0p-52 - 1.0);
}

TensorMap random_weights(const Network& network) {
  TensorMap weights;
  std::uint64_t index = 0;
  for (const ParameterSpec& parameter : parameters_of(network)) {
    Tensor tensor{parameter.shape, {}};
    std::int64_t count = 1;
    std::int64_t fan_in = 1;
    for (std::size_t i = 0; i < parameter.shape.size(); ++i) {
      count *= parameter.shape[i];
      if (i > 0) fan_in *= parameter.shape[i];
    }
    const bool scale = parameter.name.ends_with("norm.weight");
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = hash_uniform(index++) * std::sqrt(3.0F / static_cast<float>(fan_in));
      tensor.values.push_back(scale ? 1.0F + 0.2F * value : value);
    }
    weights[parameter.name] = tensor;
  }
  return weights;
}

std::vector<float> logits_of(Engine& engine, const Network& network, const TensorMap& weights, const Shape3& patch) {
  std::vector<float> input(voxel_count(patch));
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = hash_uniform(i + 12345);
  std::vector<float> logits(network.architecture.classes * voxel_count(patch));
  const int set = engine.load(weights);
  engine.run(set, input, logits);
  std::vector<float> again(logits.size());
  engine.run(set, input, again);
  EXPECT_EQ(logits, again) << "a second run finds other buffers";
  return logits;
}

double relative_l2(const std::vector<float>& found, const std::vector<float>& expected) {
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += std::pow(static_cast<double>(found[i]) - expected[i], 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / norm);
}

class EngineAgreement : public testing::TestWithParam<Architecture::Kind> {};

TEST_P(EngineAgreement, BfloatEnginesAgreeWithFloat) {
  const Network network = build_network(architecture(GetParam()), "test");
  const Shape3 patch{8, 24, 40};
  const TensorMap weights = random_weights(network);
  const auto reference = make_onednn_engine(network, patch, Precision::fp32);
  const std::vector<float> expected = logits_of(*reference, network, weights, patch);
  const auto onednn = make_onednn_engine(network, patch, Precision::bf16);
  EXPECT_LE(relative_l2(logits_of(*onednn, network, weights, patch), expected), 2e-2);
  if (!amx_available()) GTEST_SKIP() << "the processor has no AMX";
  const auto amx = make_amx_engine(network, patch);
  EXPECT_LE(relative_l2(logits_of(*amx, network, weights, patch), expected), 2e-2);
}

TEST_P(EngineAgreement, NumberOfThreadsDoesNotMatter) {
  const Network network = build_network(architecture(GetParam()), "test");
  const Shape3 patch{8, 24, 40};
  const TensorMap weights = random_weights(network);
  // Bit by bit where the kernels are ours. On some processors oneDNN's convolutions choose the order of their sums by
  // the number of threads.
  for (const auto& [precision, rounding] : {std::pair{Precision::fp32, 1e-6}, std::pair{Precision::bf16, 1e-2}}) {
    const bool ours = make_cpu_engine(network, patch, precision)->name().starts_with("AMX");
    std::vector<std::vector<float>> found;
    for (const int threads : {1, 2, 3}) {
      set_thread_count(threads);
      found.push_back(logits_of(*make_cpu_engine(network, patch, precision), network, weights, patch));
    }
    set_thread_count(available_processors());
    for (const int other : {1, 2}) EXPECT_LE(relative_l2(found[other], found[0]), ours ? 0 : rounding);
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, EngineAgreement,
                         testing::Values(Architecture::Kind::plain_conv_unet,
                                         Architecture::Kind::residual_encoder_unet),
                         [](const auto& test) {
                           return test.param == Architecture::Kind::plain_conv_unet ? "plain" : "residual";
                         });

}  // namespace
}  // namespace twintrack

// The engines against a reference in double precision.
#include "twintrack/network/engine.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "network/reference_network.hpp"
#include "network/small_network.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack {
namespace {

using test::relative_l2;
using test::uniform;

struct Setting {
  const char* name;
  Architecture::Kind kind;
  bool bias;
  bool affine;
};

constexpr auto kPlain = Architecture::Kind::plain_conv_unet;
constexpr auto kResidual = Architecture::Kind::residual_encoder_unet;
const Shape3 kPatch{4, 12, 8};

Network network_of(const Setting& setting) {
  Architecture a = test::small_architecture(setting.kind);
  a.convolution_bias = setting.bias;
  a.affine_norm = setting.affine;
  return build_network(a, "test");
}

TensorMap random_weights(const Network& network, unsigned seed) {
  std::mt19937 random(seed);
  TensorMap weights;
  for (const ParameterSpec& parameter : parameters_of(network)) {
    std::int64_t count = 1;
    for (const std::int64_t extent : parameter.shape) count *= extent;
    weights[parameter.name] = {parameter.shape, uniform(count, random)};
  }
  return weights;
}

class EngineReference : public testing::TestWithParam<Setting> {};

TEST_P(EngineReference, Float32) {
  const Network network = network_of(GetParam());
  const auto engine = make_cpu_engine(network, kPatch, Precision::fp32);
  std::mt19937 random(7);
  const auto input = uniform(voxel_count(kPatch), random);
  std::vector<float> logits(3 * voxel_count(kPatch));
  const TensorMap weights = random_weights(network, 1);
  engine->run(engine->load(weights), input, logits);
  EXPECT_LE(relative_l2(logits, test::reference_logits(network, weights, kPatch, input)), 2e-6);
}

TEST_P(EngineReference, Bfloat16) {
  if (!has_native_bfloat16()) GTEST_SKIP() << "this processor has no bfloat16";
  const Network network = network_of(GetParam());
  const auto engine = make_cpu_engine(network, kPatch, Precision::bf16);
  std::mt19937 random(7);
  const auto input = uniform(voxel_count(kPatch), random);
  std::vector<float> logits(3 * voxel_count(kPatch));
  const TensorMap weights = random_weights(network, 1);
  engine->run(engine->load(weights), input, logits);
  const double error = relative_l2(logits, test::reference_logits(network, weights, kPatch, input));
  EXPECT_LE(error, 3e-2);
  EXPECT_GT(error, 1e-5) << "this is not bfloat16";
}

TEST_P(EngineReference, SeveralSetsOfWeightsShareAnEngine) {
  const Network network = network_of(GetParam());
  const auto engine = make_cpu_engine(network, kPatch, Precision::fp32);
  std::mt19937 random(7);
  const auto input = uniform(voxel_count(kPatch), random);
  std::vector<std::vector<double>> expected;
  for (int set = 0; set < 3; ++set) {
    const TensorMap weights = random_weights(network, set + 1);
    EXPECT_EQ(engine->load(weights), set);
    expected.push_back(test::reference_logits(network, weights, kPatch, input));
  }
  std::vector<float> logits(3 * voxel_count(kPatch));
  for (const int set : {2, 0, 1, 0}) {
    engine->run(set, input, logits);
    EXPECT_LE(relative_l2(logits, expected[set]), 2e-6) << set;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, EngineReference,
                         testing::Values(Setting{"Plain", kPlain, true, true},
                                         Setting{"PlainWithoutBias", kPlain, false, true},
                                         Setting{"PlainWithoutAffine", kPlain, true, false},
                                         Setting{"Residual", kResidual, true, true},
                                         Setting{"ResidualWithoutBiasAndAffine", kResidual, false, false}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace twintrack

// libtorch's plug-in: inference against the double-precision reference, loss and gradients against their definitions.
#include "twintrack/network/torch_plugin.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "network/reference_network.hpp"
#include "network/small_network.hpp"
#include "support/error_message.hpp"
#include "twintrack/core/error.hpp"

namespace twintrack {
namespace {

using test::relative_l2;
using test::uniform;

const Shape3 kPatch{4, 12, 8};
constexpr std::int64_t kSamples = 2;

Network network_of(Architecture::Kind kind) { return build_network(test::small_architecture(kind), "test"); }

// All parameters differ from 0, so that every one has a gradient.
TensorMap random_parameters(const Network& network) {
  std::mt19937 random(3);
  TensorMap parameters = initial_parameters(network, 5);
  for (auto& [name, tensor] : parameters) {
    for (float& value : tensor.values) value += 0.2F * uniform(1, random).front();
  }
  return parameters;
}

TrainingTargets softmax_targets(int classes) {
  TrainingTargets targets;
  for (int c = 0; c < classes; ++c) targets.members.push_back({static_cast<std::int16_t>(c)});
  return targets;
}

TrainingBatch random_batch(const Network& network, int labels, bool soft) {
  std::mt19937 random(11);
  TrainingBatch batch;
  batch.samples = kSamples;
  batch.images = uniform(kSamples * voxel_count(kPatch), random);
  for (const Shape3& shape : supervised_shapes(network, kPatch)) {
    std::vector<std::int16_t> values(kSamples * voxel_count(shape));
    for (std::int16_t& value : values) value = static_cast<std::int16_t>(random() % labels);
    batch.labels.push_back(values);
    if (!soft) continue;
    std::vector<float> share(values.size());
    for (float& value : share) value = static_cast<float>(random() % 6) / 5;
    batch.soft.push_back(share);
  }
  return batch;
}

class TorchPluginTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_torch_plugin()) GTEST_SKIP() << "built without libtorch";
  }
};

TEST_F(TorchPluginTest, InfersAsTheReferenceDoes) {
  for (const auto kind : {Architecture::Kind::plain_conv_unet, Architecture::Kind::residual_encoder_unet}) {
    const Network network = network_of(kind);
    TensorMap weights = random_parameters(network);
    check_parameters(network, weights, "test");
    std::mt19937 random(7);
    const auto input = uniform(voxel_count(kPatch), random);
    const auto expected = test::reference_logits(network, weights, kPatch, input);
    std::vector<float> logits(expected.size());
    for (const auto& [precision, tolerance] : {std::pair{Precision::fp32, 5e-6}, std::pair{Precision::bf16, 3e-2}}) {
      const auto engine = torch_plugin().make_engine(network, kPatch, precision, "cpu");
      engine->run(engine->load(weights), input, logits);
      EXPECT_LE(relative_l2(logits, expected), tolerance) << engine->name();
    }
  }
}

TEST_F(TorchPluginTest, RefusesADeviceThatIsNotThere) {
  const Network network = network_of(Architecture::Kind::plain_conv_unet);
  for (const char* device : {"cuda:99", "quantum", ""}) {
    EXPECT_THROW(torch_plugin().make_engine(network, kPatch, Precision::fp32, device), UsageError) << device;
  }
  TrainingOptions options;
  options.precision = TrainingPrecision::mixed;
  EXPECT_THROW(torch_plugin().make_trainable(network, kPatch, softmax_targets(3), options), UsageError);
}

struct LossSetting {
  const char* name;
  Architecture::Kind kind = Architecture::Kind::plain_conv_unet;
  bool regions = false;
  bool ignore = false;
  bool soft = false;
  TrainingLoss loss = TrainingLoss::dice_and_cross_entropy;
  bool batch_dice = false;
};

TrainingTargets targets_of(const LossSetting& setting) {
  TrainingTargets targets = softmax_targets(3);
  if (setting.regions) targets = {true, {{1, 2}, {2}, {1}}, {}, {}};
  if (setting.ignore) targets.ignore = static_cast<std::int16_t>(3);
  if (setting.soft) targets.soft_channel = 2;
  return targets;
}

// The definition, in double precision, from float32 logits of the finest resolution.
double reference_loss(const std::vector<double>& logits, const TrainingBatch& batch, const LossSetting& setting) {
  const TrainingTargets targets = targets_of(setting);
  const std::int64_t voxels = voxel_count(kPatch);
  const std::int64_t channels = std::ssize(targets.members);
  const std::int64_t first = setting.regions ? 0 : 1;
  std::vector<double> both(kSamples * channels, 0), total(kSamples * channels, 0);
  double entropy = 0;
  double counted = 0;
  for (std::int64_t n = 0; n < kSamples; ++n) {
    for (std::int64_t v = 0; v < voxels; ++v) {
      const int label = batch.labels[0][n * voxels + v];
      if (targets.ignore && label == *targets.ignore) continue;
      ++counted;
      double sum = 0;
      for (std::int64_t c = 0; c < channels; ++c) sum += std::exp(logits[(n * channels + c) * voxels + v]);
      for (std::int64_t c = 0; c < channels; ++c) {
        const double logit = logits[(n * channels + c) * voxels + v];
        const double p = setting.regions ? 1 / (1 + std::exp(-logit)) : std::exp(logit) / sum;
        const auto& members = targets.members[c];
        double t = std::count(members.begin(), members.end(), label) > 0 ? 1 : 0;
        if (setting.soft) {
          const double share = batch.soft[0][n * voxels + v];
          const bool background = c == 0 && (label == 0 || label == 2);
          t = c == 2 ? share : (background || (c == label) ? 1 - share : 0);
        }
        const double divisor = setting.ignore ? 1.0 : static_cast<double>(channels);  // as nnU-Net divides
        if (setting.regions) entropy -= (t * std::log(p) + (1 - t) * std::log(1 - p)) / divisor;
        if (!setting.regions && t > 0) entropy -= t * std::log(p);
        both[n * channels + c] += p * t;
        total[n * channels + c] += p + t;
      }
    }
  }
  entropy /= counted;
  if (setting.loss == TrainingLoss::cross_entropy) return entropy;
  double dice = 0;
  double terms = 0;
  for (std::int64_t c = first; c < channels; ++c) {
    double b = 0, t = 0;
    for (std::int64_t n = 0; n < kSamples; ++n) {
      b += both[n * channels + c];
      t += total[n * channels + c];
      if (setting.batch_dice && n + 1 < kSamples) continue;
      dice += (2 * b + 1e-5) / (t + 1e-5);
      ++terms;
      b = t = 0;
    }
  }
  return entropy - dice / terms;
}

class TorchLoss : public testing::TestWithParam<LossSetting> {
 protected:
  void SetUp() override {
    if (!has_torch_plugin()) GTEST_SKIP() << "built without libtorch";
  }
};

TEST_P(TorchLoss, IsTheDefinition) {
  const LossSetting& setting = GetParam();
  const Network network = network_of(setting.kind);
  TensorMap weights = random_parameters(network);
  const TrainingBatch batch = random_batch(network, setting.ignore ? 4 : 3, setting.soft);
  TrainingOptions options;
  options.deep_supervision = false;
  options.loss = setting.loss;
  options.batch_dice = setting.batch_dice;
  const auto trainable = torch_plugin().make_trainable(network, kPatch, targets_of(setting), options);
  trainable->restore(weights, {});
  const ValidationReport report = trainable->validate(batch);
  check_parameters(network, weights, "test");
  std::vector<double> logits;
  for (std::int64_t n = 0; n < kSamples; ++n) {
    const auto one = test::reference_logits(
        network, weights, kPatch, std::span(batch.images).subspan(n * voxel_count(kPatch), voxel_count(kPatch)));
    logits.insert(logits.end(), one.begin(), one.end());
  }
  EXPECT_NEAR(report.loss, reference_loss(logits, batch, setting), 2e-5);
}

// Every fifth parameter's gradient against central differences of the whole loss with deep supervision. After
// a first step with learning rate and decay 0, the momentum is the gradient.
TEST_P(TorchLoss, HasTheGradientOfItsDifferences) {
  const LossSetting& setting = GetParam();
  const Network network = network_of(setting.kind);
  const TensorMap weights = random_parameters(network);
  const TrainingBatch batch = random_batch(network, setting.ignore ? 4 : 3, setting.soft);
  TrainingOptions options;
  options.loss = setting.loss;
  options.batch_dice = setting.batch_dice;
  options.weight_decay = 0;
  options.gradient_clip = 1e9;
  const auto trainable = torch_plugin().make_trainable(network, kPatch, targets_of(setting), options);
  trainable->restore(weights, {});
  trainable->train(batch, 0.0);
  const TensorMap gradients = trainable->momenta();
  double difference = 0, norm = 0;
  std::size_t number = 0;
  for (const auto& [name, tensor] : weights) {
    if (name.ends_with("conv.bias")) {  // a bias before a norm: no influence, no gradient
      EXPECT_THAT(gradients.at(name).values, testing::Each(0.0F)) << name;
      continue;
    }
    const std::size_t i = (number++ * 7) % tensor.values.size();
    constexpr float step = 2e-3F;
    double losses[2];
    for (const int side : {0, 1}) {
      TensorMap moved = weights;
      moved.at(name).values[i] += side == 0 ? -step : step;
      trainable->restore(moved, {});
      losses[side] = trainable->validate(batch).loss;
    }
    const double numeric = (losses[1] - losses[0]) / (2 * step);
    const double analytic = gradients.at(name).values[i];
    EXPECT_NEAR(analytic, numeric, 2e-3 + 0.03 * std::abs(numeric)) << name;
    difference += std::pow(analytic - numeric, 2);
    norm += std::pow(numeric, 2);
  }
  EXPECT_GT(norm, 1e-4);
  EXPECT_LT(std::sqrt(difference / norm), 0.02);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, TorchLoss,
    testing::Values(LossSetting{"plain"}, LossSetting{"residual", Architecture::Kind::residual_encoder_unet},
                    LossSetting{"regions", Architecture::Kind::plain_conv_unet, true},
                    LossSetting{"regions_ignore", Architecture::Kind::plain_conv_unet, true, true},
                    LossSetting{"ignore", Architecture::Kind::plain_conv_unet, false, true},
                    LossSetting{"soft", Architecture::Kind::plain_conv_unet, false, false, true},
                    LossSetting{"soft_ignore", Architecture::Kind::plain_conv_unet, false, true, true},
                    LossSetting{"entropy", Architecture::Kind::plain_conv_unet, false, false, false,
                                TrainingLoss::cross_entropy},
                    LossSetting{"batch_dice", Architecture::Kind::plain_conv_unet, false, false, false,
                                TrainingLoss::dice_and_cross_entropy, true}),
    [](const auto& setting) { return std::string(setting.param.name); });

TEST_F(TorchPluginTest, StepsAsSgdWithNesterovMomentumDoes) {
  const Network network = network_of(Architecture::Kind::plain_conv_unet);
  const TensorMap weights = random_parameters(network);
  const TrainingBatch batch = random_batch(network, 3, false);
  TrainingOptions options;
  options.momentum = 0.9;
  options.weight_decay = 0.01;
  options.gradient_clip = 0.05;  // far below the gradients' norm
  const auto trainable = torch_plugin().make_trainable(network, kPatch, softmax_targets(3), options);
  trainable->restore(weights, {});
  const double norm = trainable->train(batch, 0.0).gradient_norm;
  ASSERT_GT(norm, 0.1);
  const TensorMap clipped = trainable->momenta();  // factor * gradient + decay * parameter
  double squares = 0;
  for (const auto& [name, tensor] : clipped) {
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      squares += std::pow(tensor.values[i] - 0.01 * weights.at(name).values[i], 2);
    }
  }
  EXPECT_NEAR(std::sqrt(squares), 0.05, 1e-5);
  EXPECT_EQ(trainable->parameters().begin()->second.values, weights.begin()->second.values);

  trainable->train(batch, 0.1);  // the same gradient: nothing has moved yet
  for (const auto& [name, tensor] : trainable->parameters()) {
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      const double g = clipped.at(name).values[i];
      const double momentum = 0.9 * g + g;
      EXPECT_NEAR(trainable->momenta().at(name).values[i], momentum, 1e-5);
      ASSERT_NEAR(tensor.values[i], weights.at(name).values[i] - 0.1 * (g + 0.9 * momentum), 1e-5) << name;
    }
    break;
  }
}

TEST_F(TorchPluginTest, LearnsAndContinuesToTheBit) {
  const Network network = network_of(Architecture::Kind::plain_conv_unet);
  const TrainingBatch batch = random_batch(network, 3, false);
  const auto trainable = torch_plugin().make_trainable(network, kPatch, softmax_targets(3), {});
  trainable->restore(initial_parameters(network, 1), {});
  const double before = trainable->validate(batch).loss;
  for (int i = 0; i < 30; ++i) trainable->train(batch, 0.02);
  EXPECT_LT(trainable->validate(batch).loss, before - 0.1);

  const TensorMap parameters = trainable->parameters();
  const TensorMap momenta = trainable->momenta();
  trainable->train(batch, 0.02);
  const auto other = torch_plugin().make_trainable(network, kPatch, softmax_targets(3), {});
  other->restore(parameters, momenta);
  other->train(batch, 0.02);
  for (const auto& [name, tensor] : trainable->parameters()) {
    EXPECT_EQ(tensor.values, other->parameters().at(name).values) << name;
  }
}

TEST_F(TorchPluginTest, CountsHardPredictions) {
  const Network network = network_of(Architecture::Kind::plain_conv_unet);
  TrainingBatch batch = random_batch(network, 3, false);
  TensorMap weights = initial_parameters(network, 1);
  const std::string head = "decoder.seg_layers.1";
  std::fill(weights.at(head + ".weight").values.begin(), weights.at(head + ".weight").values.end(), 0.0F);
  weights.at(head + ".bias").values = {0, 0, 1};  // everything is class 2
  const auto trainable = torch_plugin().make_trainable(network, kPatch, softmax_targets(3), {});
  trainable->restore(weights, {});
  const ValidationReport report = trainable->validate(batch);
  const auto& labels = batch.labels[0];
  const auto ones = static_cast<double>(std::count(labels.begin(), labels.end(), 1));
  const auto twos = static_cast<double>(std::count(labels.begin(), labels.end(), 2));
  EXPECT_THAT(report.true_positives, testing::ElementsAre(0, twos));
  EXPECT_THAT(report.false_positives, testing::ElementsAre(0, static_cast<double>(labels.size()) - twos));
  EXPECT_THAT(report.false_negatives, testing::ElementsAre(ones, 0));
}

}  // namespace
}  // namespace twintrack

// A network that learns: forward, loss, backward and optimizer step behind one interface. libtorch does the work, in a
// plug-in of its own (torch_plugin.hpp), so that the program does not carry it.
#pragma once

#include "twintrack/network/network.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// Patches with their targets at every resolution that has a head, finest first.
struct TrainingBatch {
  std::int64_t samples = 0;
  std::vector<float> images;                      // (samples, channels, z, y, x)
  std::vector<std::vector<std::int16_t>> labels;  // per resolution (samples, z, y, x): labels of the training maps
  std::vector<std::vector<float>> soft;           // empty, or per resolution (samples, z, y, x): share of raters
};

// Which labels each output channel stands for.
struct TrainingTargets {
  bool regions = false;                            // sigmoid channels that may overlap; else softmax, background first
  std::vector<std::vector<std::int16_t>> members;  // per channel
  std::optional<std::int16_t> ignore;              // voxels of this label count nowhere
  std::optional<std::int64_t> soft_channel;        // batches carry shares of raters for this channel (not with regions)
};

enum class TrainingLoss { dice_and_cross_entropy, cross_entropy };
// bf16: convolutions in bfloat16; mixed: in float16 with a scaled loss (CUDA only). Parameters stay float32.
enum class TrainingPrecision { fp32, bf16, mixed };

// One of several processes on one machine that train together, each with its share of every batch.
struct GroupMembership {
  int processes = 1;
  int rank = 0;
  std::string rendezvous;  // a file that is not there yet, the same for all
};

struct TrainingOptions {
  TrainingLoss loss = TrainingLoss::dice_and_cross_entropy;
  bool deep_supervision = true;
  bool batch_dice = false;  // Dice over the batch instead of over each sample (plans: batch_dice)
  double momentum = 0.99;
  double weight_decay = 3e-5;
  double gradient_clip = 12;  // L2 norm of all gradients
  TrainingPrecision precision = TrainingPrecision::fp32;
  std::string device = "cpu";  // or "cuda:N"
  GroupMembership group;
};

struct StepReport {
  double loss = 0;
  double gradient_norm = 0;  // before clipping
  double forward_seconds = 0;
  double backward_seconds = 0;  // with the optimizer's step
};

// Of one batch: the loss at all resolutions, and counts at the finest one, per foreground channel (all channels of
// regions), of hard predictions.
struct ValidationReport {
  double loss = 0;
  std::vector<double> true_positives;
  std::vector<double> false_positives;
  std::vector<double> false_negatives;
};

class TrainableNetwork {
 public:
  virtual ~TrainableNetwork() = default;

  // One step of SGD with Nesterov momentum. In a group, `batch` is this process's share of the batch, all processes
  // take the step together with their mean gradient, and reports are of all of them. Throws InputError when the loss is
  // not finite.
  virtual StepReport train(const TrainingBatch& batch, double learning_rate) = 0;
  virtual ValidationReport validate(const TrainingBatch& batch) = 0;

  // By nnU-Net's names, with the heads of all resolutions; momenta are empty before the first step.
  virtual TensorMap parameters() const = 0;
  virtual TensorMap momenta() const = 0;
  virtual void restore(const TensorMap& parameters, const TensorMap& momenta) = 0;

  // "libtorch 1.13.1, cpu, fp32"
  virtual std::string name() const = 0;
};

// Name and shape of every parameter with the heads of all resolutions, in the order of nnU-Net's
// network.parameters(): encoder, decoder stages, transposed convolutions, heads.
std::vector<ParameterSpec> trainable_parameters(const Network& network);

// nnU-Net's initialisation: He's normal distribution for kernels (negative slope 0.01), 0 for biases, 1 and 0 for
// norms, 0 for the last norm of a residual block.
TensorMap initial_parameters(const Network& network, std::uint64_t seed);

// Shapes that the heads put out for a patch, finest first.
std::vector<Shape3> supervised_shapes(const Network& network, const Shape3& patch);

}  // namespace twintrack

// Training by libtorch: forward, loss, backward, SGD with Nesterov momentum.
#include "trainable.hpp"

#include "group.hpp"
#include "loss.hpp"
#include "unet.hpp"

#include "twintrack/core/error.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/version.h>

#include <malloc.h>
#if !defined(TWINTRACK_NO_OPENMP)
#include <omp.h>
#endif

#include <chrono>
#include <cmath>

namespace twintrack::libtorch {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

at::ScalarType type_of(TrainingPrecision precision) {
  switch (precision) {
    case TrainingPrecision::fp32:
      return at::kFloat;
    case TrainingPrecision::bf16:
      return at::kBFloat16;
    case TrainingPrecision::mixed:
      break;
  }
  return at::kHalf;
}

std::vector<std::int64_t> sizes_of(std::int64_t samples, const Shape3& shape) {
  return {samples, shape[0], shape[1], shape[2]};
}

// Scale of a float16 loss: halved when a gradient overflows, doubled after 2000 steps without (as torch.amp does).
class LossScale {
 public:
  double value() const { return scale_; }
  void overflowed() {
    scale_ /= 2;
    steps_ = 0;
  }
  void succeeded() {
    if (++steps_ < 2000) return;
    scale_ *= 2;
    steps_ = 0;
  }

 private:
  double scale_ = 65536;
  int steps_ = 0;
};

class TorchTrainable final : public TrainableNetwork {
 public:
  TorchTrainable(const Network& network, const Shape3& patch, const TrainingTargets& targets,
                 const TrainingOptions& options)
      : network_(network),
        patch_(patch),
        shapes_(supervised_shapes(network, patch)),
        targets_(targets),
        options_(options),
        device_(device_of(options.device)),
        type_(type_of(options.precision)) {
    if (options.precision == TrainingPrecision::mixed && !device_.is_cuda()) {
      throw UsageError("precision mixed (float16) needs a GPU; bf16 or fp32 on {}", options.device);
    }
    if (!options.deep_supervision) shapes_.resize(1);
    weights_ = supervision_weights(shapes_.size());
    while (weights_.back() == 0.0) {
      weights_.pop_back();
      shapes_.pop_back();
    }
    for (const ParameterSpec& parameter : trainable_parameters(network_)) names_.push_back(parameter.name);
    if (options.group.processes > 1) group_ = join_group(options.group, device_);
  }

  StepReport train(const TrainingBatch& batch, double learning_rate) override {
    return guarded([&] { return train_on(batch, learning_rate); });
  }

  ValidationReport validate(const TrainingBatch& batch) override {
    return guarded([&] { return validate_on(batch); });
  }

  TensorMap parameters() const override { return copy_of(parameters_); }
  TensorMap momenta() const override { return copy_of(momenta_); }

  void restore(const TensorMap& parameters, const TensorMap& momenta) override {
    parameters_.clear();
    momenta_.clear();
    for (const std::string& name : names_) {
      const auto found = parameters.find(name);
      if (found == parameters.end()) throw InputError("parameter {} is missing", name);
      parameters_[name] = to_tensor(found->second).to(device_).requires_grad_(true);
      if (const auto momentum = momenta.find(name); momentum != momenta.end()) {
        momenta_[name] = to_tensor(momentum->second).to(device_);
      }
    }
  }

  std::string name() const override {
    return fmt::format("libtorch {}, {}, {}", TORCH_VERSION, device_.str(), c10::toString(type_));
  }

 private:
  void sum_over_group(at::Tensor& values) const {
    at::Tensor on_device = values.to(device_);
    group_->sum(on_device);
    values.copy_(on_device);
  }

  double mean_over_group(const at::Tensor& loss) const {
    if (!group_) return loss.item<double>();
    at::Tensor sum = loss.detach().clone();
    group_->sum(sum);
    return sum.item<double>() / options_.group.processes;
  }

  void average_gradients() {
    const at::NoGradGuard no_gradients;
    std::vector<at::Tensor> gradients;
    for (const std::string& name : names_) {
      if (parameters_[name].grad().defined()) gradients.push_back(parameters_[name].mutable_grad());
    }
    average(*group_, options_.group.processes, gradients);
  }

  StepReport train_on(const TrainingBatch& batch, double learning_rate) {
    StepReport report;
    auto start = Clock::now();
    const at::Tensor loss = loss_on(batch, nullptr);
    report.loss = mean_over_group(loss);
    report.forward_seconds = seconds_since(start);
    if (!std::isfinite(report.loss))
      throw InputError("the loss is not finite any more; a lower learning rate may help");
    start = Clock::now();
    const bool scaled = options_.precision == TrainingPrecision::mixed;
    const double scale = scaled ? scale_.value() : 1.0;
    torch::autograd::backward({loss * scale});
    if (group_) average_gradients();
    report.gradient_norm = step(learning_rate, scale);
    if (scaled) std::isfinite(report.gradient_norm) ? scale_.succeeded() : scale_.overflowed();
    report.backward_seconds = seconds_since(start);
    return report;
  }

  ValidationReport validate_on(const TrainingBatch& batch) const {
    const at::NoGradGuard no_gradients;
    at::Tensor counts;
    ValidationReport report;
    report.loss = mean_over_group(loss_on(batch, &counts));
    if (group_) sum_over_group(counts);
    const auto row = [&](std::int64_t i) {
      const at::Tensor values = counts[i].contiguous();
      return std::vector<double>(values.data_ptr<double>(), values.data_ptr<double>() + values.numel());
    };
    report.true_positives = row(0);
    report.false_positives = row(1);
    report.false_negatives = row(2);
    return report;
  }

  at::Tensor loss_on(const TrainingBatch& batch, at::Tensor* counts) const {
    const std::int64_t channels = network_.architecture.input_channels;
    const at::Tensor images = at::from_blob(const_cast<float*>(batch.images.data()),
                                            {batch.samples, channels, patch_[0], patch_[1], patch_[2]}, at::kFloat)
                                  .to(device_);
    const std::vector<at::Tensor> logits = forward(network_, parameters_, images, type_, shapes_.size());
    at::Tensor total;
    for (std::size_t i = 0; i < shapes_.size(); ++i) {
      const Target target = target_at(batch, i);
      const at::Tensor loss = loss_of(logits[i], target, targets_, options_) * weights_[i];
      total = i == 0 ? loss : total + loss;
      if (i == 0 && counts != nullptr) *counts = confusion_counts(logits[0], target, targets_);
    }
    return total;
  }

  Target target_at(const TrainingBatch& batch, std::size_t resolution) const {
    const auto sizes = sizes_of(batch.samples, shapes_[resolution]);
    Target target;
    target.labels = at::from_blob(const_cast<std::int16_t*>(batch.labels[resolution].data()), sizes, at::kShort)
                        .to(device_)
                        .to(at::kLong);
    if (!batch.soft.empty()) {
      target.soft = at::from_blob(const_cast<float*>(batch.soft[resolution].data()), sizes, at::kFloat).to(device_);
    }
    return target;
  }

  // torch.nn.utils.clip_grad_norm_ and torch.optim.SGD(nesterov=True). Returns the norm before clipping; when it is not
  // finite nothing is changed.
  double step(double learning_rate, double scale) {
    const at::NoGradGuard no_gradients;
    at::Tensor squares;
    for (const std::string& name : names_) {
      const at::Tensor& gradient = parameters_[name].grad();
      if (!gradient.defined()) continue;
      const at::Tensor square = gradient.square().sum(at::kDouble);
      squares = squares.defined() ? squares + square : square;
    }
    const double norm = std::sqrt(squares.item<double>()) / scale;
    if (std::isfinite(norm)) {
      const double factor = std::min(1.0, options_.gradient_clip / (norm + 1e-6)) / scale;
      for (const std::string& name : names_) update(name, factor, learning_rate);
    } else if (options_.precision != TrainingPrecision::mixed) {
      throw InputError("the gradients are not finite any more; a lower learning rate may help");
    }
    for (const std::string& name : names_) parameters_[name].mutable_grad() = at::Tensor();
    return norm;
  }

  void update(const std::string& name, double factor, double learning_rate) {
    at::Tensor& parameter = parameters_[name];
    at::Tensor gradient = parameter * options_.weight_decay;
    if (parameter.grad().defined()) gradient.add_(parameter.grad(), factor);
    at::Tensor& momentum = momenta_[name];
    if (momentum.defined()) {
      momentum.mul_(options_.momentum).add_(gradient);
    } else {
      momentum = gradient.clone();
    }
    parameter.sub_(gradient.add(momentum, options_.momentum), learning_rate);
  }

  static TensorMap copy_of(const Parameters& tensors) {
    TensorMap result;
    for (const auto& [name, tensor] : tensors) result.emplace(name, from_tensor(tensor));
    return result;
  }

  Network network_;
  Shape3 patch_;
  std::vector<Shape3> shapes_;  // of the heads that count, finest first
  std::vector<double> weights_;
  TrainingTargets targets_;
  TrainingOptions options_;
  at::Device device_;
  at::ScalarType type_;
  std::vector<std::string> names_;
  Parameters parameters_;
  Parameters momenta_;
  LossScale scale_;
  std::unique_ptr<Group> group_;
};

}  // namespace

at::Device device_of(const std::string& name) {
  try {
    const at::Device device(name);
    if (device.is_cpu()) return device;
    if (device.is_cuda() && at::hasCUDA() && device.index() < at::detail::getCUDAHooks().getNumGPUs()) return device;
  } catch (const c10::Error&) {
    // Said below.
  }
  throw UsageError("device '{}': this libtorch ({}) has {} GPUs; cpu{} is right", name, TORCH_VERSION,
                   at::hasCUDA() ? static_cast<int>(at::detail::getCUDAHooks().getNumGPUs()) : 0,
                   at::hasCUDA() ? " or cuda:N" : "");
}

void use_our_threads() {
#if !defined(TWINTRACK_NO_OPENMP)
  at::set_num_threads(omp_get_max_threads());
#endif
}

at::Tensor to_tensor(const Tensor& tensor) {
  return at::from_blob(const_cast<float*>(tensor.values.data()), tensor.shape, at::kFloat).clone();
}

Tensor from_tensor(const at::Tensor& tensor) {
  const at::Tensor values = tensor.detach().cpu().contiguous();
  const float* const data = values.data_ptr<float>();
  return {values.sizes().vec(), std::vector<float>(data, data + values.numel())};
}

// Feature maps are freed and asked for again in every step: keep their pages, whose first touch costs a fifth of
// the time of a step.
void keep_freed_pages() {
#if defined(__GLIBC__)
  constexpr int largest_from_heap = 32 << 20;
  constexpr int keep = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, largest_from_heap);
  mallopt(M_TRIM_THRESHOLD, keep);
  mallopt(M_TOP_PAD, largest_from_heap);
#endif
}

std::unique_ptr<TrainableNetwork> make_trainable(const Network& network, const Shape3& patch,
                                                 const TrainingTargets& targets, const TrainingOptions& options) {
  use_our_threads();
  keep_freed_pages();
  return std::make_unique<TorchTrainable>(network, patch, targets, options);
}

}  // namespace twintrack::libtorch

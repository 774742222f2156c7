// Inference by libtorch, on a CPU or a GPU.
#include "trainable.hpp"
#include "unet.hpp"

#include "twintrack/core/error.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/version.h>

#include <algorithm>

namespace twintrack::libtorch {
namespace {

class TorchEngine final : public Engine {
 public:
  TorchEngine(const Network& network, const Shape3& patch, Precision precision, const std::string& device)
      : network_(network), patch_(patch), device_(device_of(device)), type_(type_of(precision)) {}

  int load(const TensorMap& weights) override {
    Parameters parameters;
    for (const auto& [name, tensor] : weights) parameters.emplace(name, to_tensor(tensor).to(device_));
    weights_.push_back(std::move(parameters));
    return static_cast<int>(weights_.size()) - 1;
  }

  void run(int weights, std::span<const float> input, std::span<float> logits) override {
    guarded([&] { infer(weights, input, logits); });
  }

  std::int64_t batch() const override {
    constexpr std::int64_t enough_voxels = 1 << 21;
    constexpr std::int64_t most = 8;
    return std::clamp(enough_voxels / voxel_count(patch_), std::int64_t{1}, most);
  }

  // Both halves of the highest resolution's concatenation with its output, at the least; libtorch allocates as it goes.
  std::int64_t activation_bytes() const override {
    const auto voxels = voxel_count(patch_);
    return batch() * voxels * 4 * network_.architecture.features.front() *
           static_cast<std::int64_t>(c10::elementSize(type_));
  }

  std::string name() const override {
    return fmt::format("libtorch {} {} {}", TORCH_VERSION, device_.str(), c10::toString(type_));
  }

 private:
  void infer(int weights, std::span<const float> input, std::span<float> logits) {
    const at::NoGradGuard no_gradients;
    // from_blob only reads here.
    const std::int64_t channels = network_.architecture.input_channels;
    const std::int64_t samples = std::ssize(input) / (channels * voxel_count(patch_));
    const at::Tensor images = at::from_blob(const_cast<float*>(input.data()),
                                            {samples, channels, patch_[0], patch_[1], patch_[2]}, at::kFloat)
                                  .to(device_);
    const at::Tensor result = forward(network_, weights_[weights], images, type_, 1).front();
    at::from_blob(logits.data(), result.sizes(), at::kFloat).copy_(result);
  }

  // On a GPU half precision is float16, as nnU-Net computes there.
  at::ScalarType type_of(Precision precision) const {
    if (precision == Precision::fp32) return at::kFloat;
    return device_.is_cuda() ? at::kHalf : at::kBFloat16;
  }

  Network network_;
  Shape3 patch_;
  at::Device device_;
  at::ScalarType type_;
  std::vector<Parameters> weights_;
};

}  // namespace

std::unique_ptr<Engine> make_engine(const Network& network, const Shape3& patch, Precision precision,
                                    const std::string& device) {
  use_our_threads();
  return std::make_unique<TorchEngine>(network, patch, precision, device);
}

}  // namespace twintrack::libtorch

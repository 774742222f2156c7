// What the plug-in makes (network/torch_plugin.hpp).
#pragma once

#include "twintrack/network/engine.hpp"
#include "twintrack/network/trainable_network.hpp"

#include "twintrack/core/error.hpp"

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

namespace twintrack::libtorch {

std::unique_ptr<Engine> make_engine(const Network& network, const Shape3& patch, Precision precision,
                                    const std::string& device);
std::unique_ptr<TrainableNetwork> make_trainable(const Network& network, const Shape3& patch,
                                                 const TrainingTargets& targets, const TrainingOptions& options);

// "cpu" or "cuda:N"; throws UsageError when it cannot be used here.
at::Device device_of(const std::string& name);

// libtorch takes as many threads as our own loops have; its own choice is one on some virtual machines.
void use_our_threads();

// What `call` returns; libtorch's errors, which come with a stack trace, become one of ours.
template <typename Call>
auto guarded(Call&& call) {
  try {
    return call();
  } catch (const c10::Error& error) {
    const std::string message = error.what_without_backtrace();
    throw ResourceError("libtorch: {}", message.substr(0, message.find('\n')));
  }
}

at::Tensor to_tensor(const Tensor& tensor);
Tensor from_tensor(const at::Tensor& tensor);

}  // namespace twintrack::libtorch

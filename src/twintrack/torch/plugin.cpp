// The plug-in's one entry.
#include "trainable.hpp"

#include "twintrack/network/torch_plugin.hpp"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>
#include <torch/version.h>

namespace {

void check_device(const std::string& device) { twintrack::libtorch::device_of(device); }

std::string describe() {
  if (!at::hasCUDA()) return fmt::format("libtorch {}, CPU", TORCH_VERSION);
  return fmt::format("libtorch {}, CUDA, {} GPUs", TORCH_VERSION, at::detail::getCUDAHooks().getNumGPUs());
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const twintrack::TorchPlugin* twintrack_torch_plugin() {
  static const twintrack::TorchPlugin plugin{twintrack::kTorchPluginVersion, twintrack::libtorch::make_engine,
                                             twintrack::libtorch::make_trainable, check_device, describe};
  return &plugin;
}

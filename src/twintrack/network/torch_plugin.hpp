// Training and GPU inference by libtorch, which lies in a plug-in (libtwintrack_torch.so) that is loaded when it is
// first asked for: the program itself does not depend on libtorch.
#pragma once

#include "twintrack/network/engine.hpp"
#include "twintrack/network/trainable_network.hpp"

#include <memory>
#include <string>

namespace twintrack {

// What the plug-in offers; its table of functions has this layout on both sides.
struct TorchPlugin {
  int interface_version;
  std::unique_ptr<Engine> (*make_engine)(const Network& network, const Shape3& patch, Precision precision,
                                         const std::string& device);
  std::unique_ptr<TrainableNetwork> (*make_trainable)(const Network& network, const Shape3& patch,
                                                      const TrainingTargets& targets, const TrainingOptions& options);
  void (*check_device)(const std::string& device);  // throws UsageError when it is not there
  std::string (*describe)();                        // "libtorch 1.13.1, CPU" or "libtorch 2.4.0, CUDA, 2 GPUs"
};
inline constexpr int kTorchPluginVersion = 1;

// Loads the plug-in from beside the program, ../lib/twintrack or the folder that the variable TWINTRACK_PLUGINS names.
// Throws ResourceError that says what to install when it is not there or does not fit.
const TorchPlugin& torch_plugin();

// The plug-in is there and can be loaded.
bool has_torch_plugin();

}  // namespace twintrack

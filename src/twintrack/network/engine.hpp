// An engine runs a network on patches of one shape.
#pragma once

#include "twintrack/network/network.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace twintrack {

enum class Precision { fp32, bf16 };

// Weights and activations in the engine's precision; accumulation and statistics in float32 always.
class Engine {
 public:
  virtual ~Engine() = default;

  // Packs one set of parameters (already checked by check_parameters) and returns its number. Several folds of one
  // network share the engine's activations.
  virtual int load(const TensorMap& weights) = 0;

  // input: (samples, channels, z, y, x) float32; logits: (samples, classes, z, y, x) float32, for 1 to batch() samples.
  // Not to be called from two threads at a time.
  virtual void run(int weights, std::span<const float> input, std::span<float> logits) = 0;

  // Patches that one run takes at most.
  virtual std::int64_t batch() const { return 1; }

  // Bytes of activations and scratch, without weights.
  virtual std::int64_t activation_bytes() const = 0;

  // "oneDNN fp32", "AMX bf16", ...
  virtual std::string name() const = 0;
};

// The fastest engine for this processor: AMX kernels of our own for bfloat16 where the processor has AMX and the
// network's channels fit its tiles, oneDNN elsewhere. The engine keeps a reference to nothing.
std::unique_ptr<Engine> make_cpu_engine(const Network& network, const Shape3& patch, Precision precision);

std::unique_ptr<Engine> make_onednn_engine(const Network& network, const Shape3& patch, Precision precision);

// All features are multiples of 32 and there are at most 4 input channels.
bool fits_amx_engine(const Network& network);
// Needs amx_available() and fits_amx_engine(network).
std::unique_ptr<Engine> make_amx_engine(const Network& network, const Shape3& patch);

}  // namespace twintrack

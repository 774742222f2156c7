// A network (network/network.hpp) as differentiable libtorch operations.
#pragma once

#include "twintrack/network/network.hpp"

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

namespace twintrack::libtorch {

using Parameters = std::map<std::string, at::Tensor>;

// Logits of the `heads` highest resolutions, finest first, each (N, classes, z, y, x) in float32. `images` is (N,
// channels, z, y, x); convolutions compute in `type` (float32, bfloat16 or float16).
std::vector<at::Tensor> forward(const Network& network, const Parameters& parameters, const at::Tensor& images,
                                at::ScalarType type, std::size_t heads);

}  // namespace twintrack::libtorch

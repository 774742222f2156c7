// Instance norm, residual and leaky ReLU in one pass over a feature map.
#pragma once

#include <ATen/core/Tensor.h>

namespace twintrack::libtorch {

// leaky_relu(instance_norm(x) * weight + bias + residual); `weight`, `bias` and `residual` may be undefined. x is (N,
// C, z, y, x) in float32, bfloat16 or float16, weight and bias float32 (C). On a CPU the map is read twice forward and
// twice backward, statistics in float32; elsewhere libtorch's own operations run.
at::Tensor normalise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& residual,
                     double epsilon, bool activated, double slope);

}  // namespace twintrack::libtorch

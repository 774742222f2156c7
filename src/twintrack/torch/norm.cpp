#include "norm.hpp"

#include "twintrack/core/multiversion.hpp"
#include "twintrack/tensor/tensor.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <type_traits>

namespace twintrack::libtorch {
namespace {

// What a multiversioned function calls must become part of it, or it is compiled for the baseline alone.
#if defined(__GNUC__)
#define TWINTRACK_INLINED [[gnu::always_inline]] inline
#define TWINTRACK_INLINED_LAMBDA __attribute__((always_inline))
#else
#define TWINTRACK_INLINED inline
#define TWINTRACK_INLINED_LAMBDA
#endif

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

TWINTRACK_INLINED float widen(float value) { return value; }
TWINTRACK_INLINED float widen(std::uint16_t value) { return bfloat16_to_float(value); }
template <typename T>
TWINTRACK_INLINED T narrow(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    // No NaN check: a NaN in a feature map ends the training anyway.
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
  }
}

constexpr std::int64_t kLanes = 64;  // partial sums, so that the loops vectorise and stay accurate

struct Sums {
  double first = 0;
  double second = 0;
};

// Sums of what add(i, first, second) adds for every i, in partial sums of a block each.
template <typename Add>
TWINTRACK_INLINED Sums summed(std::int64_t count, const Add& add) {
  constexpr std::int64_t block = 4096;
  Sums sums;
  for (std::int64_t begin = 0; begin < count; begin += block) {
    const std::int64_t end = std::min(count, begin + block);
    float first[kLanes] = {};
    float second[kLanes] = {};
    std::int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      for (std::int64_t l = 0; l < kLanes; ++l) add(i + l, first[l], second[l]);
    }
    for (std::int64_t l = 0; i < end; ++i, ++l) add(i, first[l], second[l]);
    for (std::int64_t l = 0; l < kLanes; ++l) {
      sums.first += first[l];
      sums.second += second[l];
    }
  }
  return sums;
}

template <typename T>
TWINTRACK_INLINED Sums moments_of(const T* x, std::int64_t count) {
  return summed(count, [x](std::int64_t i, float& first, float& second) TWINTRACK_INLINED_LAMBDA {
    const float value = widen(x[i]);
    first += value;
    second += value * value;
  });
}

// y = leaky(x * scale + shift + residual)
template <typename T>
TWINTRACK_INLINED void apply_to(const T* x, const T* residual, T* y, std::int64_t count, float scale, float shift,
                                float slope) {
  for (std::int64_t i = 0; i < count; ++i) {
    float value = widen(x[i]) * scale + shift;
    if (residual != nullptr) value += widen(residual[i]);
    y[i] = narrow<T>(value > 0 ? value : value * slope);
  }
}

// Sums of dz and of dz * xhat, where dz is the gradient before the activation (y's sign is z's).
template <typename T>
TWINTRACK_INLINED Sums gradient_sums_of(const T* x, const T* y, const T* dy, std::int64_t count, float mean, float rstd,
                                        float slope) {
  Sums sums = summed(count, [=](std::int64_t i, float& first, float& second) TWINTRACK_INLINED_LAMBDA {
    const float dz = widen(dy[i]) * (widen(y[i]) > 0 ? 1.0F : slope);
    first += dz;
    second += dz * (widen(x[i]) - mean);
  });
  sums.second *= rstd;
  return sums;
}

// dx = a * dz + b * x + c; the residual's gradient is dz.
template <typename T>
TWINTRACK_INLINED void gradient_to(const T* x, const T* y, const T* dy, T* dx, T* dresidual, std::int64_t count,
                                   float a, float b, float c, float slope) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float dz = widen(dy[i]) * (widen(y[i]) > 0 ? 1.0F : slope);
    dx[i] = narrow<T>(a * dz + b * widen(x[i]) + c);
    if (dresidual != nullptr) dresidual[i] = narrow<T>(dz);
  }
}

// One version of each for either type: templates cannot be multiversioned.
TWINTRACK_MULTIVERSION Sums moments(const float* x, std::int64_t n) { return moments_of(x, n); }
TWINTRACK_MULTIVERSION Sums moments(const std::uint16_t* x, std::int64_t n) { return moments_of(x, n); }
TWINTRACK_MULTIVERSION void apply(const float* x, const float* r, float* y, std::int64_t n, float a, float b, float s) {
  apply_to(x, r, y, n, a, b, s);
}
TWINTRACK_MULTIVERSION void apply(const std::uint16_t* x, const std::uint16_t* r, std::uint16_t* y, std::int64_t n,
                                  float a, float b, float s) {
  apply_to(x, r, y, n, a, b, s);
}
TWINTRACK_MULTIVERSION Sums gradient_sums(const float* x, const float* y, const float* dy, std::int64_t n, float mean,
                                          float rstd, float s) {
  return gradient_sums_of(x, y, dy, n, mean, rstd, s);
}
TWINTRACK_MULTIVERSION Sums gradient_sums(const std::uint16_t* x, const std::uint16_t* y, const std::uint16_t* dy,
                                          std::int64_t n, float mean, float rstd, float s) {
  return gradient_sums_of(x, y, dy, n, mean, rstd, s);
}
TWINTRACK_MULTIVERSION void gradient(const float* x, const float* y, const float* dy, float* dx, float* dr,
                                     std::int64_t n, float a, float b, float c, float s) {
  gradient_to(x, y, dy, dx, dr, n, a, b, c, s);
}
TWINTRACK_MULTIVERSION void gradient(const std::uint16_t* x, const std::uint16_t* y, const std::uint16_t* dy,
                                     std::uint16_t* dx, std::uint16_t* dr, std::int64_t n, float a, float b, float c,
                                     float s) {
  gradient_to(x, y, dy, dx, dr, n, a, b, c, s);
}

// A custom function takes defined tensors only: an empty one stands for none.
at::Tensor or_empty(const at::Tensor& tensor, const at::Tensor& like) {
  return tensor.defined() ? tensor : at::empty({0}, like.options());
}
bool is_given(const at::Tensor& tensor) { return tensor.defined() && tensor.numel() > 0; }

template <typename T>
T* data_of(const at::Tensor& tensor) {
  return is_given(tensor) ? static_cast<T*>(tensor.data_ptr()) : nullptr;
}
template <typename T>
T* plane_of(T* data, std::int64_t plane, std::int64_t count) {
  return data == nullptr ? nullptr : data + plane * count;
}

float value_or(const at::Tensor& tensor, std::int64_t index, float otherwise) {
  return is_given(tensor) ? tensor.data_ptr<float>()[index] : otherwise;
}

template <typename T>
void forward_planes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& residual,
                    at::Tensor& y, at::Tensor& statistics, double epsilon, float slope) {
  const std::int64_t channels = x.size(1);
  const std::int64_t planes = x.size(0) * channels;
  const std::int64_t count = x.numel() / planes;
  float* const stats = statistics.data_ptr<float>();
  at::parallel_for(0, planes, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const T* const from = plane_of(data_of<T>(x), p, count);
      const Sums sums = moments(from, count);
      const double mean = sums.first / static_cast<double>(count);
      const double variance = std::max(0.0, sums.second / static_cast<double>(count) - mean * mean);
      const double rstd = 1.0 / std::sqrt(variance + epsilon);
      stats[2 * p] = static_cast<float>(mean);
      stats[2 * p + 1] = static_cast<float>(rstd);
      const double scale = value_or(weight, p % channels, 1.0F) * rstd;
      const double shift = value_or(bias, p % channels, 0.0F) - mean * scale;
      apply(from, plane_of<const T>(data_of<T>(residual), p, count), plane_of(data_of<T>(y), p, count), count,
            static_cast<float>(scale), static_cast<float>(shift), slope);
    }
  });
}

template <typename T>
void backward_planes(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& y, const at::Tensor& statistics,
                     const at::Tensor& dy, at::Tensor& dx, at::Tensor& dresidual, at::Tensor& plane_sums, float slope) {
  const std::int64_t channels = x.size(1);
  const std::int64_t planes = x.size(0) * channels;
  const std::int64_t count = x.numel() / planes;
  const float* const stats = statistics.data_ptr<float>();
  float* const sums_out = plane_sums.data_ptr<float>();
  at::parallel_for(0, planes, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      const T* const xp = plane_of(data_of<T>(x), p, count);
      const T* const yp = plane_of(data_of<T>(y), p, count);
      const T* const dyp = plane_of(data_of<T>(dy), p, count);
      const double mean = stats[2 * p];
      const double rstd = stats[2 * p + 1];
      const Sums sums = gradient_sums(xp, yp, dyp, count, static_cast<float>(mean), static_cast<float>(rstd), slope);
      sums_out[p] = static_cast<float>(sums.first);
      sums_out[planes + p] = static_cast<float>(sums.second);
      // dx = rstd * weight * (dz - mean(dz) - xhat * mean(dz * xhat))
      const double a = rstd * value_or(weight, p % channels, 1.0F);
      const double b = -a * rstd * sums.second / static_cast<double>(count);
      const double c = -a * sums.first / static_cast<double>(count) - b * mean;
      gradient(xp, yp, dyp, plane_of(data_of<T>(dx), p, count), plane_of(data_of<T>(dresidual), p, count), count,
               static_cast<float>(a), static_cast<float>(b), static_cast<float>(c), slope);
    }
  });
}

class NormaliseOnCpu : public torch::autograd::Function<NormaliseOnCpu> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias, const at::Tensor& residual_input, double epsilon, double slope) {
    const at::Tensor x = input.contiguous();
    const at::Tensor residual = residual_input.contiguous();
    at::Tensor y = at::empty_like(x);
    at::Tensor statistics = at::empty({x.size(0), x.size(1), 2}, x.options().dtype(at::kFloat));
    if (x.scalar_type() == at::kFloat) {
      forward_planes<float>(x, weight, bias, residual, y, statistics, epsilon, static_cast<float>(slope));
    } else {
      forward_planes<std::uint16_t>(x, weight, bias, residual, y, statistics, epsilon, static_cast<float>(slope));
    }
    context->save_for_backward({x, weight, y, statistics});
    context->saved_data["slope"] = slope;
    context->saved_data["residual"] = is_given(residual);
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor dy = gradients[0].contiguous();
    const auto slope = static_cast<float>(context->saved_data["slope"].toDouble());
    at::Tensor dx = at::empty_like(x);
    at::Tensor dresidual = context->saved_data["residual"].toBool() ? at::empty_like(x) : at::Tensor();
    at::Tensor sums = at::empty({2, x.size(0), x.size(1)}, x.options().dtype(at::kFloat));
    if (x.scalar_type() == at::kFloat) {
      backward_planes<float>(x, weight, saved[2], saved[3], dy, dx, dresidual, sums, slope);
    } else {
      backward_planes<std::uint16_t>(x, weight, saved[2], saved[3], dy, dx, dresidual, sums, slope);
    }
    const at::Tensor totals = sums.sum(1);
    return {dx,
            is_given(weight) ? totals[1] : at::Tensor(),
            is_given(weight) ? totals[0] : at::Tensor(),
            dresidual,
            at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor normalise(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& residual,
                     double epsilon, bool activated, double slope) {
  if (x.is_cpu()) {
    return NormaliseOnCpu::apply(x, or_empty(weight, x), or_empty(bias, x), or_empty(residual, x), epsilon,
                                 activated ? slope : 1.0);
  }
  at::Tensor y = at::instance_norm(x, weight, bias, {}, {}, true, 0.1, epsilon, true);
  if (residual.defined()) y = y + residual;
  return activated ? at::leaky_relu(y, slope) : y;
}

}  // namespace twintrack::libtorch

#include "twintrack/core/portable_math.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace twintrack {
namespace {

constexpr double kTableEnd = 8;
constexpr int kStepsPerUnit = 256;
constexpr int kTableSize = static_cast<int>(2 * kTableEnd) * kStepsPerUnit + 1;

// Phi(x) = 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...), Marsaglia, J. Stat. Softw. 11 (2004).
double normal_cdf_by_series(double x) {
  double term = x;
  double sum = x;
  for (int n = 3; n < 400; n += 2) {
    term *= x * x / n;
    sum += term;
  }
  return std::clamp(0.5 + sum * portable_exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi), 0.0, 1.0);
}

const std::array<double, kTableSize>& normal_cdf_table() {
  static const std::array<double, kTableSize> table = [] {
    std::array<double, kTableSize> values{};
    for (int i = 0; i < kTableSize; ++i) {
      values[i] = normal_cdf_by_series(-kTableEnd + static_cast<double>(i) / kStepsPerUnit);
    }
    return values;
  }();
  return table;
}

}  // namespace

double portable_exp(double x) {
  x = std::clamp(x, -700.0, 700.0);
  const double power = std::floor(x / std::numbers::ln2 + 0.5);
  const double rest = x - power * std::numbers::ln2;
  double sum = 1;
  for (int n = 18; n >= 1; --n) sum = 1 + sum * rest / n;
  return std::ldexp(sum, static_cast<int>(power));
}

double portable_log(double x) {
  int power = 0;
  const double fraction = std::frexp(x, &power);  // in [1/2, 1)
  const double t = (fraction - std::numbers::sqrt2 / 2) / (fraction + std::numbers::sqrt2 / 2);
  double sum = 0;
  for (int n = 31; n >= 1; n -= 2) sum = sum * t * t + 1.0 / n;
  return 2 * t * sum + (power - 0.5) * std::numbers::ln2;
}

double cosine_of_turns(double turns) { return sine_of_turns(turns + 0.25); }

double sine_of_turns(double turns) {
  double rest = turns - std::floor(turns + 0.5);  // in [-1/2, 1/2)
  if (rest > 0.25) rest = 0.5 - rest;
  if (rest < -0.25) rest = -0.5 - rest;
  const double x = 2 * std::numbers::pi * rest;
  double sum = 1;
  for (int n = 20; n >= 2; n -= 2) sum = 1 - sum * x * x / (n * (n + 1));
  return x * sum;
}

double normal_cdf(double x) {
  if (x <= -kTableEnd) return 0;
  if (x >= kTableEnd) return 1;
  const auto& table = normal_cdf_table();
  const double place = (x + kTableEnd) * kStepsPerUnit;
  const int below = std::min(static_cast<int>(place), kTableSize - 2);
  return table[below] + (place - below) * (table[below + 1] - table[below]);
}

double normal_quantile(double p) {
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,  -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,  -1.556989798598866e+02,
                          6.680131188771972e+01,  -1.328068155288572e+01, 1};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00,
                          1};
  const auto polynomial = [](const auto& coefficients, double x) {
    double value = 0;
    for (const double coefficient : coefficients) value = value * x + coefficient;
    return value;
  };
  const double tail = std::min(p, 1 - p);
  if (tail >= 0.02425) {
    const double q = p - 0.5;
    return polynomial(a, q * q) * q / polynomial(b, q * q);
  }
  const double q = std::sqrt(-2 * portable_log(tail));
  const double low = polynomial(c, q) / polynomial(d, q);
  return p < 0.5 ? low : -low;
}

}  // namespace twintrack

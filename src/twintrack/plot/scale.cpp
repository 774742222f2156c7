#include "twintrack/plot/scale.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace twintrack::plot {
namespace {

constexpr double kRounding = 1e-9;  // of a step
constexpr std::array<double, 3> kFactors{1, 2, 5};
constexpr double kLargestPlain = 1e12;

// 10^exponent, the double nearest to it where the standard library's pow is exact for whole numbers.
double power_of_ten(int exponent) { return exponent < 0 ? 1 / std::pow(10.0, -exponent) : std::pow(10.0, exponent); }

// The smallest round step of which `parts` cover the range; finite also where high - low is not.
double round_step(Range data, int parts) {
  const double wanted = data.high / parts - data.low / parts;
  const auto exponent = static_cast<int>(std::floor(std::log10(wanted)));
  for (const double factor : kFactors) {
    const double step = factor * power_of_ten(exponent);
    if (step >= wanted * (1 - kRounding)) return step;
  }
  return power_of_ten(exponent + 1);
}

int decimals_of(double step) { return std::clamp(static_cast<int>(std::ceil(-std::log10(step) - kRounding)), 0, 17); }

std::string superscript(int number) {
  constexpr std::array<const char*, 10> digits{"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                               "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
  std::string text = number < 0 ? "\u207b" : "";
  for (const char c : std::to_string(std::abs(number))) text += digits[c - '0'];
  return text;
}

std::string power_label(double value) {
  const auto exponent = static_cast<int>(std::floor(std::log10(value) + kRounding));
  const double factor = value / power_of_ten(exponent);
  const std::string power = "10" + superscript(exponent);
  return std::abs(factor - 1) < kRounding ? power : fmt::format("{:.0f}\u00d7{}", factor, power);
}

std::vector<double> multiples(Range data, double step) {
  std::vector<double> values;
  const double first = std::ceil(data.low / step - kRounding);
  const double last = std::floor(data.high / step + kRounding);
  for (double i = first; i <= last && values.size() < 1000; ++i) values.push_back(i == 0 ? 0.0 : i * step);
  return values;
}

std::vector<double> powers(Range data, std::span<const double> factors, int every) {
  std::vector<double> values;
  const auto first = static_cast<int>(std::floor(std::log10(data.low)));
  const auto last = static_cast<int>(std::floor(std::log10(data.high) + kRounding));
  for (int exponent = first; exponent <= last; ++exponent) {
    if (exponent % every != 0) continue;
    for (const double factor : factors) {
      const double value = factor * power_of_ten(exponent);
      if (value >= data.low * (1 - kRounding) && value <= data.high * (1 + kRounding)) values.push_back(value);
    }
  }
  return values;
}

// The most ticks that fit: with doubles and fives, powers alone, or some of the powers.
std::vector<double> logarithmic_ticks(Range data, int most) {
  std::vector<double> values = powers(data, kFactors, 1);
  for (int every = 1; std::ssize(values) > most && every < 700; ++every) {
    values = powers(data, std::span(kFactors).first(1), every);
  }
  return values;
}

}  // namespace

std::optional<Range> range_of(std::span<const double> values) {
  std::optional<Range> range;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    range = range ? Range{std::min(range->low, value), std::max(range->high, value)} : Range{value, value};
  }
  return range;
}

Range whole_steps(Range data, int most) {
  if (!(data.low < data.high)) {
    const double room = data.low == 0 ? 1 : 0.1 * std::abs(data.low);
    constexpr double largest = std::numeric_limits<double>::max();
    data = {std::max(data.low - room, -largest), std::min(data.high + room, largest)};
  }
  // Rounding outwards can take one more step at each end.
  for (int parts = most; parts >= 1; --parts) {
    const double step = round_step(data, parts);
    const Range grown{std::floor(data.low / step + kRounding) * step, std::ceil(data.high / step - kRounding) * step};
    if (!std::isfinite(grown.low) || !std::isfinite(grown.high)) return data;
    if (std::round(grown.high / step - grown.low / step) <= most) return grown;
  }
  return data;
}

Range whole_decades(Range data) {
  const auto low = static_cast<int>(std::floor(std::log10(data.low) + kRounding));
  const auto high = static_cast<int>(std::ceil(std::log10(data.high) - kRounding));
  return {power_of_ten(low), power_of_ten(std::max(high, low + 1))};
}

double Scale::operator()(double value) const {
  // Halves: the difference of two finite numbers may not be one.
  const double share = logarithmic_
                           ? (std::log(value) - std::log(data_.low)) / (std::log(data_.high) - std::log(data_.low))
                           : (value / 2 - data_.low / 2) / (data_.high / 2 - data_.low / 2);
  return place_.low + share * (place_.high - place_.low);
}

std::vector<Tick> Scale::ticks(int most) const {
  std::vector<Tick> ticks;
  if (logarithmic_) {
    const std::vector<double> values = logarithmic_ticks(data_, most);
    const bool plain = values.empty() || (values.front() >= 0.001 && values.back() < 1e5);
    for (const double value : values)
      ticks.push_back({value, plain ? number_text(value, decimals_of(value)) : power_label(value)});
    return ticks;
  }
  double step = 0;
  std::vector<double> values;
  for (int parts = 2 * most; parts >= 1; --parts) {  // the finest step that is not too fine
    step = round_step(data_, parts);
    values = multiples(data_, step);
    if (std::ssize(values) <= most) break;
  }
  for (const double value : values) ticks.push_back({value, number_text(value, decimals_of(step))});
  return ticks;
}

std::string number_text(double value, int decimals) {
  if (!std::isfinite(value)) return "\u2013";
  if (std::abs(value) >= kLargestPlain) return fmt::format("{:.3g}", value);
  std::string digits = fmt::format("{:.{}f}", std::abs(value), decimals);
  const bool is_zero = digits.find_first_of("123456789") == std::string::npos;
  const std::size_t point = std::min(digits.find('.'), digits.size());
  for (std::size_t i = point; i > 3; i -= 3) digits.insert(i - 3, "\u2009");
  return (std::signbit(value) && !is_zero ? "\u2212" : "") + digits;
}

}  // namespace twintrack::plot

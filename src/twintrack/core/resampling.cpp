#include "twintrack/core/resampling.hpp"

#include <algorithm>
#include <limits>

namespace twintrack {

std::int64_t draw_below(std::int64_t count, std::mt19937_64& generator) {
  const auto size = static_cast<std::uint64_t>(count);
  const std::uint64_t unfair = -size % size;  // 2^64 modulo size: these lowest numbers are one too many
  std::uint64_t number = generator();
  while (number < unfair) number = generator();
  return static_cast<std::int64_t>(number % size);
}

double percentile_of_sorted(std::span<const double> ascending, double percent) {
  if (ascending.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = percent / 100 * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return ascending[below] + (place - static_cast<double>(below)) * (ascending[above] - ascending[below]);
}

}  // namespace twintrack

// What a bootstrap needs, the same on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <span>

namespace twintrack {

// Uniform on [0, count), count > 0. (What the standard library's own distribution draws is left to each
// implementation.)
std::int64_t draw_below(std::int64_t count, std::mt19937_64& generator);

// Percentile of ascending values, linear between them, as numpy.percentile by default; `percent` in [0, 100]. NaN when
// there are none.
double percentile_of_sorted(std::span<const double> ascending, double percent);

}  // namespace twintrack

// Mean and spread of the same figure from several maps.
#pragma once

#include <cmath>
#include <numeric>
#include <span>

namespace twintrack {

struct MeanAndSd {
  double mean = 0;
  double sd = 0;  // population
};

// Of at least one value.
inline MeanAndSd mean_and_sd(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / n)};
}

}  // namespace twintrack

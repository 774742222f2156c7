// Intensities of a training set's foreground, drawn so that every case counts alike.
#pragma once

#include "twintrack/core/json.hpp"

#include <cstdint>
#include <vector>

namespace twintrack {

struct IntensityStatistics {
  double mean = 0;
  double median = 0;
  double std = 0;  // of the population
  double min = 0;
  double max = 0;
  double percentile_00_5 = 0;
  double percentile_99_5 = 0;
  friend bool operator==(const IntensityStatistics&, const IntensityStatistics&) = default;
};

// With nnU-Net's keys.
Json to_json(const IntensityStatistics& statistics);

struct WeightedIntensity {
  float value = 0;
  float weight = 0;
};

// nnU-Net draws `samples` of a case's foreground voxels, with replacement. So does this where there are more voxels
// than that, by random numbers of case number `key`; fewer voxels all count, with the weight that drawing tends to.
// Values ascend, each once; the weights' sum is `samples`, or there are none.
std::vector<WeightedIntensity> sample_intensities(std::vector<float> foreground, std::int64_t samples,
                                                  std::uint64_t key);

// What numpy says (percentiles linear between values) of the list in which each value stands as often as its weight.
// There must be one value at least. Sorts them.
IntensityStatistics statistics_of(std::vector<WeightedIntensity>& intensities);

}  // namespace twintrack

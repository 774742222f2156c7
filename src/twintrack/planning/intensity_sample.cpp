#include "twintrack/planning/intensity_sample.hpp"

#include "twintrack/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <span>

namespace twintrack {
namespace {

constexpr std::uint64_t kPurpose = 0x696e74656e736974;  // a stream that nothing else uses

// Reads the virtual list that weighted values stand for, at ascending places.
class ListReader {
 public:
  explicit ListReader(std::span<const WeightedIntensity> ascending) : values_(ascending) {
    for (const WeightedIntensity& item : ascending) total_ += item.weight;
  }

  double total() const { return total_; }

  double percentile(double percent) {
    const double place = percent / 100 * std::max(total_ - 1, 0.0);
    const double below = std::floor(place);
    const double low = at(below);
    return low + (place - below) * (at(below + 1) - low);
  }

 private:
  double at(double place) {
    while (next_ + 1 < values_.size() && passed_ + values_[next_].weight <= place) passed_ += values_[next_++].weight;
    return values_[next_].value;
  }

  std::span<const WeightedIntensity> values_;
  std::size_t next_ = 0;
  double passed_ = 0;
  double total_ = 0;
};

}  // namespace

Json to_json(const IntensityStatistics& statistics) {
  return {{"max", statistics.max},
          {"mean", statistics.mean},
          {"median", statistics.median},
          {"min", statistics.min},
          {"percentile_00_5", statistics.percentile_00_5},
          {"percentile_99_5", statistics.percentile_99_5},
          {"std", statistics.std}};
}

std::vector<WeightedIntensity> sample_intensities(std::vector<float> foreground, std::int64_t samples,
                                                  std::uint64_t key) {
  if (foreground.empty()) return {};
  if (std::ssize(foreground) > samples) {
    Random random(key, kPurpose);
    std::vector<float> drawn(samples);
    for (float& value : drawn) value = foreground[random.below(std::ssize(foreground))];
    foreground = std::move(drawn);
  }
  std::ranges::sort(foreground);
  const double weight = static_cast<double>(samples) / static_cast<double>(foreground.size());
  std::vector<WeightedIntensity> result;
  for (auto first = foreground.begin(); first != foreground.end();) {
    const auto last = std::upper_bound(first, foreground.end(), *first);
    result.push_back({*first, static_cast<float>(static_cast<double>(last - first) * weight)});
    first = last;
  }
  return result;
}

IntensityStatistics statistics_of(std::vector<WeightedIntensity>& intensities) {
  std::ranges::sort(intensities, {}, &WeightedIntensity::value);
  ListReader list(intensities);
  IntensityStatistics result;
  for (const auto [value, weight] : intensities) result.mean += value * (weight / list.total());
  double variance = 0;
  for (const auto [value, weight] : intensities) {
    variance += (value - result.mean) * (value - result.mean) * (weight / list.total());
  }
  result.std = std::sqrt(variance);
  result.min = intensities.front().value;
  result.max = intensities.back().value;
  result.percentile_00_5 = list.percentile(0.5);
  result.median = list.percentile(50);
  result.percentile_99_5 = list.percentile(99.5);
  return result;
}

}  // namespace twintrack

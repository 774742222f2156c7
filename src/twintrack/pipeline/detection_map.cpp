#include "twintrack/pipeline/detection_map.hpp"

#include "twintrack/resample/morphology.hpp"

#include <algorithm>

namespace twintrack {
namespace {

constexpr double kThresholdFactor = 2.5;
constexpr std::int64_t kLargestIgnored = 10;  // voxels

}  // namespace

DetectionMap detection_map(std::span<const float> probability, const Shape3& shape) {
  DetectionMap map{std::vector<float>(probability.size(), 0.0F), 0, 0};
  const float maximum = probability.empty() ? 0.0F : *std::max_element(probability.begin(), probability.end());
  if (maximum <= 0) return map;
  const auto threshold = static_cast<float>(maximum / kThresholdFactor);
  std::vector<std::uint8_t> mask(probability.size());
  std::transform(probability.begin(), probability.end(), mask.begin(),
                 [threshold](float p) { return p >= threshold ? 1 : 0; });
  const Components parts = connected_components(mask, shape);

  std::vector<float> confidence(1 + parts.components.size(), 0.0F);  // by label; 0 for what is too small
  for (std::size_t i = 0; i < probability.size(); ++i) {
    const std::int32_t label = parts.labels[i];
    if (label == 0 || parts.components[label - 1].voxels <= kLargestIgnored) continue;
    confidence[label] = std::max(confidence[label], probability[i]);
  }
  std::transform(parts.labels.begin(), parts.labels.end(), map.confidence.begin(),
                 [&](std::int32_t label) { return confidence[label]; });
  map.likelihood = *std::max_element(confidence.begin(), confidence.end());
  map.candidates = std::count_if(confidence.begin(), confidence.end(), [](float c) { return c > 0; });
  return map;
}

}  // namespace twintrack

#include "twintrack/augmentation/augment.hpp"

#include "twintrack/augmentation/intensity.hpp"

#include <algorithm>
#include <limits>
#include <span>

namespace twintrack {
namespace {

// Below or above 1 with the same probability, however far the range reaches on either side.
float draw_factor(const DrawnRange& range, Random& random) {
  if (range.low < 1 && random.happens(0.5)) {
    return static_cast<float>(random.uniform(range.low, std::min(1.0, range.high)));
  }
  return static_cast<float>(random.uniform(std::min(std::max(range.low, 1.0), range.high), range.high));
}

double draw(const DrawnRange& range, Random& random) { return random.uniform(range.low, range.high); }

std::uint64_t draw_key(Random& random) {
  return static_cast<std::uint64_t>(random.below(std::numeric_limits<std::int64_t>::max()));
}

template <typename Change>
void for_each_channel(Patch& patch, const Change& change) {
  const std::int64_t voxels = voxel_count(patch.shape);
  for (std::int64_t c = 0; c < patch.channels; ++c) {
    change(std::span(patch.image).subspan(static_cast<std::size_t>(c * voxels), static_cast<std::size_t>(voxels)));
  }
}

void blur_some_channels(Patch& patch, const AugmentationSettings& s, Random& random) {
  for_each_channel(patch, [&](std::span<float> values) {
    if (!random.happens(s.blur_channel_probability)) return;
    std::array<double, 3> sigma_voxels{};
    for (double& sigma : sigma_voxels) sigma = draw(s.blur_sigma_voxels, random);
    intensity::blur(values, patch.shape, sigma_voxels);
  });
}

void coarsen_some_channels(Patch& patch, const AugmentationSettings& s, Random& random) {
  for_each_channel(patch, [&](std::span<float> values) {
    if (!random.happens(s.low_resolution_channel_probability)) return;
    const double scale = draw(s.low_resolution_scale, random);
    intensity::lower_resolution(values, patch.shape, {s.in_plane ? 1 : scale, scale, scale});
  });
}

void change_gamma(Patch& patch, const AugmentationSettings& s, bool inverted, Random& random) {
  for_each_channel(
      patch, [&](std::span<float> values) { intensity::apply_gamma(values, draw_factor(s.gamma, random), inverted); });
}

void change_intensities(Patch& patch, const AugmentationSettings& s, Random& random) {
  if (random.happens(s.noise_probability)) {
    const auto deviation = static_cast<float>(draw(s.noise_deviation, random));
    intensity::add_noise(patch.image, deviation, draw_key(random));
  }
  if (random.happens(s.blur_probability)) blur_some_channels(patch, s, random);
  if (random.happens(s.brightness_probability)) {
    for_each_channel(
        patch, [&](std::span<float> values) { intensity::multiply(values, draw_factor(s.brightness_factor, random)); });
  }
  if (random.happens(s.contrast_probability)) {
    for_each_channel(patch, [&](std::span<float> values) {
      intensity::stretch_contrast(values, draw_factor(s.contrast_factor, random));
    });
  }
  if (random.happens(s.low_resolution_probability)) coarsen_some_channels(patch, s, random);
  if (random.happens(s.inverted_gamma_probability)) change_gamma(patch, s, true, random);
  if (random.happens(s.gamma_probability)) change_gamma(patch, s, false, random);
}

}  // namespace

Patch augment(const Patch& drawn, const Shape3& shape, const AugmentationSettings& settings,
              const SpatialTransform& transform, Random& random) {
  check_settings(settings);
  Patch patch = resample_patch(drawn, shape, transform);
  for (std::int16_t& label : patch.labels) label = std::max<std::int16_t>(label, 0);
  change_intensities(patch, settings, random);
  std::array<bool, 3> mirrored{};
  for (const int axis : settings.mirror_axes) mirrored[axis] = random.happens(settings.mirror_probability);
  mirror(patch, mirrored);
  return patch;
}

Patch augment(const Patch& drawn, const Shape3& shape, const AugmentationSettings& settings, Random& random) {
  check_settings(settings);
  const SpatialTransform transform = draw_spatial_transform(settings, random);
  return augment(drawn, shape, settings, transform, random);
}

}  // namespace twintrack

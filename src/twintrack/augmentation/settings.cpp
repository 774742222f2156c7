#include "twintrack/augmentation/settings.hpp"

#include "twintrack/core/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace twintrack {
namespace {

constexpr double kAnisotropyThreshold = 3;  // nnU-Net: ANISO_THRESHOLD

void check_probability(double probability, std::string_view name) {
  if (!(probability >= 0 && probability <= 1)) throw InputError("{} is {}: 0 to 1 is right", name, probability);
}

void check_range(const DrawnRange& range, double low, double high, std::string_view name) {
  if (!(range.low >= low && range.low <= range.high && range.high <= high)) {
    throw InputError("{} is from {} to {}: ascending within {} to {} is right", name, range.low, range.high, low, high);
  }
}

void check_mirror_axes(const std::vector<int>& axes) {
  std::array<int, 3> times{};
  for (const int axis : axes) {
    if (axis < 0 || axis > 2 || ++times[axis] > 1) {
      throw InputError("mirror_axes are [{}]: each of 0, 1 and 2 at most once is right", fmt::join(axes, ", "));
    }
  }
}

}  // namespace

AugmentationSettings default_augmentation(const Shape3& patch, const std::vector<int>& mirror_axes) {
  check_mirror_axes(mirror_axes);
  AugmentationSettings settings;
  const auto largest = static_cast<double>(*std::max_element(patch.begin(), patch.end()));
  settings.in_plane = largest > kAnisotropyThreshold * static_cast<double>(patch[0]);
  if (settings.in_plane) settings.rotation_degrees = {-180, 180};
  settings.mirror_axes = mirror_axes;
  return settings;
}

AugmentationSettings no_augmentation() {
  AugmentationSettings settings;
  settings.rotation_probability = 0;
  settings.scaling_probability = 0;
  settings.noise_probability = 0;
  settings.blur_probability = 0;
  settings.brightness_probability = 0;
  settings.contrast_probability = 0;
  settings.low_resolution_probability = 0;
  settings.inverted_gamma_probability = 0;
  settings.gamma_probability = 0;
  settings.mirror_probability = 0;
  return settings;
}

void check_settings(const AugmentationSettings& s) {
  check_probability(s.rotation_probability, "rotation_probability");
  check_probability(s.scaling_probability, "scaling_probability");
  check_probability(s.noise_probability, "noise_probability");
  check_probability(s.blur_probability, "blur_probability");
  check_probability(s.blur_channel_probability, "blur_channel_probability");
  check_probability(s.brightness_probability, "brightness_probability");
  check_probability(s.contrast_probability, "contrast_probability");
  check_probability(s.low_resolution_probability, "low_resolution_probability");
  check_probability(s.low_resolution_channel_probability, "low_resolution_channel_probability");
  check_probability(s.inverted_gamma_probability, "inverted_gamma_probability");
  check_probability(s.gamma_probability, "gamma_probability");
  check_probability(s.mirror_probability, "mirror_probability");
  check_range(s.rotation_degrees, -180, 180, "rotation_degrees");
  check_range(s.scaling, 0.01, 100, "scaling");
  check_range(s.noise_deviation, 0, 1e6, "noise_deviation");
  check_range(s.blur_sigma_voxels, 0, 100, "blur_sigma_voxels");
  check_range(s.brightness_factor, 0, 1e6, "brightness_factor");
  check_range(s.contrast_factor, 0, 1e6, "contrast_factor");
  check_range(s.low_resolution_scale, 0.01, 1, "low_resolution_scale");
  check_range(s.gamma, 0.01, 100, "gamma");
  check_mirror_axes(s.mirror_axes);
}

}  // namespace twintrack

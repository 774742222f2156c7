// How patches are varied while a network is trained: nnU-Net v2's defaults (2.5 and later, with batchgeneratorsv2).
#pragma once

#include "twintrack/core/shape.hpp"

#include <vector>

namespace twintrack {

// What a number is drawn from, uniformly.
struct DrawnRange {
  double low = 0;
  double high = 0;
  friend bool operator==(const DrawnRange&, const DrawnRange&) = default;
};

// Probabilities are per patch; those named `channel_probability` then per channel. Ranges are uniform; of factors and
// gamma, whose ranges go from below 1 to above, either side of 1 is chosen with probability 1/2.
struct AugmentationSettings {
  // Axis 0 is spared by rotation, scaling and simulated low resolution, and rotation turns the slices in plane
  // (nnU-Net: do_dummy_2d_data_aug).
  bool in_plane = false;

  double rotation_probability = 0.2;
  DrawnRange rotation_degrees{-30, 30};  // an angle for each axis that is turned about
  double scaling_probability = 0.2;
  DrawnRange scaling{0.7, 1.4};  // one factor for all axes; above 1 the patch shows more, and what it shows is smaller

  double noise_probability = 0.1;
  // Of standard deviations: batchgeneratorsv2 calls this a variance and uses it as a deviation.
  DrawnRange noise_deviation{0, 0.1};
  double blur_probability = 0.2;
  double blur_channel_probability = 0.5;
  DrawnRange blur_sigma_voxels{0.5, 1.0};  // for each channel and axis
  double brightness_probability = 0.15;
  DrawnRange brightness_factor{0.75, 1.25};
  double contrast_probability = 0.15;
  DrawnRange contrast_factor{0.75, 1.25};
  double low_resolution_probability = 0.25;
  double low_resolution_channel_probability = 0.5;
  DrawnRange low_resolution_scale{0.5, 1.0};  // for each channel
  double inverted_gamma_probability = 0.1;
  double gamma_probability = 0.3;
  DrawnRange gamma{0.7, 1.5};

  double mirror_probability = 0.5;
  std::vector<int> mirror_axes;  // of 0, 1 and 2, each mirrored or not by itself

  friend bool operator==(const AugmentationSettings&, const AugmentationSettings&) = default;
};

// What nnU-Net uses for patches of this shape. In plane and +-180 degrees when the largest extent is above 3 times axis
// 0's, else +-30 degrees about each axis. Throws InputError for axes other than 0, 1 and 2, or twice the same.
AugmentationSettings default_augmentation(const Shape3& patch, const std::vector<int>& mirror_axes);

// Nothing ever happens: what validation uses.
AugmentationSettings no_augmentation();

// Throws InputError, naming the member, for a probability outside [0, 1], a range upside down or outside what the
// transform is defined for, and for axes as above.
void check_settings(const AugmentationSettings& settings);

}  // namespace twintrack

// nnU-Net v2's plans.json: what a model's configuration says about spacing, patch, normalisation, resampling and
// network.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/core/shape.hpp"
#include "twintrack/network/network.hpp"
#include "twintrack/resample/resize.hpp"

#include <array>
#include <filesystem>
#include <string>
#include <vector>

namespace twintrack {

enum class Normalization { ct, z_score, none, rescale_to_01 };

// Statistics of the training set's foreground, per channel.
struct IntensityProperties {
  double mean = 0;
  double std = 1;
  double percentile_00_5 = 0;
  double percentile_99_5 = 0;
};

struct Channel {
  Normalization normalization = Normalization::ct;
  bool use_mask_for_norm = false;
  IntensityProperties intensities;
};

// One configuration of the plans, inheritance resolved. Axes are those after transpose_forward.
struct Plans {
  std::string configuration;
  std::array<int, 3> transpose_forward{0, 1, 2};
  Shape3 patch_size{};
  Spacing3 spacing_mm{};
  std::vector<Channel> channels;
  ResamplingRule data_resampling;
  ResamplingRule probability_resampling;
  Architecture architecture;    // classes are the dataset's to say
  std::int64_t batch_size = 2;  // of training
  bool batch_dice = false;
};

// Reads both shapes of plans.json (an `architecture` block, or the older flat keys) and `inherits_from`. Throws
// InputError naming file and field; names what is not supported (2-D, cascades, other networks, other resamplers).
Plans read_plans(const std::filesystem::path& path, const std::string& configuration);

// The same from a parsed document.
Plans parse_plans(const JsonView& plans, const std::string& configuration);

}  // namespace twintrack

// nnU-Net v2's dataset.json: what the network's output channels mean.
#pragma once

#include "twintrack/core/json.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// Plain labels: one softmax channel each, background first, and the channel with the largest logit wins.
// Regions: one sigmoid channel each, without background; output_labels are written where a region exceeds 0.5, later
// ones over earlier ones (regions_class_order).
struct LabelScheme {
  bool regions = false;
  std::vector<std::string> names;            // per output channel
  std::vector<std::uint16_t> output_labels;  // per output channel
  std::vector<std::vector<std::uint16_t>>
      members;                          // per output channel: the labels of a training map that belong to it
  std::optional<std::uint16_t> ignore;  // label of training maps that counts nowhere; has no channel

  std::int64_t channels() const { return static_cast<std::int64_t>(names.size()); }
  // Index of the channel; throws InputError naming `file` and the known names.
  std::int64_t channel(const std::string& name, const std::string& file) const;
};

struct Dataset {
  LabelScheme labels;
  std::int64_t input_channels = 1;
};

Dataset read_dataset(const std::filesystem::path& path);
Dataset parse_dataset(const JsonView& dataset);

}  // namespace twintrack

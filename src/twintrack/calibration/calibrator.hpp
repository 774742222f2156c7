// Maps tumour probability to the mean human response: a monotone, piecewise linear curve (isotonic regression's knots).
#pragma once

#include "twintrack/core/json_forward.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace twintrack {

// File format "twintrack-calibrator/1": knots with linear interpolation between them and constant continuation outside.
struct Calibrator {
  std::string target;    // what was fitted: "mhr", "rater:K", "majority", "staple"
  std::vector<float> x;  // strictly ascending, in [0, 1]
  std::vector<float> y;  // ascending, in [0, 1]
  // Range of the probabilities it was fitted to, and identity of the networks they came from, when the file tells.
  std::optional<std::pair<float, float>> support = {};
  std::optional<std::string> networks_sha256 = {};

  float operator()(float probability) const;
  // In place, on all threads.
  void apply(std::span<float> probabilities) const;
  // Share of those probabilities whose mask byte is not 0 that lie outside `support`; 0 without support or voxels.
  double share_outside_support(std::span<const float> probabilities, std::span<const std::uint8_t> mask) const;
};

inline constexpr const char* kCalibratorFormat = "twintrack-calibrator/1";

// Throws InputError naming file and field.
Calibrator read_calibrator(const std::filesystem::path& path);
// The same from a parsed document.
Calibrator parse_calibrator(const JsonView& document);

}  // namespace twintrack

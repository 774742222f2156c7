// What `predict` wrote beside a probability map about how it was made.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct PredictionRecord {
  std::string networks_sha256;
  bool calibrated = false;            // the map has been through a calibrator
  std::vector<std::string> warnings;  // about the case, for a person
};

// From CASE.json beside CASE_probability or CASE_uncalibrated; nothing when there is none, or it is another program's.
std::optional<PredictionRecord> prediction_record(const std::filesystem::path& probability_file);

}  // namespace twintrack

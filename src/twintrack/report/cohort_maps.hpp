// What a report computes from a manifest's maps: reliability before and after calibration.
#pragma once

#include "twintrack/cohort/manifest.hpp"
#include "twintrack/evaluation/calibration_error.hpp"
#include "twintrack/pipeline/prediction_record.hpp"
#include "twintrack/report/cohort_files.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// The same cases' maps before or after calibration; lists are in the cases' order.
struct MapStage {
  std::string title;   // "Before calibration"
  std::string source;  // which maps, for a person
  bool calibrated = false;
  std::vector<std::vector<ReliabilityBin>> tables;
  std::vector<double> response_error;  // calibration error against the mean human response
  std::vector<double> ece_mean;        // mean over raters
};

// Stages are, in this order of preference:
//   before: CASE_uncalibrated beside the manifest's map, after: the map, when `predict` wrote both for every case;
//   before: the manifest's maps, after: the calibrator applied to them, when one is given and no map is known to be
//   calibrated already;
//   the manifest's maps alone.
class CohortMaps {
 public:
  CohortMaps(const Manifest& manifest, const std::optional<CalibratorFile>& calibrator, std::vector<int> tumor_labels);

  // Reads the case's maps and raters. Throws InputError, and nothing is added, for a case that cannot be read.
  void add(const CohortCase& item);

  const std::vector<MapStage>& stages() const { return stages_; }
  // The stage that the manifest's own maps are.
  const MapStage& given() const { return pairing_ == Pairing::beside ? stages_.back() : stages_.front(); }
  const std::vector<std::string>& cases() const { return cases_; }
  // SHA-256 over the files of each case (case_identity).
  const std::vector<std::string>& identities() const { return identities_; }
  // What a person is to know first: networks that differ, cases that the calibrator was fitted to, predict's warnings.
  std::vector<std::string> warnings() const;

 private:
  enum class Pairing { beside, applied, alone };

  void choose_stages(const Manifest& manifest);
  void check_networks(const Manifest& manifest);
  void note_if_fitted(const CohortCase& item, const std::string& identity);

  std::optional<CalibratorFile> calibrator_;
  std::vector<int> tumor_labels_;
  Pairing pairing_ = Pairing::alone;
  std::vector<MapStage> stages_;
  std::vector<std::string> cases_;
  std::vector<std::string> identities_;
  std::vector<std::string> warnings_;
  std::vector<std::string> fitted_;  // cases that the calibrator was fitted to
};

// CASE_uncalibrated beside CASE_probability, when it is there.
std::optional<std::filesystem::path> uncalibrated_map_beside(const std::filesystem::path& probability);

}  // namespace twintrack

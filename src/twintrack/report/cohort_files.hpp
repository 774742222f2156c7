// What the jobs evaluate, compare and calibrate wrote about a cohort, as far as a report shows it.
#pragma once

#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/calibration/diagnostics.hpp"
#include "twintrack/evaluation/bootstrap.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace twintrack {

using Estimates = std::map<std::string, Estimate>;  // by metric

struct CaseFigures {
  std::string name;
  std::map<std::string, double> values;  // as scalar_metrics() names them; NaN for null
  std::vector<double> ece;               // of each rater
  std::vector<double> rater_volumes_mm3;

  double value(const std::string& metric) const;  // NaN where there is none
};

// Who made a file, and with what bootstrap; empty and 0 where the file does not say.
struct FileOrigin {
  std::string version;
  std::int64_t replicates = 0;
  std::uint64_t seed = 0;
};

// metrics.json of `evaluate`, task curvas-pdacvi.
struct MetricsFile {
  std::vector<CaseFigures> cases;
  Estimates summary;
  std::vector<std::pair<std::string, std::string>> failed;  // case and why
  FileOrigin origin;

  Estimate mean(const std::string& metric) const;  // of the summary; NaN where there is none
};

// table.json of `compare`.
struct ComparisonFile {
  struct Row {
    std::string title;
    Estimates means;
    std::map<std::string, double> p;  // of the paired difference to MHR; NaN for null; empty for MHR itself
  };
  std::vector<Row> rows;
  std::vector<std::string> cases;
  std::string design;  // how fits and evaluations were kept apart
  FileOrigin origin;
};

// calibrator.json of `calibrate`; of another origin it may hold the curve alone.
struct CalibratorFile {
  Calibrator calibrator;
  std::vector<std::string> warnings;
  std::vector<std::pair<std::string, FitQuality>> quality;  // "as predicted", ...; in this order
  std::optional<CurveBand> band;
  std::vector<std::pair<std::string, std::string>> cases;  // fitted: name, SHA-256 over its files or empty
  std::int64_t voxels = 0;                                 // 0 where the file does not say
  std::string case_weight;
  FileOrigin origin;
};

// Throw InputError naming file and field.
MetricsFile read_metrics_file(const std::filesystem::path& file);
ComparisonFile read_comparison_file(const std::filesystem::path& file);
CalibratorFile read_calibrator_file(const std::filesystem::path& file);

}  // namespace twintrack

// The metrics that a cohort report shows, and how it writes them.
#pragma once

#include "twintrack/evaluation/bootstrap.hpp"

#include <cstdint>
#include <span>
#include <string>

namespace twintrack {

struct ReportedMetric {
  const char* key;        // in metrics.json and table.json
  const char* title;      // of a column
  const char* unit;       // empty where there is none
  const char* file_name;  // part of a plot's name
  int decimals = 3;
  bool higher_is_better = true;
};

// Of every case: TDSC, DSC, ECE, calibration error, CRPS, Hausdorff distance.
std::span<const ReportedMetric> case_metrics();
// The columns of the paper's table: TDSC, ECE, CRPS.
std::span<const ReportedMetric> paper_metrics();

// "ECE", "CRPS, mm³".
std::string title_with_unit(const ReportedMetric& metric);
// "0.677 [0.654, 0.699]"; an en dash for what has no value.
std::string interval_text(const Estimate& estimate, int decimals);
// "1 case", "12 cases".
std::string counted(std::int64_t count, const char* noun);
// "0.0123", "< 0.0001".
std::string p_text(double p);

}  // namespace twintrack

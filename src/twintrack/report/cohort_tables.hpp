// Tables of a cohort report, as HTML.
#pragma once

#include "twintrack/report/cohort_report.hpp"

#include <string>
#include <vector>

namespace twintrack {

// Means with intervals of the calibration targets, p of their differences to MHR; the best mean of a column is marked.
std::string comparison_table_html(const ComparisonFile& comparison);

// The figures that the paper published, from another cohort.
std::string paper_table_html();

// Calibration error and ECE before and after calibration, and their paired difference.
std::string reliability_table_html(const CohortReportInput& input);

// Brier score, calibration error and TDSC that `calibrate` noted; empty when it noted none.
std::string calibrator_table_html(const CalibratorFile& file);

// All cases, worst TDSC first, sortable by every column; names link to the cases' own reports.
std::string cases_table_html(const MetricsFile& metrics, const std::map<std::string, std::string>& links);

// The vessels that metrics.json has involvement of.
std::vector<std::string> vessels_of(const MetricsFile& metrics);
std::string vessels_table_html(const MetricsFile& metrics, const std::vector<std::string>& vessels);

// Inputs with their SHA-256, versions and bootstraps, and the cases' identities.
std::string provenance_html(const CohortReportInput& input);

}  // namespace twintrack

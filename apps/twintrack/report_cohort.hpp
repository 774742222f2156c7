// `report` on a cohort: called by the job for --manifest without --case.
#pragma once

#include <filesystem>

#include "options.hpp"
#include "twintrack/core/error.hpp"

namespace twintrack::cli {

struct CohortReportArguments {
  std::filesystem::path manifest;  // set by the job, as `output` and `cohort` (add_cohort_options)
  std::filesystem::path output;
  CohortArguments cohort;
  std::filesystem::path metrics;
  std::filesystem::path table;
  std::filesystem::path calibrator;
  std::filesystem::path plots;
  std::filesystem::path case_reports;
};

// --metrics, --table, --calibrator, --plots, --case-reports.
void add_cohort_report_options(CLI::App& job, CohortReportArguments& arguments);

ExitStatus run_cohort_report(const CohortReportArguments& arguments);

}  // namespace twintrack::cli

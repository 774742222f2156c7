// A self-contained page about a cohort, and its plots.
#pragma once

#include "twintrack/plot/drawing.hpp"
#include "twintrack/report/cohort_files.hpp"
#include "twintrack/report/cohort_maps.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twintrack {

struct ReportedFile {
  std::string role;  // "metrics"
  std::string name;  // without its folder
  std::string sha256;
  FileOrigin origin = {};
};

struct CohortReportInput {
  std::vector<std::string> cases;  // of the manifest
  const CohortMaps& maps;          // cases that could be read
  std::optional<MetricsFile> metrics;
  std::optional<ComparisonFile> comparison;
  std::optional<CalibratorFile> calibrator;
  std::vector<std::pair<std::string, std::string>> failed;  // case and why its maps could not be read
  std::map<std::string, std::string> links;                 // of a case: its own report, relative to the page
  std::vector<ReportedFile> files;
  int replicates = 1000;
  std::uint64_t seed = 0;
};

struct NamedPlot {
  std::string_view file_name;  // one of cohort_plot_names()
  plot::Drawing drawing;
};

// The page's plots: those for which there is input.
std::vector<NamedPlot> cohort_plots(const CohortReportInput& input);

// A section whose input is absent is left out, and the page says what would add it. Links are written as they are
// given, percent-encoded. Names of any bytes are text on the page.
// Shows these `plots`, cohort_plots() of the input.
std::string cohort_report(const CohortReportInput& input, const std::vector<NamedPlot>& plots);

// All names that a plot may have: "reliability-before.svg", ...
std::vector<std::string_view> cohort_plot_names();

// What a person is to know first about the figures taken together.
std::vector<std::string> cohort_warnings(const CohortReportInput& input);

}  // namespace twintrack

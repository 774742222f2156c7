// A report on one case: one self-contained HTML page with the CT, the map and all figures.
#pragma once

#include "twintrack/report/case_data.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace twintrack {

inline constexpr std::int64_t kLargestReportBytes = 25'000'000;

struct CaseReport {
  std::string html;
  std::vector<std::string> warnings;  // what does not fit together, and the summary's; they stand in the page too
  std::int64_t thinning = 1;          // voxels along the two finer axes that became one, to keep to the size
};

// Reads the files and makes the page, of at most `largest_bytes`: the image is thinned until it fits, and the page says
// so; figures are always those of the whole grid. No patient's name and no folder is in it, except what the case's and
// the files' names tell. Needs memory for two volumes of the grid in float32 at most. Throws InputError.
CaseReport case_report(const CaseFiles& files, std::int64_t largest_bytes = kLargestReportBytes);

}  // namespace twintrack

// Expected volumes against the raters'.
#pragma once

#include "twintrack/plot/drawing.hpp"

#include <string>
#include <vector>

namespace twintrack {

struct CaseVolumes {
  std::string name;
  double expected_ml = 0;
  std::vector<double> raters_ml;
};

// Expected volume against the raters' mean with a line over their range, and the diagonal; the three cases furthest
// from it, relative to the raters' mean, are named. Axes are logarithmic where all volumes are above 0 and span a
// factor of 20. Cases without raters or with values that are not finite are left out.
plot::Drawing volume_plot(const std::vector<CaseVolumes>& cases, const std::string& subtitle);

}  // namespace twintrack

// A dot for each row and what lies around it: cases of a cohort, rows of a table, vessels.
#pragma once

#include "twintrack/evaluation/bootstrap.hpp"
#include "twintrack/plot/drawing.hpp"
#include "twintrack/plot/scale.hpp"

#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct DotRow {
  std::string label;
  double value = 0;                   // a row whose value is not finite is left out
  std::optional<plot::Range> spread;  // a line from low to high
  std::vector<double> others;         // small marks on the line, such as each rater's
  std::string tooltip;
};

struct DotPlot {
  std::string title;
  std::string subtitle;          // muted, below the title
  std::string axis;              // quantity and unit
  std::optional<Estimate> mean;  // a line through all rows with its 95 % interval
  bool may_be_logarithmic = false;
  plot::Ink ink = plot::Ink::blue;
  std::vector<DotRow> rows;  // from top to bottom
};

// Few rows are named; many are crowded together; very many become one curve without spreads. Height follows from their
// number. The axis is logarithmic where that is allowed, all values are above 0 and span a factor of 20.
plot::Drawing dot_plot(const DotPlot& spec);

// The scale of the axis above: for the finite ones of `values`, over `place`.
plot::Scale value_scale(const std::vector<double>& values, bool may_be_logarithmic, plot::Range place, int ticks);

}  // namespace twintrack

// The frame of a plot: grid, ticks and titles of its axes.
#pragma once

#include "twintrack/plot/drawing.hpp"
#include "twintrack/plot/scale.hpp"

#include <string_view>
#include <vector>

namespace twintrack::plot {

// Where data are drawn, in coordinates of the drawing; top < bottom.
struct Frame {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  Range across() const { return {left, right}; }
  Range upwards() const { return {bottom, top}; }
};

enum class Side { left, right };

struct AxisStyle {
  bool labelled = true;  // numbers at the ticks
  bool grid = true;      // lines through the frame
  std::string_view title = {};
};

// Vertical grid lines, numbers below the frame and the title below them: 34 units in all.
void axis_below(Drawing& drawing, const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks,
                const AxisStyle& style = {});
// Horizontal grid lines, numbers beside the frame, and the title upwards, 40 units from it.
void axis_beside(Drawing& drawing, const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks,
                 const AxisStyle& style = {}, Side side = Side::left);

}  // namespace twintrack::plot

#include "twintrack/report/plot_dots.hpp"

#include "twintrack/core/markup.hpp"
#include "twintrack/plot/axes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace twintrack {
namespace {

using plot::Anchor;
using plot::Ink;
using plot::Point;
using plot::Range;

constexpr double kWidth = 420;
constexpr double kTop = 44;
constexpr double kBelow = 42;
constexpr double kRight = 26;
constexpr double kTallest = 900;
constexpr std::size_t kMostNamed = 80;
constexpr std::size_t kMostDots = 500;
constexpr std::size_t kLongestLabel = 20;
constexpr int kTicks = 5;
constexpr double kLogarithmicFrom = 20;  // largest over smallest value

struct Layout {
  bool named = true;
  double pitch = 18;
  double label_size = 11;
  double dot = 4;
};

Layout layout_of(std::size_t rows) {
  if (rows <= 30) return {};
  if (rows <= kMostNamed) return {true, 11, 9, 3};
  return {false, std::min(6.0, kTallest / static_cast<double>(rows)), 0, 2};
}

std::vector<DotRow> finite_rows(const std::vector<DotRow>& rows) {
  std::vector<DotRow> finite;
  std::ranges::copy_if(rows, std::back_inserter(finite), [](const DotRow& row) { return std::isfinite(row.value); });
  return finite;
}

bool has_mean(const DotPlot& spec) { return spec.mean && std::isfinite(spec.mean->mean); }

std::vector<double> all_values(const DotPlot& spec, const std::vector<DotRow>& rows) {
  std::vector<double> values;
  for (const DotRow& row : rows) {
    values.push_back(row.value);
    if (row.spread) values.insert(values.end(), {row.spread->low, row.spread->high});
    values.insert(values.end(), row.others.begin(), row.others.end());
  }
  if (has_mean(spec)) values.insert(values.end(), {spec.mean->ci_low, spec.mean->ci_high});
  return values;
}

double label_room(const std::vector<DotRow>& rows, const Layout& layout) {
  double widest = 0;
  for (const DotRow& row : rows) {
    if (layout.named)
      widest = std::max(widest, plot::text_width(shortened(row.label, kLongestLabel), layout.label_size));
  }
  return 16 + widest;
}

void draw_mean(plot::Drawing& drawing, const plot::Frame& frame, const plot::Scale& scale, const Estimate& mean,
               Ink ink) {
  const double low = scale(mean.ci_low);
  drawing.rectangle({low, frame.top}, scale(mean.ci_high) - low, frame.bottom - frame.top, {ink, 0.15});
  drawing.line({scale(mean.mean), frame.top}, {scale(mean.mean), frame.bottom}, {ink, 1.2, 1, "5 3"});
}

void draw_row(plot::Drawing& drawing, const plot::Scale& scale, const DotRow& row, double y, const Layout& layout,
              Ink ink) {
  if (row.spread && std::isfinite(row.spread->low) && std::isfinite(row.spread->high))
    drawing.line({scale(row.spread->low), y}, {scale(row.spread->high), y}, {Ink::muted, 1.2, 0.7});
  for (const double other : row.others) {
    if (std::isfinite(other)) drawing.line({scale(other), y - 3}, {scale(other), y + 3}, {Ink::muted, 1.2});
  }
  drawing.dot({scale(row.value), y}, layout.dot, ink, false, row.tooltip);
}

}  // namespace

plot::Scale value_scale(const std::vector<double>& values, bool may_be_logarithmic, Range place, int ticks) {
  const std::optional<Range> range = plot::range_of(values);
  if (!range) return plot::Scale::linear({0, 1}, place);
  if (may_be_logarithmic && range->low > 0 && range->high / range->low >= kLogarithmicFrom) {
    const double room = 0.04 * (std::log(range->high) - std::log(range->low));
    const Range grown{std::max(std::exp(std::log(range->low) - room), std::numeric_limits<double>::min()),
                      std::min(std::exp(std::log(range->high) + room), std::numeric_limits<double>::max())};
    return plot::Scale::logarithmic(grown, place);
  }
  return plot::Scale::linear(plot::whole_steps(*range, ticks), place);
}

plot::Drawing dot_plot(const DotPlot& spec) {
  const std::vector<DotRow> rows = finite_rows(spec.rows);
  const Layout layout = layout_of(rows.size());
  const double height = std::max(layout.pitch * static_cast<double>(rows.size()), 2 * Layout{}.pitch) + layout.pitch;
  const plot::Frame frame{label_room(rows, layout), kTop, kWidth - kRight, kTop + height};
  const plot::Scale scale = value_scale(all_values(spec, rows), spec.may_be_logarithmic, frame.across(), kTicks);

  plot::Drawing drawing(kWidth, frame.bottom + kBelow, spec.title);
  drawing.text({8, 16}, spec.title, {Anchor::start, Ink::text, 13, true});
  drawing.text({8, 33}, spec.subtitle, {Anchor::start, Ink::muted, 11});
  plot::axis_below(drawing, frame, scale, scale.ticks(kTicks + 1), {true, true, spec.axis});
  if (has_mean(spec)) draw_mean(drawing, frame, scale, *spec.mean, spec.ink);
  if (rows.empty()) {
    drawing.text({(frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2 + 4}, "no values",
                 {Anchor::middle, Ink::muted});
  }
  std::vector<Point> curve;
  double y = frame.top + layout.pitch;
  for (const DotRow& row : rows) {
    if (layout.named) {
      drawing.text({frame.left - 8, y + 0.35 * layout.label_size}, shortened(row.label, kLongestLabel),
                   {Anchor::end, Ink::text, layout.label_size});
    }
    if (rows.size() <= kMostDots) {
      draw_row(drawing, scale, row, y, layout, spec.ink);
    } else {
      curve.push_back({scale(row.value), y});
    }
    y += layout.pitch;
  }
  drawing.curve(curve, {spec.ink, 2.5});
  return drawing;
}

}  // namespace twintrack

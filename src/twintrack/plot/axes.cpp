#include "twintrack/plot/axes.hpp"

namespace twintrack::plot {
namespace {

constexpr double kTickSize = 11;
constexpr double kTitleSize = 12;

}  // namespace

void axis_below(Drawing& drawing, const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks,
                const AxisStyle& style) {
  for (const Tick& tick : ticks) {
    const double x = scale(tick.value);
    if (style.grid) drawing.line({x, frame.top}, {x, frame.bottom}, {Ink::grid});
    if (style.labelled) drawing.text({x, frame.bottom + 15}, tick.label, {Anchor::middle, Ink::muted, kTickSize});
  }
  drawing.line({frame.left, frame.bottom}, {frame.right, frame.bottom}, {Ink::muted});
  if (!style.title.empty()) {
    drawing.text({(frame.left + frame.right) / 2, frame.bottom + 34}, style.title,
                 {Anchor::middle, Ink::text, kTitleSize});
  }
}

void axis_beside(Drawing& drawing, const Frame& frame, const Scale& scale, const std::vector<Tick>& ticks,
                 const AxisStyle& style, Side side) {
  const bool left = side == Side::left;
  const double edge = left ? frame.left : frame.right;
  const double outwards = left ? -1 : 1;
  for (const Tick& tick : ticks) {
    const double y = scale(tick.value);
    if (style.grid) drawing.line({frame.left, y}, {frame.right, y}, {Ink::grid});
    if (style.labelled) {
      drawing.text({edge + outwards * 6, y + 4}, tick.label,
                   {left ? Anchor::end : Anchor::start, Ink::muted, kTickSize});
    }
  }
  drawing.line({edge, frame.top}, {edge, frame.bottom}, {Ink::muted});
  if (!style.title.empty()) {
    drawing.text({edge + outwards * (left ? 40 : 48), (frame.top + frame.bottom) / 2}, style.title,
                 {Anchor::middle, Ink::text, kTitleSize, false, true});
  }
}

}  // namespace twintrack::plot

#include "twintrack/report/plot_volumes.hpp"

#include "twintrack/core/markup.hpp"
#include "twintrack/plot/axes.hpp"
#include "twintrack/report/plot_dots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace twintrack {
namespace {

using plot::Anchor;
using plot::Frame;
using plot::Ink;
using plot::Point;

constexpr double kWidth = 420;
constexpr Frame kSquare{60, 46, 404, 390};
constexpr double kBelow = 42;
constexpr int kTicks = 5;
constexpr std::size_t kNamed = 3;
constexpr std::size_t kLongestName = 24;
constexpr double kNameSize = 10;
constexpr double kDot = 4;
constexpr std::size_t kManyCases = 200;

struct PlacedCase {
  const CaseVolumes* item = nullptr;
  double mean_ml = 0;
  double low_ml = 0;
  double high_ml = 0;
};

std::vector<PlacedCase> usable(const std::vector<CaseVolumes>& cases) {
  std::vector<PlacedCase> placed;
  for (const CaseVolumes& item : cases) {
    const auto [low, high] = std::ranges::minmax_element(item.raters_ml);
    if (low == item.raters_ml.end()) continue;
    const double mean =
        std::accumulate(item.raters_ml.begin(), item.raters_ml.end(), 0.0) / static_cast<double>(item.raters_ml.size());
    if (std::isfinite(item.expected_ml) && std::isfinite(mean)) placed.push_back({&item, mean, *low, *high});
  }
  return placed;
}

struct Box {
  double left, top, right, bottom;
  bool meets(const Box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
};

// The line of equal volumes goes through the box: its corners lie on both sides.
bool meets_diagonal(const Box& box) {
  const auto side = [](double x, double y) {
    return (x - kSquare.left) / (kSquare.right - kSquare.left) - (kSquare.bottom - y) / (kSquare.bottom - kSquare.top);
  };
  return side(box.left, box.top) < 0 && side(box.right, box.bottom) > 0;
}

// Where a name of this width may stand beside its dot, the best place first.
std::array<Box, 4> places_beside(const Point& dot, double width) {
  const auto box = [&](double left, double top) { return Box{left, top, left + width, top + kNameSize + 2}; };
  const double above = dot.y - kNameSize - 7;
  const double below = dot.y + 5;
  return {box(dot.x + 4, above), box(dot.x - 4 - width, above), box(dot.x + 4, below), box(dot.x - 4 - width, below)};
}

// Names beside the dots furthest from the diagonal, where there is room for them.
void name_furthest(plot::Drawing& drawing, std::vector<PlacedCase> cases, const plot::Scale& x, const plot::Scale& y) {
  std::vector<Box> taken;
  for (const PlacedCase& c : cases) {
    const double height = y(c.item->expected_ml);
    taken.push_back({x(c.low_ml) - 1, height - 1, x(c.high_ml) + 1, height + 1});
    taken.push_back({x(c.mean_ml) - kDot, height - kDot, x(c.mean_ml) + kDot, height + kDot});
  }
  const auto distance = [](const PlacedCase& c) {
    return std::abs(c.item->expected_ml - c.mean_ml) / std::max(c.mean_ml, 1e-9);
  };
  std::ranges::stable_sort(cases, std::ranges::greater(), distance);
  for (std::size_t i = 0; i < std::min(cases.size(), kNamed); ++i) {
    const std::string name = shortened(cases[i].item->name, kLongestName);
    const Point dot{x(cases[i].mean_ml), y(cases[i].item->expected_ml)};
    const auto is_free = [&](const Box& box) {
      const bool inside =
          box.left > kSquare.left && box.right < kSquare.right && box.top > kSquare.top && box.bottom < kSquare.bottom;
      return inside && !meets_diagonal(box) &&
             std::ranges::none_of(taken, [&](const Box& other) { return box.meets(other); });
    };
    const auto places = places_beside(dot, plot::text_width(name, kNameSize));
    const auto place = std::ranges::find_if(places, is_free);
    if (place == places.end()) continue;
    taken.push_back(*place);
    drawing.text({place->left, place->bottom - 3}, name, {Anchor::start, Ink::text, kNameSize});
  }
}

}  // namespace

plot::Drawing volume_plot(const std::vector<CaseVolumes>& cases, const std::string& subtitle) {
  const std::vector<PlacedCase> placed = usable(cases);
  std::vector<double> values;
  for (const PlacedCase& c : placed) values.insert(values.end(), {c.item->expected_ml, c.low_ml, c.high_ml});
  const plot::Scale x = value_scale(values, true, kSquare.across(), kTicks);
  const plot::Scale y = value_scale(values, true, kSquare.upwards(), kTicks);

  plot::Drawing drawing(kWidth, kSquare.bottom + kBelow, "Volumes");
  drawing.text({8, 16}, "Volumes", {Anchor::start, Ink::text, 13, true});
  drawing.text({8, 33}, subtitle, {Anchor::start, Ink::muted, 11});
  plot::axis_below(drawing, kSquare, x, x.ticks(kTicks + 1),
                   {true, true, "raters' mean volume, ml (line: their range)"});
  plot::axis_beside(drawing, kSquare, y, y.ticks(kTicks + 1), {true, true, "expected volume, ml"});
  drawing.line({kSquare.left, kSquare.bottom}, {kSquare.right, kSquare.top}, {Ink::muted, 1.2, 1, "4 3"});
  for (const PlacedCase& c : placed) {
    const double height = y(c.item->expected_ml);
    drawing.line({x(c.low_ml), height}, {x(c.high_ml), height}, {Ink::muted, 1.2, 0.6});
  }
  for (const PlacedCase& c : placed) {
    drawing.dot({x(c.mean_ml), y(c.item->expected_ml)}, placed.size() > kManyCases ? kDot / 2 : kDot, Ink::blue, false,
                fmt::format("{}: expected {:.1f} ml, raters {:.1f} ml ({:.1f} to {:.1f})", c.item->name,
                            c.item->expected_ml, c.mean_ml, c.low_ml, c.high_ml));
  }
  name_furthest(drawing, placed, x, y);
  return drawing;
}

}  // namespace twintrack

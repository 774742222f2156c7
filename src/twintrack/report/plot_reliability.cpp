#include "twintrack/report/plot_reliability.hpp"

#include "twintrack/plot/axes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

using plot::Anchor;
using plot::Frame;
using plot::Ink;
using plot::Point;
using plot::Scale;

constexpr double kWidth = 420;
constexpr Frame kSquare{60, 62, 404, 406};
constexpr Frame kHistogram{60, 424, 404, 494};
constexpr double kBelow = 42;
constexpr double kDot = 2.6;

Scale across() { return Scale::linear({0, 1}, kSquare.across()); }
Scale upwards() { return Scale::linear({0, 1}, kSquare.upwards()); }
Point place(double x, double y) { return {across()(x), upwards()(y)}; }

void draw_titles(plot::Drawing& drawing, const std::string& title, const std::string& subtitle) {
  drawing.text({8, 16}, title, {Anchor::start, Ink::text, 13, true});
  drawing.text({8, 33}, subtitle, {Anchor::start, Ink::muted, 11});
}

// A sample of each mark with its name, in a line above the square.
void draw_key(plot::Drawing& drawing, Ink ink, const char* curve, const char* band) {
  const double y = 50;
  drawing.line({60, y}, {78, y}, {ink, 2});
  drawing.text({83, y + 4}, curve, {Anchor::start, Ink::text, 11});
  drawing.rectangle({188, y - 5}, 18, 10, {ink, 0.25});
  drawing.text({211, y + 4}, band, {Anchor::start, Ink::text, 11});
  drawing.line({320, y}, {338, y}, {Ink::muted, 1.2, 1, "4 3"});
  drawing.text({343, y + 4}, "identity", {Anchor::start, Ink::text, 11});
}

void draw_square(plot::Drawing& drawing, bool numbers_below, const char* below, const char* beside) {
  plot::axis_below(drawing, kSquare, across(), across().ticks(6), {numbers_below, true, below});
  plot::axis_beside(drawing, kSquare, upwards(), upwards().ticks(6), {true, true, beside});
  drawing.line(place(0, 0), place(1, 1), {Ink::muted, 1.2, 1, "4 3"});
}

// Neighbouring bins that have a band share one area; a bin alone gets a bar.
void draw_band(plot::Drawing& drawing, const std::vector<PooledBin>& bins, Ink ink) {
  std::vector<Point> lower;
  std::vector<Point> upper;
  const auto finish = [&] {
    if (lower.size() == 1) drawing.line(lower.front(), upper.front(), {ink, 4, 0.25});
    if (lower.size() > 1) {
      lower.insert(lower.end(), upper.rbegin(), upper.rend());
      drawing.area(lower, {ink, 0.25});
    }
    lower.clear();
    upper.clear();
  };
  for (const PooledBin& bin : bins) {
    if (!std::isfinite(bin.response_low)) {
      finish();
      continue;
    }
    lower.push_back(place(bin.bin.mean_probability, bin.response_low));
    upper.push_back(place(bin.bin.mean_probability, bin.response_high));
  }
  finish();
}

void draw_bins(plot::Drawing& drawing, const std::vector<PooledBin>& bins, Ink ink) {
  std::vector<Point> curve;  // of neighbouring bins
  for (const auto& [bin, cases, low, high] : bins) {
    if (bin.voxels > 0) {
      curve.push_back(place(bin.mean_probability, bin.mean_response));
    } else {
      drawing.curve(curve, {ink, 1.2});
      curve.clear();
    }
  }
  drawing.curve(curve, {ink, 1.2});
  for (const auto& [bin, cases, low, high] : bins) {
    if (bin.voxels == 0) continue;
    drawing.dot(place(bin.mean_probability, bin.mean_response), kDot, ink, cases < 2,
                fmt::format("probability {:.3f}, response {:.3f}, {} voxels, cases: {}", bin.mean_probability,
                            bin.mean_response, plot::number_text(static_cast<double>(bin.voxels), 0), cases));
  }
}

// A bar begins at half a voxel, so that one voxel is seen.
void draw_histogram(plot::Drawing& drawing, const std::vector<PooledBin>& bins, Ink ink) {
  std::int64_t most = 1;
  for (const PooledBin& bin : bins) most = std::max(most, bin.bin.voxels);
  const plot::Range decades = plot::whole_decades({1, static_cast<double>(most)});
  const Scale scale = Scale::logarithmic({0.5, decades.high}, kHistogram.upwards());
  plot::axis_beside(drawing, kHistogram, scale, scale.ticks(4), {true, true, "voxels"});
  for (const PooledBin& bin : bins) {
    if (bin.bin.voxels == 0) continue;
    const double y = scale(static_cast<double>(bin.bin.voxels));
    const double x = across()(bin.bin.low);
    drawing.rectangle({x + 0.4, y}, across()(bin.bin.high) - x - 0.8, kHistogram.bottom - y, {ink, 0.7});
  }
  plot::axis_below(drawing, kHistogram, across(), across().ticks(6), {true, false, "probability"});
}

}  // namespace

plot::Drawing reliability_plot(const CohortReliability& reliability, const std::string& title,
                               const std::string& subtitle, Ink ink) {
  plot::Drawing drawing(kWidth, kHistogram.bottom + kBelow, title);
  draw_titles(drawing, title, subtitle);
  draw_key(drawing, ink, "all voxels of a bin", "95 % over cases");
  draw_square(drawing, false, "", "mean human response");
  draw_band(drawing, reliability.bins, ink);
  draw_bins(drawing, reliability.bins, ink);
  draw_histogram(drawing, reliability.bins, ink);
  return drawing;
}

plot::Drawing calibration_curve_plot(const Calibrator& calibrator, const std::optional<CurveBand>& band,
                                     const std::string& subtitle) {
  plot::Drawing drawing(kWidth, kSquare.bottom + kBelow, "Calibration curve");
  draw_titles(drawing, "Calibration curve", subtitle);
  draw_key(drawing, Ink::blue, "the curve", band ? "95 % over cases" : "no band");
  draw_square(drawing, true, "uncalibrated probability", "expected share of raters");
  if (band) {
    std::vector<Point> outline;
    for (std::size_t i = 0; i < band->x.size(); ++i) outline.push_back(place(band->x[i], band->low[i]));
    for (std::size_t i = band->x.size(); i > 0; --i) outline.push_back(place(band->x[i - 1], band->high[i - 1]));
    drawing.area(outline, {Ink::blue, 0.25});
  }
  std::vector<Point> curve{place(0, calibrator.y.front())};
  for (std::size_t i = 0; i < calibrator.x.size(); ++i) curve.push_back(place(calibrator.x[i], calibrator.y[i]));
  curve.push_back(place(1, calibrator.y.back()));
  drawing.curve(curve, {Ink::blue, 2});
  if (calibrator.support) {  // the fitted range, along the foot of the square
    const double low = across()(calibrator.support->first);
    drawing.rectangle({low, kSquare.bottom - 4}, std::max(across()(calibrator.support->second) - low, 1.0), 4,
                      {Ink::muted, 0.8});
  }
  return drawing;
}

}  // namespace twintrack

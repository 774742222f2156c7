// The plot of a training run, written as SVG text.
#include "twintrack/training/training_log.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace twintrack {
namespace {

constexpr double kLeft = 60, kTop = 40, kWidth = 640, kHeight = 320;
constexpr std::int64_t kTicks = 5;

struct Range {
  double low;
  double high;
};

using ValueOf = std::function<double(const EpochReport&)>;

struct Curve {
  const char* name;
  const char* colour;
  bool right;  // axis
  ValueOf value;
};

Range range_of(const std::vector<EpochReport>& epochs, const std::vector<Curve>& curves) {
  Range range{0, 0};
  bool begun = false;
  for (const Curve& curve : curves) {
    if (curve.right) continue;
    for (const EpochReport& epoch : epochs) {
      const double value = curve.value(epoch);
      if (!std::isfinite(value)) continue;
      range = begun ? Range{std::min(range.low, value), std::max(range.high, value)} : Range{value, value};
      begun = true;
    }
  }
  const double margin = std::max(0.05 * (range.high - range.low), 0.01);
  return {range.low - margin, range.high + margin};
}

double place_x(double epoch, double total) { return kLeft + kWidth * epoch / std::max(1.0, total); }
double place_y(double value, const Range& range) {
  return kTop + kHeight * (1 - (value - range.low) / (range.high - range.low));
}

std::string line_of(const std::vector<EpochReport>& epochs, const Curve& curve, const Range& range, double total) {
  std::vector<std::string> points;
  for (const EpochReport& epoch : epochs) {
    const double value = curve.value(epoch);
    if (!std::isfinite(value)) continue;
    points.push_back(
        fmt::format("{:.1f},{:.1f}", place_x(static_cast<double>(epoch.epoch) + 1, total), place_y(value, range)));
  }
  if (points.size() == 1) points.push_back(points.front());  // a dot: one point alone is not drawn
  return fmt::format(
      "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\" stroke-linecap=\"round\" points=\"{}\"/>\n",
      curve.colour, fmt::join(points, " "));
}

std::string text(double x, double y, const char* anchor, const std::string& words, const char* colour = "#333") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", x, y, anchor, colour,
                     words);
}

// As XML text, whatever bytes a folder's name is made of.
std::string escaped(const std::string& words) {
  const auto utf8 = Json::parse(to_text(Json(words))).get<std::string>();
  std::string result;
  for (const char c : utf8) {
    if (c == '<') {
      result += "&lt;";
    } else if (c == '&') {
      result += "&amp;";
    } else if (static_cast<unsigned char>(c) < ' ') {
      result += ' ';
    } else {
      result += c;
    }
  }
  return result;
}

std::string axes(const Range& loss, std::int64_t epochs) {
  std::string svg = fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#999\"/>\n",
                                kLeft, kTop, kWidth, kHeight);
  for (std::int64_t i = 0; i <= kTicks; ++i) {
    const double share = static_cast<double>(i) / kTicks;
    const double y = kTop + kHeight * (1 - share);
    svg += fmt::format("<line x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"#ddd\"/>\n", kLeft,
                       kLeft + kWidth, y, y);
    svg += text(kLeft - 6, y + 4, "end", fmt::format("{:.2f}", loss.low + share * (loss.high - loss.low)));
    svg += text(kLeft + kWidth + 6, y + 4, "start", fmt::format("{:.1f}", share));
  }
  const std::int64_t intervals = std::clamp<std::int64_t>(epochs, 1, kTicks);
  for (std::int64_t i = 0; i <= intervals; ++i) {
    const std::int64_t epoch = epochs * i / intervals;
    svg += text(place_x(static_cast<double>(epoch), static_cast<double>(epochs)), kTop + kHeight + 18, "middle",
                std::to_string(epoch));
  }
  return svg + text(kLeft + kWidth / 2, kTop + kHeight + 36, "middle", "epoch");
}

}  // namespace

std::string training_plot(const std::vector<EpochReport>& epochs, std::int64_t total_epochs, const std::string& title) {
  const std::vector<Curve> curves{
      {"training loss", "#1f77b4", false, [](const EpochReport& r) { return r.training_loss; }},
      {"validation loss", "#d62728", false, [](const EpochReport& r) { return r.validation_loss; }},
      {"pseudo-Dice (right)", "#98df8a", true, [](const EpochReport& r) { return r.mean_dice; }},
      {"moving average (right)", "#2ca02c", true, [](const EpochReport& r) { return r.smoothed_dice; }}};
  const auto total = static_cast<double>(total_epochs);
  const Range loss = range_of(epochs, curves);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
      kLeft * 2 + kWidth, kTop + kHeight + 50);
  svg += text(kLeft, 16, "start", escaped(title)) + axes(loss, total_epochs);
  double x = kLeft;
  for (const Curve& curve : curves) {
    svg += line_of(epochs, curve, curve.right ? Range{0, 1} : loss, total);
    svg += text(x, 33, "start", curve.name, curve.colour);
    x += 160;
  }
  return svg + "</svg>\n";
}

}  // namespace twintrack

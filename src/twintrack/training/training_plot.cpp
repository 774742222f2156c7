// The plot of a training run, written as SVG text.
#include "twintrack/plot/axes.hpp"
#include "twintrack/training/training_log.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace twintrack {
namespace {

using plot::Anchor;
using plot::Ink;
using plot::Scale;

constexpr plot::Frame kFrame{60, 50, 700, 370};
constexpr int kTicks = 6;

struct Curve {
  const char* name;
  Ink ink;
  double opacity;
  bool right;  // axis
  std::function<double(const EpochReport&)> value;
};

std::vector<double> values_of(const std::vector<EpochReport>& epochs, const std::vector<Curve>& curves) {
  std::vector<double> values;
  for (const Curve& curve : curves) {
    for (const EpochReport& epoch : epochs) {
      if (!curve.right) values.push_back(curve.value(epoch));
    }
  }
  return values;
}

void draw_curve(plot::Drawing& drawing, const std::vector<EpochReport>& epochs, const Curve& curve, const Scale& x,
                const Scale& y) {
  std::vector<plot::Point> points;
  for (const EpochReport& epoch : epochs) {
    const double value = curve.value(epoch);
    if (std::isfinite(value)) points.push_back({x(static_cast<double>(epoch.epoch) + 1), y(value)});
  }
  drawing.curve(points, {curve.ink, 1.5, curve.opacity});
}

// Whole epochs, the first and the last among them.
std::vector<plot::Tick> epoch_ticks(std::int64_t epochs) {
  const std::int64_t intervals = std::clamp<std::int64_t>(epochs, 1, kTicks - 1);
  std::vector<plot::Tick> ticks;
  for (std::int64_t i = 0; i <= intervals; ++i) {
    const auto epoch = static_cast<double>(epochs * i / intervals);
    ticks.push_back({epoch, plot::number_text(epoch, 0)});
  }
  return ticks;
}

}  // namespace

std::string training_plot(const std::vector<EpochReport>& epochs, std::int64_t total_epochs, const std::string& title) {
  const std::vector<Curve> curves{
      {"training loss", Ink::blue, 1, false, [](const EpochReport& r) { return r.training_loss; }},
      {"validation loss", Ink::orange, 1, false, [](const EpochReport& r) { return r.validation_loss; }},
      {"pseudo-Dice (right)", Ink::green, 0.4, true, [](const EpochReport& r) { return r.mean_dice; }},
      {"moving average (right)", Ink::green, 1, true, [](const EpochReport& r) { return r.smoothed_dice; }}};
  const plot::Range losses = plot::range_of(values_of(epochs, curves)).value_or(plot::Range{});
  const Scale x = Scale::linear({0, static_cast<double>(std::max<std::int64_t>(total_epochs, 1))}, kFrame.across());
  const Scale loss = Scale::linear(plot::whole_steps(losses, kTicks - 1), kFrame.upwards());
  const Scale dice = Scale::linear({0, 1}, kFrame.upwards());

  plot::Drawing drawing(760, 412, title);
  drawing.text({kFrame.left, 16}, title, {Anchor::start, Ink::text, 13, true});
  plot::axis_below(drawing, kFrame, x, epoch_ticks(total_epochs), {true, false, "epoch"});
  plot::axis_beside(drawing, kFrame, loss, loss.ticks(kTicks), {true, true, "loss"});
  plot::axis_beside(drawing, kFrame, dice, dice.ticks(kTicks), {true, false, "pseudo-Dice"}, plot::Side::right);
  double left = kFrame.left;
  for (const Curve& curve : curves) {
    draw_curve(drawing, epochs, curve, x, curve.right ? dice : loss);
    drawing.line({left, 34}, {left + 16, 34}, {curve.ink, 2, curve.opacity});
    drawing.text({left + 21, 38}, curve.name);
    left += 160;
  }
  return drawing.file();
}

}  // namespace twintrack

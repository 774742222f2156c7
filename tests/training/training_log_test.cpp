// What a training says of itself: training.json, nnU-Net's logging, the plot.
#include "twintrack/training/training_log.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/error_message.hpp"
#include "support/svg.hpp"
#include "twintrack/plot/scale.hpp"

namespace twintrack {
namespace {

using test::error_message;
using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

EpochReport report_of(std::int64_t epoch) {
  const auto t = static_cast<double>(epoch);
  return {epoch,
          0.01 / (t + 1),
          1.5 - t / 10,
          1.6 - t / 10,
          {0.1 + t / 10, kNaN, 1.0 / 3},
          0.25 + t / 100,
          0.2 + t / 100,
          12.5,
          3.25,
          0.5,
          4.25,
          6.125,
          1.625,
          1'700'000'000 + epoch};
}

EpochReport all_nan() {
  EpochReport report = report_of(3);
  report.training_loss = report.validation_loss = report.mean_dice = report.smoothed_dice = kNaN;
  report.dice = {kNaN, kNaN};
  return report;
}

void expect_same(double a, double b) { EXPECT_TRUE(a == b || (std::isnan(a) && std::isnan(b))) << a << " " << b; }

void expect_equal(const EpochReport& a, const EpochReport& b) {
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.end_time, b.end_time);
  for (const auto member :
       {&EpochReport::learning_rate, &EpochReport::training_loss, &EpochReport::validation_loss,
        &EpochReport::mean_dice, &EpochReport::smoothed_dice, &EpochReport::seconds, &EpochReport::patches_per_second,
        &EpochReport::loading_seconds, &EpochReport::forward_seconds, &EpochReport::backward_seconds,
        &EpochReport::validation_seconds}) {
    expect_same(a.*member, b.*member);
  }
  ASSERT_EQ(a.dice.size(), b.dice.size());
  for (std::size_t c = 0; c < a.dice.size(); ++c) expect_same(a.dice[c], b.dice[c]);
}

TEST(TrainingLog, IsReadAsItWasWritten) {
  for (const EpochReport& report : {report_of(0), report_of(7), all_nan()}) {
    const Json json = parse_json(to_text(to_json(report)), "training.json");
    expect_equal(parse_epoch(JsonView(json, "training.json")), report);
  }
}

TEST(TrainingLog, WhatIsMissingOrWrongIsNamed) {
  const Json good = to_json(report_of(0));
  for (const auto& [key, value] : good.items()) {
    Json json = good;
    json.erase(key);
    EXPECT_THAT(error_message([&] { parse_epoch(JsonView(json, "training.json", "epochs[0]")); }),
                testing::AllOf(HasSubstr("training.json"), HasSubstr("epochs[0]"), HasSubstr(key)));
    json[key] = "many";
    EXPECT_THAT(error_message([&] { parse_epoch(JsonView(json, "training.json")); }), HasSubstr(key));
  }
  Json negative = good;
  negative["epoch"] = -1;
  EXPECT_THAT(error_message([&] { parse_epoch(JsonView(negative, "training.json")); }), HasSubstr("epoch"));
}

TEST(TrainingLog, NnunetsLoggingHasAListPerFigureAndAnEntryPerEpoch) {
  const std::vector<EpochReport> epochs{report_of(0), report_of(1), all_nan()};
  const Json logging = nnunet_logging(epochs);
  std::vector<std::string> names;
  for (const auto& [name, list] : logging.items()) {
    names.push_back(name);
    EXPECT_EQ(list.size(), 3u) << name;
  }
  // nnUNetLogger.my_fantastic_logging of nnU-Net 2.3 to 2.8.
  EXPECT_THAT(names,
              testing::UnorderedElementsAre("mean_fg_dice", "ema_fg_dice", "dice_per_class_or_region", "train_losses",
                                            "val_losses", "lrs", "epoch_start_timestamps", "epoch_end_timestamps"));
  EXPECT_EQ(logging["train_losses"][1], report_of(1).training_loss);
  EXPECT_EQ(logging["val_losses"][0], report_of(0).validation_loss);
  EXPECT_EQ(logging["lrs"][1], 0.005);
  EXPECT_EQ(logging["ema_fg_dice"][0], report_of(0).smoothed_dice);
  EXPECT_EQ(logging["mean_fg_dice"][0], report_of(0).mean_dice);
  EXPECT_EQ(logging["dice_per_class_or_region"][0], (Json{0.1, nullptr, 1.0 / 3}));
  EXPECT_EQ(logging["epoch_end_timestamps"][1], 1'700'000'001.0);
  EXPECT_EQ(logging["epoch_start_timestamps"][1], 1'700'000'001.0 - 12.5);
  EXPECT_TRUE(logging["train_losses"][2].is_null());
  EXPECT_TRUE(logging["mean_fg_dice"][2].is_null());
}

void expect_a_plot(const std::string& svg) {
  EXPECT_EQ(test::svg_elements(svg).front().name, "svg");
  for (const double number : test::svg_coordinates(svg)) EXPECT_TRUE(number >= 0 && number <= 1000) << number;
}

TEST(TrainingPlot, IsWellFormedForAnyTraining) {
  std::vector<EpochReport> epochs;
  for (int epoch = 0; epoch < 12; ++epoch) epochs.push_back(report_of(epoch));
  expect_a_plot(training_plot(epochs, 1000, "Dataset001, 3d_fullres, fold_0"));
  expect_a_plot(training_plot(epochs, 12, "Dataset001, 3d_fullres, fold_0"));
  epochs[4].training_loss = kNaN;
  epochs[5].mean_dice = std::numeric_limits<double>::infinity();
  expect_a_plot(training_plot(epochs, 12, ""));
  expect_a_plot(training_plot({all_nan()}, 4, "nothing to draw"));
  expect_a_plot(training_plot({}, 1, "nothing yet"));
}

TEST(TrainingPlot, OneEpochIsADot) {
  const std::string svg = training_plot({report_of(0)}, 1, "one");
  expect_a_plot(svg);
  const std::vector<test::SvgElement> curves = test::svg_elements(svg, "polyline");
  ASSERT_EQ(curves.size(), 4u);
  for (const test::SvgElement& curve : curves) {
    const std::string points = curve.attributes.at("points");
    EXPECT_EQ(points.substr(0, points.find(' ')), points.substr(points.find(' ') + 1));
    EXPECT_EQ(curve.attributes.at("stroke-linecap"), "round");
  }
}

TEST(TrainingPlot, ItsTicksAreWholeEpochs) {
  for (const std::int64_t total : {1, 2, 3, 5, 7, 1000}) {
    const std::string svg = training_plot({report_of(0)}, total, "");
    EXPECT_THAT(svg, HasSubstr(">0</text>"));
    EXPECT_THAT(svg, HasSubstr(">" + plot::number_text(static_cast<double>(total), 0) + "</text>"));
  }
}

TEST(TrainingPlot, TitlesOfAnyBytesAreText) {
  const std::string svg = training_plot({report_of(0)}, 2, "<b>&\"quoted\" \x01 \xff \xc3\xa4");
  expect_a_plot(svg);
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;&amp;&quot;quoted&quot;"));
  EXPECT_THAT(svg, HasSubstr("\xc3\xa4"));
  EXPECT_THAT(svg, Not(HasSubstr("\xff")));
  EXPECT_THAT(svg, Not(HasSubstr("\x01")));
}

}  // namespace
}  // namespace twintrack

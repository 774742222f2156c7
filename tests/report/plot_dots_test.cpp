// A dot for each row: where it is, and what becomes of too many rows or none.
#include "twintrack/report/plot_dots.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/svg.hpp"

namespace twintrack {
namespace {

using test::svg_coordinates;
using test::svg_elements;
using test::SvgElement;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string checked(const DotPlot& spec) {
  const plot::Drawing drawing = dot_plot(spec);
  const std::string svg = drawing.file();
  for (const double number : svg_coordinates(svg)) {
    EXPECT_TRUE(std::isfinite(number));
    EXPECT_GE(number, -1);
    EXPECT_LE(number, std::max(drawing.width(), drawing.height()) + 1);
  }
  return svg;
}

DotPlot of_values(const std::vector<double>& values) {
  DotPlot spec;
  spec.title = "TDSC";
  for (const double value : values) spec.rows.push_back({fmt::format("case_{}", spec.rows.size()), value, {}, {}, "x"});
  return spec;
}

std::vector<double> dots(const std::string& svg, const char* coordinate = "cx") {
  std::vector<double> places;
  for (const SvgElement& dot : svg_elements(svg, "circle")) places.push_back(dot.number(coordinate));
  return places;
}

std::vector<std::string> texts(const std::string& svg) {
  std::vector<std::string> words;
  for (const SvgElement& text : svg_elements(svg, "text")) words.push_back(text.text);
  return words;
}

TEST(DotPlot, DotsLieWhereTheAxisSays) {
  const std::string svg = checked(of_values({0.2, 0.5, 0.35}));
  const std::vector<double> x = dots(svg);
  ASSERT_EQ(x.size(), 3u);
  EXPECT_NEAR((x[2] - x[0]) / (x[1] - x[0]), 0.5, 1e-3);
  // The tick of 0.2 is at the dot of 0.2.
  const std::vector<SvgElement> all = svg_elements(svg, "text");
  const auto tick = std::ranges::find(all, "0.2", &SvgElement::text);
  ASSERT_NE(tick, all.end());
  EXPECT_NEAR(tick->number("x"), x[0], 0.011);
  const std::vector<double> y = dots(svg, "cy");
  EXPECT_TRUE(y[0] < y[1] && y[1] < y[2]);  // from top to bottom
}

TEST(DotPlot, ALogarithmicAxisIsTakenWhereItIsAllowedAndOfUse) {
  DotPlot spec = of_values({1, 10, 100});
  std::vector<double> x = dots(checked(spec));
  EXPECT_NEAR((x[1] - x[0]) / (x[2] - x[0]), 9.0 / 99, 1e-3);
  spec.may_be_logarithmic = true;
  x = dots(checked(spec));
  EXPECT_NEAR((x[1] - x[0]) / (x[2] - x[0]), 0.5, 1e-3);
  spec.rows[0].value = 0;  // no logarithm
  x = dots(checked(spec));
  EXPECT_NEAR((x[1] - x[0]) / (x[2] - x[0]), 0.1, 1e-3);
}

TEST(DotPlot, TheMeanAndItsIntervalAreDrawnToScale) {
  DotPlot spec = of_values({0, 1});
  spec.mean = Estimate{0.5, 0.25, 0.75, 2};
  const std::string svg = checked(spec);
  const std::vector<double> x = dots(svg);
  const SvgElement band = svg_elements(svg, "rect").back();
  EXPECT_NEAR(band.number("x"), x[0] + 0.25 * (x[1] - x[0]), 0.011);
  EXPECT_NEAR(band.number("width"), 0.5 * (x[1] - x[0]), 0.011);
  spec.mean = Estimate{kNaN, kNaN, kNaN, 0};
  EXPECT_EQ(svg_elements(checked(spec), "rect").size(), 1u);  // the ground
}

TEST(DotPlot, SpreadsAndOtherValuesArePartOfTheRange) {
  DotPlot spec = of_values({5});
  spec.rows[0].spread = plot::Range{-40, 90};
  spec.rows[0].others = {-40, 20, 90, kNaN};
  EXPECT_THAT(texts(checked(spec)), Contains("100"));
  spec.rows[0].spread = plot::Range{kNaN, kInfinity};
  checked(spec);
}

TEST(DotPlot, WhatHasNoValueIsLeftOut) {
  EXPECT_EQ(dots(checked(of_values({kNaN, 0.4, kInfinity, 0.6}))).size(), 2u);
  EXPECT_THAT(texts(checked(of_values({kNaN}))), Contains("no values"));
  EXPECT_THAT(texts(checked(of_values({}))), Contains("no values"));
  EXPECT_THAT(texts(checked(of_values({0.3, 0.3}))), Not(Contains("no values")));
}

TEST(DotPlot, ManyRowsLoseTheirNamesAndVeryManyBecomeACurve) {
  const auto rows = [](std::size_t count) {
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i));
    return of_values(values);
  };
  EXPECT_THAT(texts(checked(rows(80))), Contains("case_79"));
  EXPECT_THAT(texts(checked(rows(81))), Not(Contains("case_80")));
  EXPECT_EQ(dots(checked(rows(500))).size(), 500u);
  const std::string many = checked(rows(20'000));
  EXPECT_TRUE(dots(many).empty());
  EXPECT_EQ(svg_elements(many, "polyline").size(), 1u);
  EXPECT_LT(many.size(), 500'000u);
  EXPECT_LT(dot_plot(rows(20'000)).height(), 1000);
}

TEST(DotPlot, NamesOfAnyBytesAndLengthAreText) {
  DotPlot spec = of_values({1, 2});
  spec.title = "<TDSC> & \"more\"";
  spec.rows[0].label = "<script>alert(1)</script>";
  spec.rows[1].label = std::string(1000, 'W') + "\xff";
  spec.rows[1].tooltip = "\xff\x01<&";
  const std::string svg = checked(spec);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_LT(svg.size(), 5000u);
}

}  // namespace
}  // namespace twintrack

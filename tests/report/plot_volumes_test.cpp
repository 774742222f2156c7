// Expected volumes against the raters'.
#include "twintrack/report/plot_volumes.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "support/svg.hpp"

namespace twintrack {
namespace {

using test::svg_coordinates;
using test::svg_elements;
using test::SvgElement;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string checked(const std::vector<CaseVolumes>& cases) {
  const plot::Drawing drawing = volume_plot(cases, "");
  for (const double number : svg_coordinates(drawing.file()))
    EXPECT_TRUE(number >= -1 && number <= drawing.height() + 1) << number;
  return drawing.file();
}

// Signed distance to the diagonal of the square, upwards.
double above_diagonal(const SvgElement& dot) {
  const double across = dot.number("cx") - 60;
  return (390 - dot.number("cy")) - across;
}

TEST(VolumePlot, DotsLieOnTheDiagonalWhereVolumesAgree) {
  for (const double largest : {12.0, 500.0}) {  // linear, logarithmic
    const std::vector<SvgElement> dots = svg_elements(
        checked({{"a", 10, {9, 11}}, {"b", largest, {largest}}, {"over", 11, {9, 10}}, {"under", 5, {6, 7, 8}}}),
        "circle");
    ASSERT_EQ(dots.size(), 4u);
    EXPECT_NEAR(above_diagonal(dots[0]), 0, 0.02);
    EXPECT_NEAR(above_diagonal(dots[1]), 0, 0.02);
    EXPECT_GT(above_diagonal(dots[2]), 1);
    EXPECT_LT(above_diagonal(dots[3]), -1);
  }
}

TEST(VolumePlot, NamesThoseFurthestFromTheDiagonalAndNeverOneOverAnother) {
  std::vector<CaseVolumes> cases{{"far <over>", 30, {10}}, {"far under", 2, {18}}};
  for (int i = 0; i < 40; ++i) cases.push_back({"near", 20, {20}});
  const std::string svg = checked(cases);
  EXPECT_THAT(svg, testing::HasSubstr(">far &lt;over&gt;</text>"));
  EXPECT_THAT(svg, testing::HasSubstr(">far under</text>"));
  std::vector<CaseVolumes> same(20, CaseVolumes{"the same", 5, {10}});
  int named = 0;
  for (const SvgElement& text : svg_elements(checked(same), "text")) named += text.text == "the same" ? 1 : 0;
  EXPECT_LE(named, 3);
  EXPECT_GE(named, 1);
}

TEST(VolumePlot, WhatCannotBePlacedIsLeftOut) {
  EXPECT_TRUE(svg_elements(checked({}), "circle").empty());
  EXPECT_TRUE(svg_elements(checked({{"no raters", 3, {}}, {"none", kNaN, {1, 2}}}), "circle").empty());
  EXPECT_EQ(svg_elements(checked({{"empty", 0, {0, 0}}}), "circle").size(), 1u);
  EXPECT_EQ(svg_elements(checked({{"huge", 1e300, {1, 1e308}}, {"tiny", 1e-300, {1e-308}}}), "circle").size(), 2u);
}

}  // namespace
}  // namespace twintrack

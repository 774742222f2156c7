// Reliability diagrams and calibration curves: marks are where the data are.
#include "twintrack/report/plot_reliability.hpp"

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

// The diagonal tells where the square is.
struct Square {
  double left, bottom, right, top;
  double x(double value) const { return left + value * (right - left); }
  double y(double value) const { return bottom + value * (top - bottom); }
};
Square square_of(const std::string& svg) {
  for (const SvgElement& line : svg_elements(svg, "line")) {
    if (line.number("x1") != line.number("x2") && line.number("y1") != line.number("y2"))
      return {line.number("x1"), line.number("y1"), line.number("x2"), line.number("y2")};
  }
  throw std::runtime_error("no diagonal");
}

PooledBin bin(int number, std::int64_t voxels, std::int64_t cases, double probability, double response) {
  PooledBin pooled;
  pooled.bin = {number / 50.0, (number + 1) / 50.0, voxels, probability, response};
  pooled.cases = cases;
  pooled.response_low = cases >= 2 ? response - 0.05 : kNaN;
  pooled.response_high = cases >= 2 ? response + 0.05 : kNaN;
  return pooled;
}

std::string checked(const plot::Drawing& drawing) {
  for (const double number : svg_coordinates(drawing.file())) {
    EXPECT_TRUE(number >= -1 && number <= std::max(drawing.width(), drawing.height())) << number;
  }
  return drawing.file();
}

std::string diagram(const CohortReliability& reliability) {
  return checked(reliability_plot(reliability, "Before <calibration>", "error 0.1 & more", plot::Ink::orange));
}

TEST(ReliabilityPlot, DotsLieAtMeanProbabilityAndMeanResponse) {
  const CohortReliability cohort{
      {bin(0, 1000, 5, 0.01, 0.05), bin(1, 10, 2, 0.03, 0.2), bin(2, 0, 0, kNaN, kNaN), bin(30, 1, 1, 0.61, 0.4)}, 0.1};
  const std::string svg = diagram(cohort);
  const Square square = square_of(svg);
  const std::vector<SvgElement> dots = svg_elements(svg, "circle");
  ASSERT_EQ(dots.size(), 3u);
  for (const auto& [dot, place] :
       {std::pair{dots[0], std::pair{0.01, 0.05}}, {dots[1], {0.03, 0.2}}, {dots[2], {0.61, 0.4}}}) {
    EXPECT_NEAR(dot.number("cx"), square.x(place.first), 0.006);
    EXPECT_NEAR(dot.number("cy"), square.y(place.second), 0.006);
  }
  EXPECT_EQ(dots[0].attributes.at("fill"), "#d55e00");
  EXPECT_EQ(dots[2].attributes.at("fill"), "#ffffff");  // of one case: hollow
}

TEST(ReliabilityPlot, TheBandGoesAroundNeighbouringBins) {
  const CohortReliability cohort{
      {bin(0, 100, 5, 0.01, 0.1), bin(1, 100, 5, 0.03, 0.2), bin(2, 5, 1, 0.05, 0.3), bin(3, 100, 5, 0.07, 0.4)}, 0.1};
  const std::string svg = diagram(cohort);
  const Square square = square_of(svg);
  const std::vector<SvgElement> areas = svg_elements(svg, "polygon");
  ASSERT_EQ(areas.size(), 1u);  // the last bin stands alone: a bar
  const std::string points = areas[0].attributes.at("points");
  double x = 0;
  double y = 0;
  ASSERT_EQ(std::sscanf(points.c_str(), "%lf,%lf", &x, &y), 2);
  EXPECT_NEAR(x, square.x(0.01), 0.006);
  EXPECT_NEAR(y, square.y(0.05), 0.006);
  EXPECT_EQ(std::ranges::count(points, ','), 4);
}

TEST(ReliabilityPlot, BarsGrowWithTheLogarithmOfVoxels) {
  const CohortReliability cohort{{bin(0, 1000, 5, 0.01, 0.1), bin(1, 10, 5, 0.03, 0.2), bin(2, 1, 5, 0.05, 0.3)}, 0.1};
  const std::string svg = diagram(cohort);
  std::vector<double> heights;
  for (const SvgElement& bar : svg_elements(svg, "rect")) {
    if (bar.attributes.contains("fill-opacity") && bar.attributes.at("fill-opacity") == "0.7")
      heights.push_back(bar.number("height"));
  }
  ASSERT_EQ(heights.size(), 3u);
  EXPECT_GT(heights[2], 0);  // one voxel is seen
  EXPECT_NEAR((heights[0] - heights[1]) / (heights[1] - heights[2]), 2, 0.01);
}

TEST(ReliabilityPlot, OfNothingIsAnEmptyDiagram) {
  EXPECT_TRUE(svg_elements(diagram({}), "circle").empty());
  EXPECT_TRUE(svg_elements(diagram({{bin(0, 0, 0, kNaN, kNaN)}, kNaN}), "circle").empty());
}

TEST(CalibrationCurvePlot, GoesThroughTheKnotsAndIsConstantOutside) {
  const Calibrator calibrator{"mhr", {0.2F, 0.5F}, {0.1F, 0.75F}, std::pair{0.2F, 0.5F}, {}};
  const CurveBand band{{0, 0.5, 1}, {0, 0.6, 0.6}, {0.2, 0.8, 0.9}, 100, 0};
  const std::string svg = checked(calibration_curve_plot(calibrator, band, "target mhr"));
  const Square square = square_of(svg);
  const std::string points = svg_elements(svg, "polyline").front().attributes.at("points");
  const std::array<std::pair<double, double>, 4> expected{{{0, 0.1}, {0.2, 0.1}, {0.5, 0.75}, {1, 0.75}}};
  std::array<double, 8> found{};
  ASSERT_EQ(std::sscanf(points.c_str(), "%lf,%lf %lf,%lf %lf,%lf %lf,%lf", &found[0], &found[1], &found[2], &found[3],
                        &found[4], &found[5], &found[6], &found[7]),
            8);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(found[2 * i], square.x(expected[i].first), 0.006);
    EXPECT_NEAR(found[2 * i + 1], square.y(expected[i].second), 0.006);
  }
  EXPECT_EQ(svg_elements(svg, "polygon").size(), 1u);
}

TEST(CalibrationCurvePlot, OfTheCurveAloneHasNeitherBandNorSupport) {
  const Calibrator constant{"majority", {0.5F}, {0.3F}, {}, {}};
  const std::string svg = checked(calibration_curve_plot(constant, std::nullopt, ""));
  EXPECT_TRUE(svg_elements(svg, "polygon").empty());
  EXPECT_EQ(svg_elements(svg, "polyline").size(), 1u);
}

}  // namespace
}  // namespace twintrack

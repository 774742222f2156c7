// Marks in, SVG out.
#include "twintrack/plot/drawing.hpp"

#include <gmock/gmock.h>

#include <array>
#include <set>

#include "support/svg.hpp"
#include "twintrack/plot/axes.hpp"

namespace twintrack::plot {
namespace {

using test::svg_elements;
using test::SvgElement;
using testing::HasSubstr;
using testing::Not;

const std::string kHostile = "<b>&\"quoted\" 'x' \x01 \xff \u00e4 ]]> --";

Drawing all_marks() {
  Drawing drawing(200, 100, kHostile);
  drawing.line({1, 2}, {3, 4.5}, {Ink::grid, 1, 0.5, "4 3"});
  const std::array<Point, 3> points{{{0, 0}, {10, 5.25}, {20, 1e-9}}};
  drawing.curve(points, {Ink::blue, 2});
  drawing.area(points, {Ink::orange, 0.25});
  drawing.rectangle({5, 6}, 7, 8, {Ink::muted});
  drawing.dot({50, 60}, 4, Ink::green, false, kHostile);
  drawing.dot({51, 61}, 3, Ink::green, true);
  drawing.text({9, 10}, kHostile, {Anchor::end, Ink::text, 11, true, true});
  return drawing;
}

TEST(Drawing, IsWellFormedWhateverItsTextsAre) {
  for (const std::string& svg : {all_marks().element(), all_marks().file()}) {
    const std::vector<SvgElement> elements = svg_elements(svg);
    EXPECT_EQ(elements.front().name, "svg");
    EXPECT_EQ(elements.front().attributes.at("viewBox"), "0 0 200 100");
    EXPECT_THAT(svg, HasSubstr("&lt;b&gt;&amp;&quot;quoted&quot; &#39;x&#39; \uFFFD \uFFFD \u00e4 ]]&gt; --"));
    EXPECT_THAT(svg, Not(HasSubstr("\xff ")));
  }
}

TEST(Drawing, MarksStandWhereTheyWerePut) {
  const std::string svg = all_marks().file();
  const SvgElement line = svg_elements(svg, "line").front();
  EXPECT_EQ(line.number("x1"), 1);
  EXPECT_EQ(line.number("y1"), 2);
  EXPECT_EQ(line.number("x2"), 3);
  EXPECT_EQ(line.number("y2"), 4.5);
  EXPECT_EQ(line.attributes.at("stroke-dasharray"), "4 3");
  EXPECT_EQ(svg_elements(svg, "polyline").front().attributes.at("points"), "0,0 10,5.25 20,0");
  EXPECT_EQ(svg_elements(svg, "polygon").front().attributes.at("points"), "0,0 10,5.25 20,0");
  const std::vector<SvgElement> dots = svg_elements(svg, "circle");
  ASSERT_EQ(dots.size(), 2u);
  EXPECT_EQ(dots[0].number("cx"), 50);
  EXPECT_EQ(dots[0].number("cy"), 60);
  EXPECT_EQ(dots[1].attributes.at("fill"), "#ffffff");  // hollow
  const SvgElement text = svg_elements(svg, "text").front();
  EXPECT_EQ(text.attributes.at("text-anchor"), "end");
  EXPECT_EQ(text.attributes.at("transform"), "rotate(-90 9 10)");
}

TEST(Drawing, ACurveOfOnePointIsADotAndOfNoneIsNothing) {
  Drawing drawing(10, 10, "");
  drawing.curve({}, {Ink::blue});
  EXPECT_TRUE(svg_elements(drawing.file(), "polyline").empty());
  const std::array<Point, 1> one{{{3, 4}}};
  drawing.curve(one, {Ink::blue});
  const SvgElement curve = svg_elements(drawing.file(), "polyline").front();
  EXPECT_EQ(curve.attributes.at("points"), "3,4 3,4");
  EXPECT_EQ(curve.attributes.at("stroke-linecap"), "round");
}

TEST(Drawing, AFileHasItsSizeAndAWhiteGroundAndAnElementFollowsThePage) {
  const Drawing drawing(200, 100, "title");
  const std::vector<SvgElement> file = svg_elements(drawing.file());
  EXPECT_EQ(file[0].number("width"), 200);
  EXPECT_EQ(file[0].number("height"), 100);
  EXPECT_EQ(file[1].name, "title");
  EXPECT_EQ(file[1].text, "title");
  EXPECT_EQ(file[2].attributes.at("fill"), "#ffffff");
  const std::vector<SvgElement> element = svg_elements(drawing.element());
  EXPECT_EQ(element[0].attributes.at("class"), "plot");
  EXPECT_EQ(element[0].attributes.at("aria-label"), "title");
  EXPECT_FALSE(element[0].attributes.contains("width"));
  for (const char* const property : {"--ink", "--muted", "--line", "--surface"})
    EXPECT_THAT(plot_style(), HasSubstr(property));
}

TEST(Axes, PutNumbersAndLinesAtTheTicksPlaces) {
  const Frame frame{50, 10, 250, 110};
  const Scale scale = Scale::linear({0, 10}, frame.across());
  Drawing drawing(300, 150, "");
  axis_below(drawing, frame, scale, scale.ticks(3), {true, true, "across"});
  const std::vector<SvgElement> texts = svg_elements(drawing.file(), "text");
  ASSERT_EQ(texts.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(texts[i].number("x"), 50 + 100 * static_cast<double>(i));
    EXPECT_EQ(texts[i].text, std::to_string(5 * i));
  }
  EXPECT_EQ(texts[3].text, "across");
  EXPECT_EQ(svg_elements(drawing.file(), "line").size(), 4u);

  Drawing beside(300, 150, "");
  const Scale upwards = Scale::linear({0, 10}, frame.upwards());
  axis_beside(beside, frame, upwards, upwards.ticks(3), {true, false, ""}, Side::right);
  const std::vector<SvgElement> numbers = svg_elements(beside.file(), "text");
  ASSERT_EQ(numbers.size(), 3u);
  EXPECT_GT(numbers[0].number("x"), frame.right);
  EXPECT_EQ(numbers[0].number("y"), frame.bottom + 4);
  EXPECT_EQ(numbers[2].number("y"), frame.top + 4);
  EXPECT_EQ(svg_elements(beside.file(), "line").size(), 1u);  // no grid
}

}  // namespace
}  // namespace twintrack::plot

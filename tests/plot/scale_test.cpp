// Where data lie on a drawing, and the numbers of its axes.
#include "twintrack/plot/scale.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <random>

namespace twintrack::plot {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargest = std::numeric_limits<double>::max();

std::vector<std::string> labels(const Scale& scale, int most) {
  std::vector<std::string> labels;
  for (const Tick& tick : scale.ticks(most)) labels.push_back(tick.label);
  return labels;
}

TEST(Scale, IsTheStraightLineBetweenItsEnds) {
  const Scale scale = Scale::linear({10, 30}, {100, 500});
  EXPECT_DOUBLE_EQ(scale(10), 100);
  EXPECT_DOUBLE_EQ(scale(15), 200);
  EXPECT_DOUBLE_EQ(scale(30), 500);
  EXPECT_DOUBLE_EQ(scale(40), 700);
  const Scale upwards = Scale::linear({0, 1}, {400, 0});
  EXPECT_DOUBLE_EQ(upwards(0.25), 300);
}

TEST(Scale, OfLogarithmsGivesEveryDecadeTheSameRoom) {
  const Scale scale = Scale::logarithmic({1, 1000}, {0, 300});
  EXPECT_NEAR(scale(1), 0, 1e-9);
  EXPECT_NEAR(scale(10), 100, 1e-9);
  EXPECT_NEAR(scale(1000), 300, 1e-9);
  EXPECT_NEAR(scale(std::sqrt(10.0)), 50, 1e-9);
}

TEST(Scale, OfTheLargestNumbersStaysFinite) {
  const Scale scale = Scale::linear({-kLargest, kLargest}, {0, 100});
  EXPECT_DOUBLE_EQ(scale(0), 50);
  EXPECT_DOUBLE_EQ(scale(kLargest), 100);
  for (const Tick& tick : scale.ticks(6)) EXPECT_TRUE(std::isfinite(tick.value));
}

TEST(Ticks, AreRoundNumbersWithAsManyDecimalsAsTheyNeed) {
  EXPECT_THAT(labels(Scale::linear({0, 1}, {0, 1}), 6), ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(labels(Scale::linear({0, 1}, {0, 1}), 3), ElementsAre("0.0", "0.5", "1.0"));
  EXPECT_THAT(labels(Scale::linear({0.001, 0.004}, {0, 1}), 4), ElementsAre("0.001", "0.002", "0.003", "0.004"));
  EXPECT_THAT(labels(Scale::linear({0, 40000}, {0, 1}), 5),
              ElementsAre("0", "10\u2009000", "20\u2009000", "30\u2009000", "40\u2009000"));
  EXPECT_THAT(labels(Scale::linear({-10, 10}, {0, 1}), 5), ElementsAre("\u221210", "\u22125", "0", "5", "10"));
}

TEST(Ticks, OfLogarithmsArePowersOfTenAndWhereThereIsRoomTheirDoublesAndFives) {
  EXPECT_THAT(labels(Scale::logarithmic({1, 100}, {0, 1}), 7), ElementsAre("1", "2", "5", "10", "20", "50", "100"));
  EXPECT_THAT(labels(Scale::logarithmic({1, 1000}, {0, 1}), 5), ElementsAre("1", "10", "100", "1\u2009000"));
  EXPECT_THAT(labels(Scale::logarithmic({1, 1e6}, {0, 1}), 4),
              ElementsAre("10\u2070", "10\u00b2", "10\u2074", "10\u2076"));
  EXPECT_THAT(labels(Scale::logarithmic({0.01, 1}, {0, 1}), 3), ElementsAre("0.01", "0.1", "1"));
  EXPECT_THAT(labels(Scale::logarithmic({2e-5, 5e-5}, {0, 1}), 3),
              ElementsAre("2\u00d710\u207b\u2075", "5\u00d710\u207b\u2075"));
}

// Steps of 1, 2 or 5 times a power of ten, evenly spread, within the range, not too many, and no finer step would do.
TEST(Ticks, OfAnyRangeKeepTheirPromise) {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int round = 0; round < 2000; ++round) {
    const double width = std::pow(10, 12 * uniform(generator) - 6);
    const double low = (uniform(generator) - 0.5) * 10 * width;
    const int most = 2 + static_cast<int>(8 * uniform(generator));
    const std::vector<Tick> ticks = Scale::linear({low, low + width}, {0, 1}).ticks(most);
    ASSERT_LE(std::ssize(ticks), most);
    ASSERT_GE(std::ssize(ticks), most >= 4 ? 2 : 0) << low << " " << width << " " << most;
    for (std::size_t i = 0; i < ticks.size(); ++i) {
      EXPECT_GE(ticks[i].value, low - 1e-6 * width);
      EXPECT_LE(ticks[i].value, low + width + 1e-6 * width);
      if (i + 1 == ticks.size()) break;
      const double step = ticks[i + 1].value - ticks[i].value;
      const double factor = step / std::pow(10, std::floor(std::log10(step) + 1e-6));
      EXPECT_TRUE(std::abs(factor - 1) < 1e-3 || std::abs(factor - 2) < 1e-3 || std::abs(factor - 5) < 1e-3) << step;
      EXPECT_NE(ticks[i].label, ticks[i + 1].label);
    }
  }
}

TEST(Ranges, HoldTheFiniteValues) {
  const std::vector<double> values{3, kNaN, -1, kInfinity, 2};
  EXPECT_EQ(range_of(values), (Range{-1, 3}));
  EXPECT_EQ(range_of(std::vector<double>{kNaN, -kInfinity}), std::nullopt);
  EXPECT_EQ(range_of({}), std::nullopt);
}

TEST(Ranges, GrowToWholeSteps) {
  EXPECT_EQ(whole_steps({0.12, 0.87}, 5), (Range{0, 1}));
  EXPECT_EQ(whole_steps({0, 1}, 5), (Range{0, 1}));
  const Range odd = whole_steps({102, 397}, 5);
  EXPECT_THAT(odd.low, DoubleEq(100));
  EXPECT_THAT(odd.high, DoubleEq(400));
}

TEST(Ranges, OfOneValueGetRoomOnBothSides) {
  for (const double value : {0.0, 0.7, -3.0, 1e300, 1e-300, kLargest}) {
    const Range range = whole_steps({value, value}, 5);
    EXPECT_LT(range.low, range.high) << value;
    EXPECT_LE(range.low, value);
    EXPECT_GE(range.high, value);
    EXPECT_TRUE(std::isfinite(range.low) && std::isfinite(range.high)) << value;
  }
}

TEST(Ranges, NeverShrinkAndHaveAtMostTheStepsAskedFor) {
  std::mt19937_64 generator(2);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int round = 0; round < 2000; ++round) {
    const double width = std::pow(10, 12 * uniform(generator) - 6);
    const Range data{(uniform(generator) - 0.5) * 10 * width, 0};
    const Range range = whole_steps({data.low, data.low + width}, 5);
    EXPECT_LE(range.low, data.low + 1e-6 * width);
    EXPECT_GE(range.high, data.low + width - 1e-6 * width);
    const auto ticks = std::ssize(Scale::linear(range, {0, 1}).ticks(6));
    EXPECT_TRUE(ticks >= 2 && ticks <= 6) << ticks;
  }
}

TEST(Ranges, GrowToWholeDecades) {
  EXPECT_EQ(whole_decades({1, 1000}), (Range{1, 1000}));
  EXPECT_EQ(whole_decades({3, 2000}), (Range{1, 10000}));
  EXPECT_EQ(whole_decades({1, 1}), (Range{1, 10}));
}

TEST(NumberText, IsForPeople) {
  EXPECT_EQ(number_text(0.5, 3), "0.500");
  EXPECT_EQ(number_text(-12345.678, 1), "\u221212\u2009345.7");
  EXPECT_EQ(number_text(999, 0), "999");
  EXPECT_EQ(number_text(1234567, 0), "1\u2009234\u2009567");
  EXPECT_EQ(number_text(-0.0001, 2), "0.00");
  EXPECT_EQ(number_text(kNaN, 2), "\u2013");
  EXPECT_EQ(number_text(-kInfinity, 2), "\u2013");
  EXPECT_EQ(number_text(1e300, 2), "1e+300");
}

}  // namespace
}  // namespace twintrack::plot

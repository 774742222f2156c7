#include "twintrack/evaluation/qags.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace twintrack {
namespace {

TEST(Qags, integrates_smooth_functions) {
  EXPECT_DOUBLE_EQ(qags([](double x) { return x * x * x; }, 0, 2), 4);
  EXPECT_DOUBLE_EQ(qags([](double x) { return std::exp(x); }, 0, 1), std::numbers::e - 1);
  EXPECT_NEAR(qags([](double x) { return std::sin(100 * x); }, 0, 3), (1 - std::cos(300)) / 100, 1e-9);
  EXPECT_EQ(qags([](double) { return 0.0; }, -1, 1), 0);
  EXPECT_DOUBLE_EQ(qags([](double x) { return x * x; }, 1, -1), -2.0 / 3);
}

TEST(Qags, extrapolates_over_singularities) {
  EXPECT_NEAR(qags([](double x) { return 1 / std::sqrt(x); }, 0, 1), 2, 1e-12);
  EXPECT_NEAR(qags([](double x) { return std::log(x); }, 0, 1), -1, 1e-12);
  EXPECT_NEAR(qags([](double x) { return 1 / x; }, 1e-9, 1), 9 * std::log(10), 1e-7);
}

// Results of scipy 1.17.1's quad where it does not reach its tolerance.
TEST(Qags, gives_up_where_scipy_does) {
  const double step = qags([](double x) { return x > 1.0 / 3 ? 1.0 : 0.0; }, 0, 1);
  EXPECT_NEAR(step, 0.6666666666666667, 1e-12);
  const double bars =
      qags([](double x) { return static_cast<double>(static_cast<int>(10 * std::numbers::pi * x) % 2); }, 0, 1);
  EXPECT_NEAR(bars, 0.49572310668143343, 1e-12);
  const double stairs = qags([](double x) { return std::floor(7 * x * x); }, 0, 3);
  EXPECT_NEAR(stairs, 61.612305538307226, 1e-10);
  const double cusp = qags([](double x) { return std::sqrt(std::abs(x - 0.3)); }, 0, 1);
  EXPECT_NEAR(cusp, 0.49998585721693534, 1e-12);
  const double pole = qags([](double x) { return std::pow(std::abs(x - 0.3), -0.9); }, 0, 1);
  EXPECT_NEAR(pole, 18.515292456845533, 1e-7);
}

TEST(Qags, calls_the_function_at_most_as_often_as_50_intervals_need) {
  int calls = 0;
  qags(
      [&](double x) {
        ++calls;
        return std::floor(100 * std::sqrt(x));
      },
      0, 1);
  EXPECT_EQ(calls, 42 * 50 - 21);
}

}  // namespace
}  // namespace twintrack

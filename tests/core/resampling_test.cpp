#include "twintrack/core/resampling.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace twintrack {
namespace {

TEST(DrawBelow, draws_every_number_equally_often) {
  constexpr int draws = 70'000;
  std::mt19937_64 generator(5489);
  std::array<int, 7> drawn{};
  for (int i = 0; i < draws; ++i) ++drawn.at(draw_below(7, generator));
  for (const int times : drawn) EXPECT_NEAR(times, draws / 7, 4 * std::sqrt(draws / 7.0));
}

// The generator's 10 000th number from its default seed is 9981545732273789042 (C++ standard, [rand.predef]).
TEST(DrawBelow, is_the_generators_number_modulo_the_count) {
  std::mt19937_64 generator;
  generator.discard(9999);
  EXPECT_EQ(draw_below(1'000'000'007, generator), static_cast<std::int64_t>(9981545732273789042ULL % 1'000'000'007));
}

// The count goes 2 2/3 times into 2^64: by the remainder alone, the lower two thirds would come up three times for two.
TEST(DrawBelow, draws_again_where_the_range_does_not_divide) {
  constexpr std::int64_t count = 3 * (std::int64_t{1} << 61) + 1;
  std::mt19937_64 generator(1);
  int low = 0;
  for (int i = 0; i < 10'000; ++i) low += draw_below(count, generator) < count / 3 ? 1 : 0;
  EXPECT_NEAR(low, 10'000 / 3, 200);  // 3750 by the remainder alone
}

// numpy.percentile(values, [0, 2.5, 10, 33.3, 50, 75, 97.5, 100]), NumPy 2.
TEST(Percentile, is_numpys) {
  const std::vector<double> ascending{-3.25, 0.1, 0.75, 1.5, 2.5, 4.0, 7.0};
  const std::vector<double> percents{0, 2.5, 10, 33.3, 50, 75, 97.5, 100};
  const std::vector<double> expected{-3.25, -2.7475, -1.2399999999999995, 0.7486999999999998,
                                     1.5,   3.25,    6.549999999999999,   7.0};
  for (std::size_t i = 0; i < percents.size(); ++i)
    EXPECT_NEAR(percentile_of_sorted(ascending, percents[i]), expected[i], 1e-14) << percents[i];
}

TEST(Percentile, of_one_value_is_that_value_and_of_none_is_none) {
  EXPECT_EQ(percentile_of_sorted(std::vector{4.5}, 97.5), 4.5);
  EXPECT_TRUE(std::isnan(percentile_of_sorted({}, 50)));
}

}  // namespace
}  // namespace twintrack

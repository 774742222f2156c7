// Against the C library, to the accuracy that the header promises.
#include "twintrack/core/portable_math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace twintrack {
namespace {

TEST(PortableMath, AgreesWithTheLibrary) {
  for (double x = -30; x <= 30; x += 0.0137) {
    EXPECT_NEAR(portable_exp(x) / std::exp(x), 1, 1e-14) << x;
    EXPECT_NEAR(sine_of_turns(x), std::sin(2 * std::numbers::pi * x), 2e-13) << x;
    EXPECT_NEAR(cosine_of_turns(x), std::cos(2 * std::numbers::pi * x), 2e-13) << x;
    EXPECT_NEAR(normal_cdf(x), 0.5 * std::erfc(-x / std::numbers::sqrt2), 5e-7) << x;
  }
  for (double x = 1e-300; x < 1e300; x *= 7.3) EXPECT_NEAR(portable_log(x), std::log(x), 1e-13 * std::abs(std::log(x)));
}

TEST(PortableMath, QuantileInvertsTheDistribution) {
  for (const double p : {1e-12, 1e-6, 0.01, 0.0242, 0.0243, 0.2, 0.5, 0.7, 0.975, 0.999999}) {
    const double x = normal_quantile(p);
    EXPECT_NEAR(0.5 * std::erfc(-x / std::numbers::sqrt2) / p, 1, 1e-7) << p;
    EXPECT_NEAR(normal_quantile(1 - p), -x, p > 1e-6 ? 1e-8 : 1e-3);
  }
}

}  // namespace
}  // namespace twintrack

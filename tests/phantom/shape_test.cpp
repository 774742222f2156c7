// Distances on a slice against closed forms.
#include "twintrack/phantom/shape.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace twintrack::phantom {
namespace {

const SliceGrid kSlice{60, 50, {-30, -25, 2}, 1, 1};

DistanceMap distances(const Solid& solid, float reach = kReach_mm) {
  const SmoothNoise noise(1);
  DistanceMap map;
  std::vector<float> scratch;
  evaluate(solid, kSlice, noise, map, scratch, reach);
  return map;
}

TEST(Shape, BallAndConeAndDrumHaveTheirDistances) {
  const DistanceMap ball = distances({{{{Ellipsoid{{1, 2, 3}, {9, 9, 9}, 0}}, 0}}, 0, 10, {}});
  const DistanceMap cone = distances({{{{Segment{{-10, 0, 2}, {10, 0, 2}, 6, 3}}, 0}}, 0, 10, {}});
  const DistanceMap drum = distances({{{{Drum{{0, 0, 0}, 8, 8, 5}}, 0}}, 0, 10, {}});
  for (int y = 15; y < 35; ++y) {
    for (int x = 20; x < 40; ++x) {
      const float px = kSlice.x_mm(x), py = kSlice.y_mm(y);
      EXPECT_NEAR(ball.at(x, y), std::sqrt((px - 1) * (px - 1) + (py - 2) * (py - 2) + 1) - 9, 1e-4F);
      const float t = (px + 10) / 20;
      EXPECT_NEAR(cone.at(x, y), std::abs(py) - (6 - 3 * t), 1e-4F);
      const float side = std::sqrt(px * px + py * py) - 8;
      EXPECT_NEAR(drum.at(x, y), std::max(side, -3.0F), 1e-4F);
    }
  }
}

TEST(Shape, TheBoxHoldsEverythingWithinReach) {
  const Solid solid{{{{Segment{{-4, 3, -8}, {6, -2, 12}, 4, 5}}, 0}}, 0, 10, {}};
  const DistanceMap near = distances(solid), far = distances(solid, 100);
  for (int y = 0; y < kSlice.size_y; ++y) {
    for (int x = 0; x < kSlice.size_x; ++x) {
      const bool inside = x >= near.box.begin_x && x < near.box.end_x && y >= near.box.begin_y && y < near.box.end_y;
      ASSERT_TRUE(inside || far.at(x, y) > kReach_mm) << x << ' ' << y;
      if (!inside || near.at(x, y) == kFar_mm) continue;
      EXPECT_FLOAT_EQ(near.at(x, y), far.at(x, y));
    }
  }
  EXPECT_TRUE(distances({{{{Ellipsoid{{0, 0, 60}, {5, 5, 5}, 0}}, 0}}, 0, 10, {}}).box.empty());
}

TEST(Shape, SmoothUnionOnlyAddsWhereTheTwoMeet) {
  const Primitive a = Ellipsoid{{-8, 0, 2}, {8, 8, 8}, 0}, b = Ellipsoid{{8, 0, 2}, {8, 8, 8}, 0};
  const DistanceMap hard = distances({{{{a, b}, 0}}, 0, 10, {}}, 30);
  const DistanceMap smooth = distances({{{{a}, 0}, {{b}, 6}}, 0, 10, {}}, 30);
  EXPECT_FLOAT_EQ(smooth.at(30, 25), hard.at(30, 25) - 1.5F);  // width / 4 where both are equally far
  EXPECT_FLOAT_EQ(smooth.at(18, 25), hard.at(18, 25));
  EXPECT_LT(smooth.at(30, 29), hard.at(30, 29));
}

TEST(Shape, SplinePassesThroughItsKnotsAndNearestPlaceFindsThem) {
  const std::vector<Knot> knots{{{0, 0, 0}, 1}, {{10, 5, 0}, 2}, {{20, -5, 8}, 3}, {{30, 0, 9}, 1}};
  for (int i = 0; i < 4; ++i) {
    const Knot at = along(knots, static_cast<float>(i));
    EXPECT_LT(length(at.point - knots[i].point), 1e-4F);
    EXPECT_FLOAT_EQ(at.radius_mm, knots[i].radius_mm);
    EXPECT_NEAR(nearest_place(knots, knots[i].point), static_cast<float>(i), 0.051F);
  }
  EXPECT_EQ(sweep(knots, 5).size(), 15u);
}

}  // namespace
}  // namespace twintrack::phantom

// The geometric contact angle on shapes whose angle is known.
#include "twintrack/evaluation/vascular_angle.hpp"

#include "evaluation/vascular_scene.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace twintrack {
namespace {

using test::Axis;
using test::Cylindrical;
using test::grid;
using test::mask_where;

double contact_degrees(const Geometry& geometry, const BitMask& vessel, const BitMask& tumor) {
  const VesselRegion region = vessel_region(vessel, geometry.spacing_zyx_mm());
  const TumorMaps maps = rater_maps({geometry, {tumor}}, 0, 1, region.box);
  return contact_angles_degrees(region, std::span(&maps, 1))[0];
}

Geometry cube_of_mm(double edge_mm, const Spacing3& spacing_mm) {
  Shape3 shape;
  for (int axis = 0; axis < 3; ++axis) shape[axis] = static_cast<std::int64_t>(edge_mm / spacing_mm[axis]);
  return grid(shape, spacing_mm);
}

Point middle(const Geometry& geometry) {
  Point centre;
  for (int axis = 0; axis < 3; ++axis)
    centre[axis] = static_cast<double>(geometry.shape()[axis] - 1) * geometry.spacing_zyx_mm()[axis] / 2;
  return centre;
}

BitMask cylinder(const Geometry& geometry, const Axis& axis, double radius_mm, double half_length_mm) {
  return mask_where(geometry, [&](const Point& p) {
    const Cylindrical c = axis(p);
    return c.radial_mm <= radius_mm && std::abs(c.along_mm) <= half_length_mm;
  });
}

// Around the middle 16 mm of the axis, from inner to inner + 5 mm.
BitMask cuff(const Geometry& geometry, const Axis& axis, double inner_mm, double degrees, double half_length_mm = 8) {
  return mask_where(geometry, [&](const Point& p) {
    const Cylindrical c = axis(p);
    return c.radial_mm > inner_mm && c.radial_mm <= inner_mm + 5 && std::abs(c.along_mm) <= half_length_mm &&
           std::abs(c.degrees) <= degrees / 2;
  });
}

const std::vector<Point> directions{{1, 0, 0},     {0, 1, 0},      {0, 0, 1},      {1, 1, 1},
                                    {1, 0.4, 0.2}, {0.3, 1, -0.5}, {-0.5, 0.2, 1}, {1, 0, 1}};

TEST(ContactAngle, is_recovered_for_cuffs_around_cylinders) {
  for (const Spacing3& spacing : {Spacing3{1.5, 0.8, 0.8}, {1, 1, 1}}) {
    const Geometry geometry = cube_of_mm(54, spacing);
    for (const double radius_mm : {4.0, 5.0, 6.0}) {
      for (const Point& direction : directions) {
        const Axis axis(middle(geometry) + Point{0.13, 0.27, -0.31}, direction);
        const BitMask vessel = cylinder(geometry, axis, radius_mm, 20);
        for (const double degrees : {90.0, 180.0, 270.0}) {
          EXPECT_NEAR(contact_degrees(geometry, vessel, cuff(geometry, axis, radius_mm, degrees)), degrees, 10)
              << testing::PrintToString(spacing) << radius_mm << testing::PrintToString(direction);
        }
        EXPECT_EQ(contact_degrees(geometry, vessel, cuff(geometry, axis, radius_mm, 360)), 360);
      }
    }
  }
}

TEST(ContactAngle, is_recovered_for_random_cylinders) {
  std::mt19937 generator(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::normal_distribution<double> normal;
  const Geometry geometry = cube_of_mm(60, {1.5, 0.8, 0.8});
  for (int repeat = 0; repeat < 40; ++repeat) {
    const double radius_mm = 4 + 4 * uniform(generator);
    const double degrees = 30 + 330 * uniform(generator);
    const double half_length_mm = 15 + 8 * uniform(generator);
    const Point offset{normal(generator), normal(generator), normal(generator)};
    const Point direction{normal(generator), normal(generator), normal(generator)};
    const Axis axis(middle(geometry) + offset, direction);
    const BitMask vessel = cylinder(geometry, axis, radius_mm, half_length_mm);
    EXPECT_NEAR(contact_degrees(geometry, vessel, cuff(geometry, axis, radius_mm, degrees, 6)), degrees, 12)
        << testing::PrintToString(direction) << radius_mm;
  }
}

// Sections 3 mm apart hold few voxels of a vessel that runs within them: the angle is coarser there.
TEST(ContactAngle, is_recovered_on_thick_slices_for_vessels_across_them) {
  const Geometry geometry = cube_of_mm(54, {3, 0.7, 0.7});
  for (const Point& direction : {Point{1, 0, 0}, {1, 0.4, 0.2}, {1, -0.3, 0.3}}) {
    const Axis axis(middle(geometry) + Point{0.13, 0.27, -0.31}, direction);
    const BitMask vessel = cylinder(geometry, axis, 5, 22);
    for (const double degrees : {90.0, 180.0, 270.0, 360.0})
      EXPECT_NEAR(contact_degrees(geometry, vessel, cuff(geometry, axis, 5, degrees)), degrees, 10);
  }
}

TEST(ContactAngle, is_zero_for_a_tumor_that_a_voxel_parts_from_the_vessel) {
  for (const Point& direction : directions) {
    const Geometry geometry = cube_of_mm(54, {1.5, 0.8, 0.8});
    const Axis axis(middle(geometry), direction);
    const BitMask vessel = cylinder(geometry, axis, 5, 20);
    EXPECT_EQ(contact_degrees(geometry, vessel, cuff(geometry, axis, 5 + 2 * 1.5, 270)), 0);
    EXPECT_EQ(contact_degrees(geometry, vessel, BitMask(geometry.shape())), 0);
  }
  const Geometry flat = grid({20, 30, 30}, {1, 1, 1});
  const auto block = [&](double first, double last) {
    return mask_where(flat, [&](const Point& p) { return p[1] >= first && p[1] <= last && p[2] >= 10 && p[2] <= 17; });
  };
  EXPECT_EQ(contact_degrees(flat, block(10, 17), block(19, 25)), 0);
  EXPECT_GT(contact_degrees(flat, block(10, 17), block(18, 25)), 70);
  EXPECT_LT(contact_degrees(flat, block(10, 17), block(18, 25)), 110);  // one side of a square: 90
}

TEST(ContactAngle, does_not_depend_on_how_far_the_outlines_overlap) {
  const Geometry geometry = cube_of_mm(54, {1.5, 0.8, 0.8});
  const Axis axis(middle(geometry), {1, 0.4, 0.2});
  const BitMask vessel = cylinder(geometry, axis, 5, 20);
  for (const double inner_mm : {5.0, 4.0, 2.5})
    EXPECT_NEAR(contact_degrees(geometry, vessel, cuff(geometry, axis, inner_mm, 180)), 180, 12) << inner_mm;
}

TEST(ContactAngle, ignores_what_lies_beyond_an_end_or_within_the_vessel) {
  const Geometry geometry = cube_of_mm(54, {1, 1, 1});
  const Axis axis(middle(geometry), {1, 0, 0});
  const BitMask vessel = cylinder(geometry, axis, 6, 15);
  const BitMask beyond = mask_where(geometry, [&](const Point& p) {
    return axis(p).along_mm > 18 && axis(p).along_mm <= 22 && axis(p).radial_mm < 6;
  });
  EXPECT_EQ(contact_degrees(geometry, vessel, beyond), 0);
  const BitMask thrombus = cylinder(geometry, axis, 3, 10);
  EXPECT_EQ(contact_degrees(geometry, vessel, thrombus), 0);
}

// An arc of 20 mm radius in the plane of z and y; the tumour lies on its outer side.
TEST(ContactAngle, follows_a_bend) {
  const Geometry geometry = cube_of_mm(54, {1.5, 0.8, 0.8});
  const Point corner{6, 6, 27};
  struct Toroidal {
    double turn_degrees, radial_mm, degrees;
  };
  const auto around = [&](const Point& p) {
    const Point d = p - corner;
    const double outwards = std::hypot(d[0], d[1]) - 30;
    return Toroidal{std::atan2(d[1], d[0]) * 180 / std::numbers::pi, std::hypot(outwards, d[2]),
                    std::atan2(d[2], outwards) * 180 / std::numbers::pi};
  };
  const BitMask vessel = mask_where(geometry, [&](const Point& p) { return around(p).radial_mm <= 5; });
  for (const double degrees : {90.0, 180.0, 270.0}) {
    const BitMask tumor = mask_where(geometry, [&](const Point& p) {
      const auto [turn, radial_mm, angle] = around(p);
      return turn > 30 && turn < 60 && radial_mm > 5 && radial_mm < 10 && std::abs(angle) <= degrees / 2;
    });
    EXPECT_NEAR(contact_degrees(geometry, vessel, tumor), degrees, 12);
  }
}

// Three times as wide as thick: its rims are no branches, and the angle is the one around the section's centre.
TEST(ContactAngle, is_recovered_on_flattened_vessels) {
  const Geometry geometry = cube_of_mm(60, {1.5, 0.8, 0.8});
  const Point centre = middle(geometry);
  for (const int along : {0, 1}) {
    const int across = 1 - along;
    const BitMask vessel = mask_where(geometry, [&](const Point& p) {
      const Point d = p - centre;
      return std::hypot(d[2] / 9, d[across] / 3) <= 1 && std::abs(d[along]) < 25;
    });
    const BitMask above = mask_where(geometry, [&](const Point& p) {
      const Point d = p - centre;
      return std::hypot(d[2] / 9, d[across] / 3) > 1 && d[across] > 0 && d[across] < 8 && std::abs(d[2]) < 14 &&
             std::abs(d[along]) < 6;
    });
    EXPECT_NEAR(contact_degrees(geometry, vessel, above), 180, 14);
    const BitMask patch = mask_where(geometry, [&](const Point& p) {
      const Point d = p - centre;
      return std::hypot(d[2] / 9, d[across] / 3) > 1 && d[across] > 0 && d[across] < 8 && std::abs(d[2]) < 4 &&
             std::abs(d[along]) < 6;
    });
    const double wall_mm = 3 * std::sqrt(1 - 16.0 / 81);  // where the patch ends; one voxel is 17 degrees there
    EXPECT_NEAR(contact_degrees(geometry, vessel, patch), 2 * std::atan(4 / wall_mm) * 180 / std::numbers::pi, 20);
  }
}

// A slab four times as wide as thick, whose rim a tumour clasps for 6 mm: a line from there would see it all around.
TEST(ContactAngle, takes_no_rim_for_a_branch) {
  const Geometry geometry = grid({20, 110, 24}, {3, 0.7, 0.7});
  const auto is_in = [&](const Point& p, const Shape3& begin, const Shape3& end) {
    for (int axis = 0; axis < 3; ++axis) {
      const double voxel = p[axis] / geometry.spacing_zyx_mm()[axis];
      if (voxel < static_cast<double>(begin[axis]) - 0.5 || voxel > static_cast<double>(end[axis]) - 0.5) return false;
    }
    return true;
  };
  const auto in_vessel = [&](const Point& p) { return is_in(p, {6, 3, 8}, {13, 107, 15}); };
  const BitMask vessel = mask_where(geometry, in_vessel);
  const double rim = 2 * std::atan2(2.45, 10.5 - 6) * 180 / std::numbers::pi;
  for (const std::int64_t from : {20, 45, 70}) {
    const BitMask tumor = mask_where(geometry, [&](const Point& p) {
      return !in_vessel(p) && is_in(p, {3, from, 3}, {8, from + 20, 20});
    });
    EXPECT_NEAR(contact_degrees(geometry, vessel, tumor), rim, 15) << from;
  }
}

// A trunk with a branch at 60 degrees: each has sections of its own.
TEST(ContactAngle, finds_trunk_and_branch) {
  const Geometry geometry = grid({46, 90, 60}, {1.5, 0.8, 0.8});
  const Point fork{30, 15, 24};
  const Point along_branch = unit({0.5, 0.866, 0});
  const Axis trunk(fork, {1, 0, 0});
  const Axis branch(fork, along_branch);
  const BitMask vessel = mask_where(geometry, [&](const Point& p) {
    const bool in_branch = branch(p).radial_mm <= 4 && branch(p).along_mm >= 0 && branch(p).along_mm <= 50;
    return trunk(p).radial_mm <= 5 || in_branch;
  });
  const Axis on_branch(fork + 30 * along_branch, along_branch);
  const Axis above(fork + Point{-16, 0, 0}, {1, 0, 0});
  const Axis below(fork + Point{22, 0, 0}, {1, 0, 0});
  for (const double degrees : {90.0, 180.0, 270.0}) {
    EXPECT_NEAR(contact_degrees(geometry, vessel, cuff(geometry, on_branch, 4, degrees, 5)), degrees, 12);
    EXPECT_NEAR(contact_degrees(geometry, vessel, cuff(geometry, above, 5, degrees, 5)), degrees, 12);
    EXPECT_NEAR(contact_degrees(geometry, vessel, cuff(geometry, below, 5, degrees, 5)), degrees, 12);
  }
}

TEST(ContactAngle, takes_the_larger_of_two_pieces) {
  const Geometry geometry = grid({46, 60, 90}, {1, 1, 1});
  const Axis first({22, 30, 20}, {1, 0.1, 0});
  const Axis second({22, 30, 65}, {1, 0, 0.1});
  BitMask vessel = cylinder(geometry, first, 5, 18);
  const BitMask other = cylinder(geometry, second, 5, 18);
  BitMask tumor = cuff(geometry, first, 5, 90);
  const BitMask more = cuff(geometry, second, 5, 270);
  for (std::size_t w = 0; w < vessel.words().size(); ++w) {
    vessel.words()[w] |= other.words()[w];
    tumor.words()[w] |= more.words()[w];
  }
  EXPECT_NEAR(contact_degrees(geometry, vessel, tumor), 270, 10);
}

TEST(ContactAngle, holds_at_the_border_of_the_grid) {
  const Geometry through = grid({24, 40, 40}, {1.5, 0.8, 0.8});
  const Axis axis({17, 16, 16}, {1, 0, 0});
  for (const double degrees : {90.0, 180.0, 270.0, 360.0})
    EXPECT_NEAR(contact_degrees(through, cylinder(through, axis, 5, 100), cuff(through, axis, 5, degrees, 100)),
                degrees, 10);
  const Axis cut({17, 16, -2}, {1, 0, 0});  // less than half of the vessel lies within the grid
  const double degrees = contact_degrees(through, cylinder(through, cut, 5, 100), cuff(through, cut, 5, 360, 100));
  EXPECT_GT(degrees, 150);
  EXPECT_LT(degrees, 270);
}

TEST(ContactAngle, has_a_value_for_few_voxels) {
  const Geometry geometry = grid({9, 9, 9}, {1.5, 0.8, 0.8});
  const auto box = [&](const Shape3& first, const Shape3& last) {
    BitMask mask(geometry.shape());
    for (std::int64_t z = first[0]; z <= last[0]; ++z) {
      for (std::int64_t y = first[1]; y <= last[1]; ++y) {
        for (std::int64_t x = first[2]; x <= last[2]; ++x) mask.set((z * 9 + y) * 9 + x);
      }
    }
    return mask;
  };
  const BitMask all = box({0, 0, 0}, {8, 8, 8});
  const BitMask one_side = box({3, 3, 5}, {5, 5, 7});
  for (const Shape3& last : {Shape3{4, 4, 4}, {5, 4, 4}, {6, 4, 4}}) {
    const BitMask vessel = box({4, 4, 4}, last);
    EXPECT_EQ(contact_degrees(geometry, vessel, all), 360);
    const double degrees = contact_degrees(geometry, vessel, one_side);
    EXPECT_GT(degrees, 45);
    EXPECT_LT(degrees, 180);
    EXPECT_EQ(contact_degrees(geometry, vessel, box({0, 0, 0}, {8, 8, 1})), 0);
  }
  EXPECT_EQ(contact_degrees(
                grid({1, 1, 1}, {1, 1, 1}),
                [] {
                  BitMask one({1, 1, 1});
                  one.set(0);
                  return one;
                }(),
                BitMask({1, 1, 1})),
            0);
}

// Maps that hold one another, around crooked vessels with branches and holes.
TEST(ContactAngle, grows_with_the_tumor_and_stays_in_range) {
  std::mt19937 generator(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  const Geometry geometry = grid({20, 30, 30}, {2, 1, 1});
  bool above_zero = false;
  for (int repeat = 0; repeat < 20; ++repeat) {
    const auto blobs = [&](int count, double radius_mm) {
      std::vector<Point> centres;
      for (int i = 0; i < count; ++i)
        centres.push_back({uniform(generator) * 40, uniform(generator) * 30, uniform(generator) * 30});
      return mask_where(geometry, [&](const Point& p) {
        return std::ranges::any_of(centres, [&](const Point& c) { return length(p - c) < radius_mm; });
      });
    };
    const BitMask vessel = blobs(20, 4);
    Volume<float> probability{geometry, std::vector<float>(geometry.voxel_count())};
    const Point centre{20, 15, 15};
    std::int64_t voxel = 0;
    mask_where(geometry, [&](const Point& p) {
      probability.voxels[voxel++] = static_cast<float>(std::max(0.0, 1 - length(p - centre) / 20));
      return false;
    });
    const VesselRegion region = vessel_region(vessel, geometry.spacing_zyx_mm());
    const std::vector<float> edges{0.1F, 0.3F, 0.5F, 0.7F, 0.9F};
    const auto degrees = contact_angles_degrees(region, std::vector{level_maps(probability, edges, region.box)});
    EXPECT_TRUE(std::ranges::is_sorted(degrees, std::greater{}));
    EXPECT_GE(degrees.back(), 0);
    EXPECT_LE(degrees.front(), 360);
    above_zero = above_zero || degrees.front() > 90;
  }
  EXPECT_TRUE(above_zero);
}

}  // namespace
}  // namespace twintrack

// The challenge's involvement, against a slice-by-slice reference written from the definition, against values that the
// official code's arithmetic gives, and against the golden cases.
#include "twintrack/evaluation/vascular_challenge.hpp"

#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/evaluation/overlap.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"

#include "support/golden.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace twintrack {
namespace {

// One slice: rows of 0 and 1.
using Image = std::vector<std::vector<int>>;

int at(const Image& image, int row, int column) {
  const bool inside =
      row >= 0 && row < std::ssize(image) && column >= 0 && column < std::ssize(image[static_cast<std::size_t>(row)]);
  return inside ? image[row][column] : 0;
}

template <typename Value>
Image filled(const Image& like, const Value& value) {
  Image result = like;
  for (int r = 0; r < std::ssize(like); ++r) {
    for (int c = 0; c < std::ssize(like[r]); ++c) result[r][c] = value(r, c);
  }
  return result;
}

// Discrete convolution with zeros around; a kernel of n taps is centred on tap n / 2 (rounded down).
Image convolved(const Image& image, const Image& kernel) {
  const int rows = static_cast<int>(kernel.size());
  const int columns = static_cast<int>(kernel[0].size());
  return filled(image, [&](int r, int c) {
    int sum = 0;
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < columns; ++j) sum += kernel[i][j] * at(image, r + rows / 2 - i, c + columns / 2 - j);
    }
    return sum;
  });
}

double slice_degrees(const Image& tumor, const Image& vessel) {
  const Image dilated = filled(tumor, [&](int r, int c) {
    return int{at(tumor, r, c) + at(tumor, r - 1, c) + at(tumor, r + 1, c) + at(tumor, r, c - 1) + at(tumor, r, c + 1) >
               0};
  });
  const Image edge = filled(vessel, [&](int r, int c) {
    const bool kept = at(vessel, r, c) && at(vessel, r - 1, c) && at(vessel, r + 1, c) && at(vessel, r, c - 1) &&
                      at(vessel, r, c + 1);
    return int{at(vessel, r, c) == 1 && !kept};
  });
  const Image tumor_only = filled(tumor, [&](int r, int c) { return int{dilated[r][c] && !edge[r][c]}; });
  int edges = 0;
  int contact = 0;
  const std::vector<Image> kernels{{{1, 1}}, {{1}, {1}}, {{1, 0}, {0, 1}}, {{0, 1}, {1, 0}}};
  for (int r = 0; r < std::ssize(edge); ++r) {
    for (int c = 0; c < std::ssize(edge[r]); ++c) {
      edges += edge[r][c];
      contact += edge[r][c] && dilated[r][c];
    }
  }
  for (const Image& kernel : kernels) {
    const Image near = convolved(tumor_only, kernel);
    for (int r = 0; r < std::ssize(edge); ++r) {
      for (int c = 0; c < std::ssize(edge[r]); ++c) contact += edge[r][c] && !dilated[r][c] && near[r][c] > 0;
    }
  }
  return edges > 0 ? 360.0 * contact / edges : 0.0;
}

// The slice at `index` of the file's axis (x, y, z), its rows along the first of the other two.
Image slice(const BitMask& mask, int file_axis, std::int64_t index) {
  const Shape3 size{mask.shape()[2], mask.shape()[1], mask.shape()[0]};  // x, y, z
  const int row_axis = file_axis == 0 ? 1 : 0;
  const int column_axis = file_axis == 2 ? 1 : 2;
  Image image(size[row_axis], std::vector<int>(size[column_axis]));
  for (std::int64_t r = 0; r < size[row_axis]; ++r) {
    for (std::int64_t c = 0; c < size[column_axis]; ++c) {
      Shape3 xyz{};
      xyz[file_axis] = index;
      xyz[row_axis] = r;
      xyz[column_axis] = c;
      image[r][c] = mask[(xyz[2] * size[1] + xyz[1]) * size[0] + xyz[0]];
    }
  }
  return image;
}

PlaneDegrees degrees_by_slices(const BitMask& tumor, const BitMask& vessel) {
  PlaneDegrees degrees{};
  for (int axis = 0; axis < 3; ++axis) {
    for (std::int64_t i = 0; i < vessel.shape()[2 - axis]; ++i)
      degrees[axis] = std::max(degrees[axis], slice_degrees(slice(tumor, axis, i), slice(vessel, axis, i)));
  }
  return degrees;
}

// A few boxes, which may touch the border, with a share of their voxels.
BitMask random_mask(const Shape3& shape, double share, std::mt19937& generator) {
  BitMask mask(shape);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int box = 0; box < 2; ++box) {
    Shape3 begin{};
    Shape3 end{};
    for (int axis = 0; axis < 3; ++axis) {
      begin[axis] = static_cast<std::int64_t>(uniform(generator) * static_cast<double>(shape[axis]));
      end[axis] = begin[axis] + 1 +
                  static_cast<std::int64_t>(uniform(generator) * static_cast<double>(shape[axis] - begin[axis]));
    }
    for (std::int64_t z = begin[0]; z < end[0]; ++z) {
      for (std::int64_t y = begin[1]; y < end[1]; ++y) {
        for (std::int64_t x = begin[2]; x < end[2]; ++x) {
          if (uniform(generator) < share) mask.set((z * shape[1] + y) * shape[2] + x);
        }
      }
    }
  }
  return mask;
}

Geometry geometry_of(const Shape3& shape) {
  Geometry geometry;
  geometry.size = {shape[2], shape[1], shape[0]};
  return geometry;
}

TEST(ChallengeContact, equals_the_definition_on_random_maps) {
  std::mt19937 generator(3);
  int in_contact = 0;
  for (const Shape3& shape : {Shape3{7, 8, 9}, {12, 5, 6}, {1, 9, 9}, {9, 1, 9}, {9, 9, 1}, {1, 1, 1}}) {
    for (int repeat = 0; repeat < 60; ++repeat) {
      const BitMask vessel = random_mask(shape, repeat % 2 == 0 ? 1.0 : 0.8, generator);
      RaterSet raters{geometry_of(shape), {}};
      for (int k = 0; k < 8; ++k) raters.masks.push_back(random_mask(shape, k % 2 == 0 ? 1.0 : 0.3, generator));
      const VesselRegion region = vessel_region(vessel, {1, 1, 1});
      const auto degrees = challenge_contact_degrees(region, rater_maps(raters, 0, 8, region.box));
      for (int k = 0; k < 8; ++k) {
        const PlaneDegrees expected = degrees_by_slices(raters.masks[k], vessel);
        for (int plane = 0; plane < 3; ++plane) {
          EXPECT_NEAR(degrees[k][plane], expected[plane], 1e-9) << testing::PrintToString(shape) << kPlanes[plane];
          in_contact += expected[plane] > 0;
        }
      }
    }
  }
  EXPECT_GT(in_contact, 2000);
}

// A tumour's voxel beside a single vessel voxel: inside its dilation, so counted once. One that lies two voxels on is
// seen by its dilation's voxel in between, and only in the direction of increasing indices.
TEST(ChallengeContact, counts_by_direction) {
  const Shape3 shape{1, 9, 9};
  BitMask vessel(shape);
  vessel.set(4 * 9 + 4);
  const VesselRegion region = vessel_region(vessel, {1, 1, 1});
  const auto axial = [&](std::int64_t y, std::int64_t x) {
    BitMask tumor(shape);
    tumor.set(y * 9 + x);
    return challenge_contact_degrees(region, rater_maps({geometry_of(shape), {tumor}}, 0, 1, region.box))[0][2];
  };
  EXPECT_DOUBLE_EQ(axial(4, 5), 360);
  EXPECT_DOUBLE_EQ(axial(4, 3), 360);
  EXPECT_DOUBLE_EQ(axial(4, 6), 720);   // the pair along x, and the one across
  EXPECT_DOUBLE_EQ(axial(5, 5), 1440);  // all four pairs
  EXPECT_DOUBLE_EQ(axial(4, 2), 0);
  EXPECT_DOUBLE_EQ(axial(3, 3), 0);
  EXPECT_DOUBLE_EQ(axial(4, 7), 0);
}

TEST(ChallengeContact, compares_with_thresholds_as_float64_does) {
  Volume<float> probability{geometry_of({1, 1, 18}), {}};
  std::vector<float> edges;
  for (const double threshold : kChallengeThresholds) {
    const auto nearest = static_cast<float>(threshold);
    for (const float p : {std::nextafter(nearest, 0.0F), nearest, std::nextafter(nearest, 1.0F)})
      probability.voxels.push_back(p);
    edges.push_back(first_float_above(threshold));
  }
  const TumorMaps maps = level_maps(probability, edges, {{0, 0, 0}, {1, 1, 18}});
  for (int i = 0; i < 18; ++i) {
    for (int k = 0; k < 6; ++k) {
      EXPECT_EQ(maps.bits[i] >> k & 1, static_cast<double>(probability.voxels[i]) > kChallengeThresholds[k]) << i << k;
    }
  }
}

TEST(ChallengeContact, is_zero_without_vessel_or_tumor) {
  const Shape3 shape{5, 6, 7};
  std::mt19937 generator(1);
  const BitMask some = random_mask(shape, 1, generator);
  const VesselRegion nothing = vessel_region(BitMask(shape), {1, 1, 1});
  EXPECT_TRUE(nothing.box.empty());
  EXPECT_EQ(challenge_contact_degrees(nothing, {1, {}})[0], (PlaneDegrees{0, 0, 0}));
  const VesselRegion region = vessel_region(some, {1, 1, 1});
  const TumorMaps none = rater_maps({geometry_of(shape), {BitMask(shape)}}, 0, 1, region.box);
  EXPECT_EQ(challenge_contact_degrees(region, none)[0], (PlaneDegrees{0, 0, 0}));
}

struct DistanceCase {
  MeanAndSd raters;
  MeanAndSd prediction;
  double degrees;
};

// Values of numpy 1.24 and scipy 1.10 with the challenge's rules.
TEST(ChallengeDistance, equals_the_challenge_in_ordinary_and_vanishing_cases) {
  const std::vector<DistanceCase> cases{
      {{90, 20}, {120, 35}, 30.2582810035},
      {{300, 100}, {600, 150}, 42.0289062165},
      {{0, 0}, {0, 0}, 0},
      {{0, 0}, {50, 0}, 0},
      {{50, 0}, {0, 0}, 0},
      {{50, 0}, {70, 0}, 0},
      {{120, 0}, {70, 0}, 120},
      {{70, 0}, {120, 0}, 360},
      {{0, 0}, {200, 30}, 199.999992286},
      {{200, 30}, {0, 0}, 199.999992286},
      {{50, 0}, {200, 30}, 360},
      {{200, 30}, {50, 0}, 360},
      {{900, 40}, {100, 10}, 360},
      {{100, 10}, {900, 40}, 360},
      {{900, 40}, {0, 0}, 0},
      {{0, 0}, {900, 40}, 0},
      {{360, 0}, {900, 10}, 360},
      {{900, 10}, {360, 0}, 360},
      {{100, 0.05}, {140, 0.2}, 40},
      {{170, 0.3}, {500, 25}, 360},
      {{120, 0}, {240, 0}, 120},
  };
  for (const DistanceCase& c : cases) {
    EXPECT_NEAR(challenge_distance_degrees(c.raters, c.prediction), c.degrees, 1e-7)
        << c.raters.mean << " " << c.raters.sd << " " << c.prediction.mean << " " << c.prediction.sd;
  }
}

void expect_close(double found, const JsonView& expected) {
  if (expected.is_null()) {
    EXPECT_TRUE(std::isfinite(found)) << expected.field();
    return;
  }
  const double value = expected.as_number();
  EXPECT_NEAR(found, value, std::max(1e-4 * std::abs(value), 1e-9)) << expected.field();
}

TEST(ChallengeContact, equals_the_official_code_on_the_golden_cases) {
  TWINTRACK_REQUIRE_GOLDEN();
  const std::map<std::string, std::string> official{
      {"portal_vein", "PORTA"}, {"smv", "SMV"}, {"aorta", "AORTA"}, {"celiac_trunk", "CELIAC TRUNK"}, {"sma", "SMA"}};
  for (int c = 0; c < 6; ++c) {
    const auto folder = test::golden_folder() / "metrics" / ("case_0" + std::to_string(c));
    std::vector<std::filesystem::path> files;
    for (int k = 1; k <= 5; ++k) files.push_back(folder / ("annotation_" + std::to_string(k) + ".nii.gz"));
    const Json json = read_json(folder / "expected.json");
    const JsonView expected = JsonView(json, folder.string()).at("expected");
    const auto found = vascular_involvement(read_probability(folder / "probability.nii.gz"), read_raters(files),
                                            read_vessels(folder / "vessels.nii.gz", challenge_vessels()).masks);
    ASSERT_EQ(found.size(), 5U);
    for (const VesselInvolvement& vessel : found) {
      SCOPED_TRACE(folder.string() + " " + vessel.prediction.vessel);
      const std::string& name = official.at(vessel.prediction.vessel);
      expect_close(vessel.challenge.wasserstein_mean_degrees, expected.at("vi").at(name));
      for (int plane = 0; plane < 3; ++plane) {
        const auto of_raters = expected.at("vi_gt").at(name).at(kPlanes[plane]).elements();
        const auto of_prediction = expected.at("vi_pred").at(name).at(kPlanes[plane]).elements();
        expect_close(vessel.challenge.raters[plane].mean, of_raters[0]);
        expect_close(vessel.challenge.raters[plane].sd + 1e-6, of_raters[1]);
        expect_close(vessel.challenge.prediction[plane].mean, of_prediction[0]);
        expect_close(vessel.challenge.prediction[plane].sd + 1e-6, of_prediction[1]);
      }
    }
  }
}

}  // namespace
}  // namespace twintrack

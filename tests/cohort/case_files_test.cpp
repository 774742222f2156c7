// Files of a case: what is read, on which grids, and what is refused.
#include "twintrack/cohort/case_files.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_cohort.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class CaseFiles : public testing::Test {
 protected:
  CaseFiles() : made_(test::tiny_case({}, 0)) { test::write_case(folder_.path(), made_); }

  fs::path write_map(const Volume<float>& map) const {
    write_volume(folder_ / "map.nrrd", map);
    return folder_ / "map.nrrd";
  }
  fs::path write_labels(const Volume<std::uint8_t>& labels, const std::string& name = "labels.nrrd") const {
    write_volume(folder_ / name, labels);
    return folder_ / name;
  }
  CohortCase item() const {
    CohortCase item;
    item.name = "a";
    item.probability = {folder_ / "probability.nii.gz"};
    for (int k = 1; k <= 5; ++k) item.raters.push_back(folder_ / fmt::format("rater_{:02}.nii.gz", k));
    item.segmentation = folder_ / "segmentation.nii.gz";
    item.roi = folder_ / "roi.nii.gz";
    return item;
  }

  test::TemporaryFolder folder_;
  test::TinyCase made_;
};

void expect_mask(const BitMask& mask, const Volume<std::uint8_t>& expected) {
  ASSERT_EQ(mask.shape(), expected.geometry.shape());
  for (std::int64_t i = 0; i < mask.size(); ++i) ASSERT_EQ(mask[i], expected.voxels[i] != 0) << i;
}

TEST_F(CaseFiles, AllOfACase) {
  const CaseMaps maps = read_case_maps(item(), {}, {.segmentation = true, .roi = true});
  EXPECT_EQ(maps.probability.voxels, made_.probability.voxels);
  EXPECT_EQ(maps.raters.geometry, maps.probability.geometry);
  ASSERT_EQ(maps.raters.size(), 5);
  for (int k = 0; k < 5; ++k) expect_mask(maps.raters.masks[k], made_.raters[k]);
  expect_mask(*maps.segmentation, made_.segmentation);
  expect_mask(*maps.roi, made_.roi);
}

TEST_F(CaseFiles, OnlyWhatIsWanted) {
  const CaseMaps neither = read_case_maps(item(), {}, {});
  EXPECT_FALSE(neither.segmentation || neither.roi);
  EXPECT_EQ(neither.raters.size(), 5);
  const CaseMaps roi = read_case_maps(item(), {}, {.roi = true});
  EXPECT_FALSE(roi.segmentation);
  expect_mask(*roi.roi, made_.roi);
  CohortCase without = item();
  without.roi.reset();
  EXPECT_FALSE(read_case_maps(without, {}, {.roi = true}).roi);
}

TEST_F(CaseFiles, RatersAlone) {
  const RaterSet raters = read_raters(item().raters);
  ASSERT_EQ(raters.size(), 5);
  expect_mask(raters.masks[4], made_.raters[4]);
}

TEST_F(CaseFiles, RoundingOfProbabilitiesIsTakenBack) {
  Volume<float> map = made_.probability;
  map.voxels[0] = 1.0000005F;
  map.voxels[1] = -5e-7F;
  const auto found = read_probability(write_map(map)).voxels;
  EXPECT_EQ(found[0], 1.0F);
  EXPECT_EQ(found[1], 0.0F);
}

TEST_F(CaseFiles, NoProbabilityIsRefusedWithItsPlace) {
  for (const float wrong : {1.5F, -0.1F, 1.00001F}) {
    Volume<float> map = made_.probability;
    map.voxels[(3 * 15 + 2) * 18 + 7] = wrong;
    EXPECT_THAT(test::error_message([&] { read_probability(write_map(map)); }),
                AllOf(HasSubstr("map.nrrd"), HasSubstr("x=7, y=2, z=3"), HasSubstr("is no probability, 0 to 1")));
  }
  Volume<float> map = made_.probability;
  map.voxels[18] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(test::error_message([&] { read_probability(write_map(map)); }),
              AllOf(HasSubstr("map.nrrd"), HasSubstr("NaN"), HasSubstr("x=0, y=1, z=0")));
}

TEST_F(CaseFiles, LabelsThatCountCanBeChosen) {
  Volume<std::uint8_t> labels = made_.vessels;  // 0, 1 and 5
  expect_mask(read_mask(write_labels(labels), {1, 5}).mask, labels);
  Volume<std::uint8_t> fives = labels;
  for (std::uint8_t& v : fives.voxels) v = v == 5 ? 1 : 0;
  ASSERT_GT(std::ranges::count(fives.voxels, 1), 0);
  expect_mask(read_mask(write_labels(labels), {5}).mask, fives);
  Volume<std::uint8_t> background = labels;
  for (std::uint8_t& v : background.voxels) v = v == 0 ? 1 : 0;
  expect_mask(read_mask(write_labels(labels), {0}).mask, background);
  EXPECT_EQ(count(read_mask(write_labels(labels), {7, 65535}).mask), 0);
}

TEST_F(CaseFiles, OtherLabelsThanZeroAndOneAreRefused) {
  EXPECT_THAT(test::error_message([&] { read_mask(write_labels(made_.vessels)); }),
              AllOf(HasSubstr("labels.nrrd: label 5 at x="), HasSubstr("0 and 1"), HasSubstr("--tumor-label")));
  Volume<float> fraction = made_.probability;
  EXPECT_THAT(test::error_message([&] { read_mask(write_map(fraction)); }), HasSubstr("is no label"));
}

TEST_F(CaseFiles, AMaskOfSeveralBlocksIsReadWhole) {
  Volume<std::uint8_t> labels;
  labels.geometry.size = {211, 127, 97};  // 2.6 million voxels
  for (std::int64_t i = 0; i < labels.geometry.voxel_count(); ++i)
    labels.voxels.push_back(static_cast<std::uint8_t>(i * 2654435761U >> 7 & 1));
  for (const char* name : {"large.nii.gz", "large.nrrd", "large.nii"})
    expect_mask(read_mask(write_labels(labels, name)).mask, labels);
}

TEST_F(CaseFiles, MoreRatersThanSixtyFourAreRefused) {
  CohortCase many = item();
  many.raters.assign(65, many.raters.front());
  EXPECT_THAT(test::error_message([&] { read_case_maps(many, {}, {}); }), HasSubstr("65 raters; at most 64"));
  EXPECT_THAT(test::error_message([&] { read_raters(many.raters); }), HasSubstr("65 raters; at most 64"));
  many.raters.pop_back();
  EXPECT_EQ(read_raters(many.raters).size(), 64);
}

TEST_F(CaseFiles, GridsThatDifferAreRefusedWithBothGeometries) {
  const auto with = [&](const std::function<void(Geometry&)>& change) {
    Volume<std::uint8_t> rater = made_.raters[2];
    change(rater.geometry);
    rater.voxels.resize(static_cast<std::size_t>(rater.geometry.voxel_count()));
    CohortCase changed = item();
    changed.raters[2] = write_labels(rater, "moved.nrrd");
    return test::error_message([&] { read_case_maps(changed, {}, {}); });
  };
  EXPECT_THAT(with([](Geometry& g) { g.origin_mm[0] += 500; }),
              AllOf(HasSubstr("moved.nrrd: lies on another grid than"), HasSubstr("probability.nii.gz"),
                    HasSubstr("origin 487.5, 30.25, -100"), HasSubstr("origin -12.5, 30.25, -100")));
  EXPECT_THAT(with([](Geometry& g) { g.size[1] = 14; }), AllOf(HasSubstr("18x14x12"), HasSubstr("18x15x12")));
  EXPECT_THAT(with([](Geometry& g) { g.spacing_mm[2] = 1.6; }),
              AllOf(HasSubstr("0.75x0.75x1.6 mm"), HasSubstr("x1.5 mm")));
  EXPECT_THAT(with([](Geometry& g) { g.direction = {-1, 0, 0, 0, -1, 0, 0, 0, 1}; }), HasSubstr("direction -1 0 0"));
}

TEST_F(CaseFiles, RoundingOfAGridIsAccepted) {
  Volume<std::uint8_t> rater = made_.raters[0];
  for (int a = 0; a < 3; ++a) {
    rater.geometry.origin_mm[a] += 1e-4;
    rater.geometry.spacing_mm[a] = static_cast<double>(static_cast<float>(rater.geometry.spacing_mm[a] * (1 + 1e-6)));
  }
  const double angle = 1e-5;
  rater.geometry.direction = {std::cos(angle), -std::sin(angle), 0, std::sin(angle), std::cos(angle), 0, 0, 0, 1};
  CohortCase changed = item();
  changed.raters[0] = write_labels(rater);
  EXPECT_EQ(read_case_maps(changed, {}, {}).raters.size(), 5);
}

TEST(SameGrid, ToleranceIsTwoPerCentOfAVoxelAtTheCorners) {
  Geometry a;
  a.size = {101, 11, 11};
  a.spacing_mm = {1, 2, 3};
  const auto accepted = [&](const Geometry& b) {
    try {
      require_same_grid(a, "a", b, "b");
      return true;
    } catch (const InputError&) {
      return false;
    }
  };
  Geometry b = a;
  b.origin_mm[1] = 0.019;
  EXPECT_TRUE(accepted(b));
  b.origin_mm[1] = 0.021;
  EXPECT_FALSE(accepted(b));
  b = a;
  b.spacing_mm[0] = 1.00019;  // the far corner by 0.019
  EXPECT_TRUE(accepted(b));
  b.spacing_mm[0] = 1.00021;
  EXPECT_FALSE(accepted(b));
}

TEST(RegionOfMarks, IsTheBoxOfProbabilitiesAndMarksGrownByTwenty) {
  Volume<float> map;
  map.geometry.size = {70, 60, 50};
  map.voxels.assign(70 * 60 * 50, 0.0F);
  RaterSet raters{map.geometry, std::vector<BitMask>(2, BitMask(map.geometry.shape()))};
  EXPECT_EQ(count(region_of_marks(map, raters)), 70 * 60 * 50);  // nothing at all: the whole grid
  const auto voxel = [](int z, int y, int x) { return (z * 60 + y) * 70 + x; };
  map.voxels[voxel(25, 30, 40)] = 1e-20F;
  raters.masks[1].set(voxel(27, 30, 45));
  const BitMask region = region_of_marks(map, raters);
  EXPECT_EQ(bounding_box(region), (Box3{{5, 10, 20}, {48, 51, 66}}));
  EXPECT_EQ(count(region), 43 * 41 * 46);
  map.voxels[voxel(0, 59, 69)] = 0.5F;  // clamped to the grid
  EXPECT_EQ(bounding_box(region_of_marks(map, raters)), (Box3{{0, 10, 20}, {48, 60, 70}}));
}

}  // namespace
}  // namespace twintrack

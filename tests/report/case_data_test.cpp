// What a report shows of a case: measured on the whole grid, cut and turned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_results.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/report/case_data.hpp"
#include "twintrack/report/grey_levels.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAreArray;
using testing::HasSubstr;

class CaseDataTest : public testing::Test {
 protected:
  CaseDataTest() : files_(write_results(folder_.path(), made_)) {}

  // The scan's voxel number of a shown voxel; x and y are stored from left to right and back to front.
  std::int64_t source_of(const DisplayGrid& grid, std::int64_t l, std::int64_t p, std::int64_t s) const {
    const auto& size = made_.ct.geometry.size;
    const std::int64_t x = grid.box.end[2] - 1 - l;
    const std::int64_t y = grid.box.end[1] - 1 - p;
    return ((grid.box.begin[0] + s) * size[1] + y) * size[0] + x;
  }
  void expect_shown(const CaseData& data, const ByteVolume& bytes, const auto& value) const {
    const auto& size = data.grid.size;
    std::int64_t different = 0;
    for (std::int64_t i = 0; i < data.grid.voxel_count(); ++i) {
      const std::int64_t voxel = source_of(data.grid, i % size[0], i / size[0] % size[1], i / (size[0] * size[1]));
      if (bytes[i] != value(voxel)) ++different;
    }
    EXPECT_EQ(different, 0);
  }

  TinyResults made_ = tiny_results();
  TemporaryFolder folder_;
  CaseFiles files_;
};

TEST_F(CaseDataTest, VolumesAreThoseOfTheWholeGrid) {
  const CaseData data = read_case_data(files_);
  const double voxel_mm3 = made_.ct.geometry.voxel_volume_mm3();
  EXPECT_THAT(data.maps[0].agreement_mm3, ElementsAreArray(agreement_volumes_mm3(made_.probability.voxels, voxel_mm3)));
  EXPECT_THAT(data.maps[1].agreement_mm3,
              ElementsAreArray(agreement_volumes_mm3(made_.uncalibrated.voxels, voxel_mm3)));
  double expected = 0;
  for (const float p : made_.probability.voxels) expected += p;
  EXPECT_NEAR(data.maps[0].expected_mm3, expected * voxel_mm3, 1e-6 * expected * voxel_mm3);
  const auto marked = std::ranges::count(made_.segmentation.voxels, 1);
  EXPECT_DOUBLE_EQ(data.tumor_volume_mm3.value(), static_cast<double>(marked) * voxel_mm3);
  // Rater k marked where more than k/6: at least k of 5 did there, too.
  for (int k = 0; k < 5; ++k) {
    const auto count = std::ranges::count(made_.raters[k].voxels, 1);
    EXPECT_DOUBLE_EQ(data.maps[2].agreement_mm3[k], static_cast<double>(count) * voxel_mm3);
  }
  EXPECT_EQ(data.maximum_probability, *std::ranges::max_element(made_.probability.voxels));
}

TEST_F(CaseDataTest, ImagesAreTheScansTurnedUpright) {
  const CaseData data = read_case_data(files_);
  expect_shown(data, data.ct, [&](std::int64_t i) { return level_of_hu(made_.ct.voxels[i]); });
  expect_shown(data, data.maps[0].bytes,
               [&](std::int64_t i) { return level_of_probability(made_.probability.voxels[i]); });
  expect_shown(data, data.maps[1].bytes,
               [&](std::int64_t i) { return level_of_probability(made_.uncalibrated.voxels[i]); });
  expect_shown(data, data.maps[2].bytes, [&](std::int64_t i) {
    int count = 0;
    for (const auto& rater : made_.raters) count += rater.voxels[i];
    return 51 * count;
  });
}

TEST_F(CaseDataTest, MasksAreBitsInTheirOrder) {
  const CaseData data = read_case_data(files_);
  std::vector<const Volume<std::uint8_t>*> expected{&made_.segmentation};
  for (const auto& rater : made_.raters) expected.push_back(&rater);
  expected.push_back(&made_.vessels);
  expected.push_back(&made_.roi);
  ASSERT_EQ(data.masks.size(), expected.size());
  ASSERT_EQ(data.mask_bits.size(), 1u);
  expect_shown(data, data.mask_bits[0], [&](std::int64_t i) {
    int byte = 0;
    for (std::size_t m = 0; m < expected.size(); ++m) byte |= expected[m]->voxels[i] << m;
    return byte;
  });
  EXPECT_EQ(data.masks[0].kind, MaskKind::segmentation);
  EXPECT_EQ(data.masks[1].name, "Rater 1");
  EXPECT_EQ(data.masks[6].name, "portal_vein");
  EXPECT_EQ(data.masks[7].kind, MaskKind::region);
}

TEST_F(CaseDataTest, ThePartShownIsTheRegionWithAMarginAndWhatRatersMarked) {
  const auto& geometry = made_.ct.geometry;
  const CaseData by_region = read_case_data(files_);
  EXPECT_EQ(by_region.grid.box, with_margin(*by_region.region, 25, geometry));
  EXPECT_LT(by_region.grid.voxel_count(), geometry.voxel_count());

  CaseFiles marks = files_;
  marks.roi.reset();
  const CaseData by_marks = read_case_data(marks);
  EXPECT_FALSE(by_marks.region.has_value());
  EXPECT_LT(by_marks.grid.voxel_count(), by_region.grid.voxel_count());

  made_.raters[0].voxels.front() = 1;
  write_volume(files_.raters[0], made_.raters[0]);
  EXPECT_EQ(read_case_data(files_).grid.box.begin, (Shape3{0, 0, 0}));
}

TEST_F(CaseDataTest, WithoutAnyMarkTheBodyIsShown) {
  Volume<float> nothing = made_.probability;
  std::ranges::fill(nothing.voxels, 0.0F);
  CaseFiles files;
  files.name = "empty";
  files.image = files_.image;
  files.probability = folder_ / "nothing.nii.gz";
  write_volume(files.probability, nothing);
  const CaseData data = read_case_data(files);
  EXPECT_GT(data.grid.voxel_count(), 0);
  EXPECT_THAT(data.maps[0].agreement_mm3, testing::Each(0));
  EXPECT_TRUE(data.masks.empty());
  EXPECT_TRUE(data.vascular.is_null());
  EXPECT_FALSE(data.tumor_volume_mm3.has_value());
}

TEST_F(CaseDataTest, ContactAnglesAreThoseOfTheEvaluation) {
  const Vessels vessels = read_vessels(*files_.vessels, challenge_vessels());
  const Json expected = to_json(vascular_contact(made_.probability, vessels.masks));
  const CaseData data = read_case_data(files_);
  EXPECT_EQ(data.vascular["portal_vein"]["prediction"], expected["portal_vein"]);
  EXPECT_EQ(data.vascular["portal_vein"]["raters"]["degrees"].size(), 5u);
  EXPECT_TRUE(data.vascular["smv"]["prediction"].is_null());

  CaseFiles alone = files_;
  alone.raters.clear();
  EXPECT_EQ(read_case_data(alone).vascular["portal_vein"], (Json{{"prediction", expected["portal_vein"]}}));
}

TEST_F(CaseDataTest, FilesOfAnotherGridAreRefusedByName) {
  const auto expect_refused = [&](CaseFiles files, const fs::path& file) {
    EXPECT_THAT(error_message([&] { read_case_data(files); }), HasSubstr(file.string() + ": lies on another grid"));
  };
  Geometry moved = made_.ct.geometry;
  moved.origin_mm[0] += 5;
  const fs::path other = folder_ / "other.nii.gz";
  write_volume(other, Volume<std::uint8_t>{moved, made_.vessels.voxels});
  CaseFiles files = files_;
  files.image = other;
  expect_refused(files, other);
  files = files_;
  files.vessels = other;
  expect_refused(files, other);
  files = files_;
  files.raters[3] = other;
  expect_refused(files, other);
  files = files_;
  files.uncalibrated = other;
  expect_refused(files, other);
  files = files_;
  files.roi = other;
  expect_refused(files, other);
}

TEST_F(CaseDataTest, ThinnedImagesAreMeansAndFiguresStay) {
  const CaseData fine = read_case_data(files_);
  const CaseData coarse = thinned(fine, 2);
  EXPECT_THAT(coarse.grid.block, testing::ElementsAre(2, 2, 1));
  EXPECT_EQ(coarse.maps[0].agreement_mm3, fine.maps[0].agreement_mm3);
  const auto at = [&](const ByteVolume& bytes, std::int64_t l, std::int64_t p, std::int64_t s) -> double {
    return bytes[(s * fine.grid.size[1] + p) * fine.grid.size[0] + l];
  };
  const auto& size = coarse.grid.size;
  for (std::int64_t i = 0; i < coarse.grid.voxel_count(); ++i) {
    const std::int64_t l = 2 * (i % size[0]);
    const std::int64_t p = 2 * (i / size[0] % size[1]);
    const std::int64_t s = i / (size[0] * size[1]);
    if (l + 1 >= fine.grid.size[0] || p + 1 >= fine.grid.size[1]) continue;
    const auto mean = [&](const ByteVolume& bytes, const auto& value) {
      return (value(at(bytes, l, p, s)) + value(at(bytes, l + 1, p, s)) + value(at(bytes, l, p + 1, s)) +
              value(at(bytes, l + 1, p + 1, s))) /
             4;
    };
    ASSERT_NEAR(coarse.maps[0].bytes[i], mean(fine.maps[0].bytes, [](double byte) { return byte; }), 0.5);
    const double hu = mean(fine.ct, [](double level) -> double { return hu_of_levels()[static_cast<int>(level)]; });
    ASSERT_EQ(coarse.ct[i], level_of_hu(static_cast<float>(hu)));
    for (int bit = 0; bit < 8; ++bit) {
      const double share =
          mean(fine.mask_bits[0], [&](double byte) -> double { return static_cast<int>(byte) >> bit & 1; });
      ASSERT_EQ(coarse.mask_bits[0][i] >> bit & 1, share >= 0.5 ? 1 : 0);
    }
  }
}

}  // namespace
}  // namespace twintrack::test

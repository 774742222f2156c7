// Labels beside a preprocessed image: closed forms, and batchgenerators' rule on cases that decide it.
#include "twintrack/training/segmentation_resampling.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "support/error_message.hpp"
#include "twintrack/core/random.hpp"

namespace twintrack {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Volume<std::uint16_t> map_of(std::array<std::int64_t, 3> size, std::vector<std::uint16_t> labels) {
  Volume<std::uint16_t> map;
  map.geometry.size = size;
  map.voxels = std::move(labels);
  return map;
}

Plans plans_of(const Spacing3& spacing_mm, std::array<int, 3> transpose = {0, 1, 2}) {
  Plans plans;
  plans.spacing_mm = spacing_mm;
  plans.transpose_forward = transpose;
  plans.channels = {{Normalization::none, false, {}}};
  return plans;
}

// The image is 1 everywhere: nothing is cropped.
Preprocessed image_beside(const Geometry& geometry, const Plans& plans) {
  const Volume<float> image{geometry, std::vector<float>(geometry.voxel_count(), 1.0F)};
  return preprocess(image, {{0, 0, 0}, geometry.shape()}, plans);
}

std::vector<std::int16_t> resampled(const Volume<std::uint16_t>& map, const Plans& plans) {
  return preprocess_labels(map, image_beside(map.geometry, plans), plans);
}

Volume<std::uint16_t> random_map(std::array<std::int64_t, 3> size, int labels, std::uint64_t seed) {
  Volume<std::uint16_t> map = map_of(size, {});
  Random random(seed, 0);
  for (std::int64_t i = 0; i < map.geometry.voxel_count(); ++i)
    map.voxels.push_back(static_cast<std::uint16_t>(random.below(labels)));
  return map;
}

TEST(SegmentationResampling, WithoutAChangeOfShapeLabelsStay) {
  const auto map = random_map({7, 5, 3}, 9, 1);
  const auto labels = resampled(map, plans_of({1, 1, 1}));
  EXPECT_TRUE(std::equal(labels.begin(), labels.end(), map.voxels.begin(), map.voxels.end()));
}

TEST(SegmentationResampling, HalvingAsksTwoNeighboursAndATieGoesToTheLargerLabel) {
  const auto map = map_of({8, 1, 1}, {0, 0, 1, 1, 0, 2, 3, 1});
  EXPECT_THAT(resampled(map, plans_of({1, 1, 2})), ElementsAre(0, 1, 2, 3));
}

TEST(SegmentationResampling, WhereNoLabelReachesHalfThereIsBackground) {
  // Pairs of pairs: three labels of a quarter, a quarter, a half or four of a quarter each.
  const auto map = map_of({4, 2, 1}, {1, 2, 1, 2, 3, 3, 3, 4});
  EXPECT_THAT(resampled(map, plans_of({1, 2, 2})), ElementsAre(3, 0));
}

TEST(SegmentationResampling, DoublingKeepsEveryVoxelAndMakesNoNewLabel) {
  const auto map = map_of({4, 1, 1}, {0, 5, 5, 7});
  EXPECT_THAT(resampled(map, plans_of({1, 1, 0.5})), ElementsAre(0, 0, 5, 5, 5, 5, 7, 7));
}

TEST(SegmentationResampling, AlongASeparateAxisTheNearestSliceCounts) {
  // Slices 4 mm apart become slices 2 mm apart: each appears twice, whatever the labels beside it.
  Volume<std::uint16_t> map = map_of({2, 2, 3}, {1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 2});
  map.geometry.spacing_mm = {1, 1, 4};
  EXPECT_THAT(resampled(map, plans_of({2, 1, 1})),
              ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2));
}

TEST(SegmentationResampling, LabelsFollowTheImagesTransposition) {
  auto map = map_of({3, 2, 1}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(resampled(map, plans_of({1, 1, 1}, {0, 2, 1})), ElementsAre(1, 4, 2, 5, 3, 6));
}

TEST(SegmentationResampling, LabelsAreCroppedWhereTheImageIsZeroAndToTheBox) {
  const auto map = map_of({5, 2, 1}, {9, 1, 2, 3, 9, 9, 4, 5, 6, 9});
  Volume<float> image{map.geometry, {7, 0, 1, 1, 7, 7, 0, 1, 1, 7}};
  const Plans plans = plans_of({1, 1, 1});
  const auto inside = preprocess(image, {{0, 0, 1}, {1, 2, 4}}, plans);
  EXPECT_THAT(preprocess_labels(map, inside, plans), ElementsAre(2, 3, 5, 6));
}

// Expected: resize_segmentation of batchgenerators 0.25.1 with scikit-image 0.26, to shape (4, 3, 7), order 1.
TEST(SegmentationResampling, AgreesWithBatchgenerators) {
  std::vector<std::uint16_t> labels;
  for (int i = 0; i < 60; ++i) labels.push_back(static_cast<std::uint16_t>(i * i / 3 % 7 % 3));
  Volume<std::uint16_t> map = map_of({5, 4, 3}, labels);
  map.geometry.spacing_mm = {7, 3, 4};
  EXPECT_THAT(
      resampled(map, plans_of({3, 4, 5})),
      testing::ElementsAreArray({0, 0, 0, 1, 0, 0, 2, 2, 2, 2, 2, 0, 0, 2, 2, 2, 1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
                                 2, 2, 2, 2, 0, 0, 0, 2, 2, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 0, 0,
                                 2, 2, 2, 1, 2, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 2, 2, 2, 2, 2, 0, 0, 2, 2, 1, 0, 2}));
}

// The definition, label by label, on the maps that `resize` interpolates. Weights are multiples of 1/64: no rounding.
TEST(SegmentationResampling, AgreesWithTheInterpolationOfEachLabelsMap) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto map = random_map({12, 8, 6}, 4, seed);
    Plans plans = plans_of({0.5, 2, 0.5});
    plans.data_resampling.force_separate_z = false;
    const Preprocessed image = image_beside(map.geometry, plans);
    std::vector<std::int16_t> expected(voxel_count(image.shape), 0);
    for (std::int16_t label = 1; label < 4; ++label) {
      std::vector<float> of_label;
      for (const std::uint16_t value : map.voxels) of_label.push_back(value == label ? 1.0F : 0.0F);
      const auto share = resize(of_label, map.geometry.shape(), image.shape, 1);
      for (std::size_t i = 0; i < share.size(); ++i) {
        if (share[i] >= 0.5F) expected[i] = label;
      }
    }
    EXPECT_EQ(preprocess_labels(map, image, plans), expected);
  }
}

TEST(SegmentationResampling, ALabelThatTrainingCannotHoldIsNamed) {
  EXPECT_THAT(test::error_message([] {
                resampled(map_of({1, 1, 1}, {32768}), plans_of({1, 1, 1}));
              }),
              HasSubstr("label 32768; labels for training may be 0 to 32767"));
}

TEST(SegmentationResampling, AMapOfAnotherExtentIsRefused) {
  const auto map = random_map({4, 4, 4}, 2, 1);
  const Plans plans = plans_of({1, 1, 1});
  const Preprocessed image = image_beside(map.geometry, plans);
  EXPECT_THROW(preprocess_labels(random_map({4, 4, 3}, 2, 1), image, plans), InputError);
}

TEST(SoftResampling, TheMapOfOneRaterReachesHalfWhereTheirLabelIsSet) {
  for (const Spacing3& spacing : {Spacing3{1, 1, 1}, Spacing3{1, 2, 0.5}, Spacing3{2, 0.5, 0.5}}) {
    auto map = random_map({8, 8, 6}, 2, 3);
    map.geometry.spacing_mm = {1, 1, 4};
    const Volume<float> share{map.geometry, {map.voxels.begin(), map.voxels.end()}};
    const Plans plans = plans_of(spacing);
    const Preprocessed image = image_beside(map.geometry, plans);
    const auto labels = preprocess_labels(map, image, plans);
    const auto soft = preprocess_soft(share, image, plans);
    ASSERT_EQ(soft.size(), labels.size());
    for (std::size_t i = 0; i < soft.size(); ++i) EXPECT_EQ(soft[i] >= 0.5F, labels[i] == 1) << i;
  }
}

TEST(SoftResampling, SharesAreInterpolatedAndStayShares) {
  Volume<float> share{{}, {0, 0.2F, 0.4F, 1}};
  share.geometry.size = {4, 1, 1};
  const Plans plans = plans_of({1, 1, 2});
  const auto soft = preprocess_soft(share, image_beside(share.geometry, plans), plans);
  EXPECT_THAT(soft, ElementsAre(testing::FloatEq(0.1F), testing::FloatEq(0.7F)));
}

}  // namespace
}  // namespace twintrack

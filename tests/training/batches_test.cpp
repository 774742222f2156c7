// What a batch is made of: decided by the recipe, the epoch and the iteration, and by nothing else.
#include "twintrack/training/batches.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "twintrack/augmentation/deep_supervision.hpp"
#include "twintrack/training/batch_loader.hpp"

namespace twintrack {
namespace {

using testing::Each;

const Shape3 kShape{10, 14, 12};
const Shape3 kPatch{4, 8, 8};

// Two cases whose images number their voxels, one up and one down; label 1 is a block, label 2 a corner of it.
class Batches : public testing::Test {
 protected:
  Batches() {
    for (int c = 0; c < 2; ++c) {
      std::vector<float>& image = images_[c];
      image.resize(voxel_count(kShape));
      std::iota(image.begin(), image.end(), 1.0F);
      if (c == 1) std::ranges::reverse(image);
      for (float& value : image) value /= 1000;
      for (std::int64_t i = 0; i < voxel_count(kShape); ++i) {
        const Shape3 p{i / 168, i / 12 % 14, i % 12};
        const bool block = p[0] >= 3 && p[0] < 8 && p[1] >= 4 && p[1] < 10 && p[2] >= 4 && p[2] < 9;
        const std::int16_t label = !block ? 0 : p[0] < 5 ? 2 : 1;
        labels_[c].push_back(label);
        soft_[c].push_back(label == 2 ? 0.8F : label == 1 ? 0.2F : 0.0F);
        if (label > 0) foreground_[c][label - 1].push_back(i);
      }
      CachedCase item;
      item.shape = kShape;
      item.image = image;
      item.labels = labels_[c];
      item.foreground = {foreground_[c][0], foreground_[c][1]};
      cases_.push_back(item);
    }
    recipe_.sampling = {kPatch, kPatch, 3, 0.33, 5};
    recipe_.augmentation = no_augmentation();
    recipe_.target_shapes = {kPatch, {4, 4, 4}, {2, 2, 2}};
  }

  void augment() { recipe_.augmentation = default_augmentation(kPatch, {0, 1, 2}); }
  TrainingBatch batch(std::int64_t epoch, std::int64_t iteration) const {
    return make_batch(cases_, recipe_, epoch, iteration);
  }

  std::array<std::vector<float>, 2> images_, soft_;
  std::array<std::vector<std::int16_t>, 2> labels_;
  std::array<std::array<std::vector<std::int64_t>, 2>, 2> foreground_;
  std::vector<CachedCase> cases_;
  BatchRecipe recipe_;
};

void expect_equal(const TrainingBatch& a, const TrainingBatch& b) {
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.images, b.images);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.soft, b.soft);
}

TEST_F(Batches, WithoutAugmentationSamplesAreCutWhereTheSamplerSays) {
  const TrainingBatch made = batch(2, 3);
  const std::size_t voxels = voxel_count(kPatch);
  ASSERT_EQ(made.samples, 3);
  ASSERT_EQ(made.images.size(), 3 * voxels);
  for (std::int64_t i = 0; i < 3; ++i) {
    const PatchPlace place = draw(cases_, recipe_.sampling, {2, 3, i});
    const Patch expected = cut(cases_[place.case_index], place.begin, kPatch);
    const auto part = [&](const auto& values) {
      return std::vector(values.begin() + i * voxels, values.begin() + (i + 1) * voxels);
    };
    EXPECT_EQ(part(made.images), expected.image);
    EXPECT_EQ(part(made.labels[0]), expected.labels);
  }
}

TEST_F(Batches, TargetsHaveEveryResolution) {
  augment();
  for (CachedCase& item : cases_) item.soft = soft_[&item - cases_.data()];
  const TrainingBatch made = batch(0, 0);
  ASSERT_EQ(made.labels.size(), 3u);
  ASSERT_EQ(made.soft.size(), 3u);
  for (std::size_t r = 0; r < 3; ++r) {
    const Shape3& shape = recipe_.target_shapes[r];
    const std::size_t voxels = voxel_count(shape);
    ASSERT_EQ(made.labels[r].size(), 3 * voxels);
    ASSERT_EQ(made.soft[r].size(), 3 * voxels);
    for (std::size_t sample = 0; sample < 3; ++sample) {
      const std::vector<std::int16_t> fine(made.labels[0].begin() + sample * voxel_count(kPatch),
                                           made.labels[0].begin() + (sample + 1) * voxel_count(kPatch));
      const std::vector<std::int16_t> coarse(made.labels[r].begin() + sample * voxels,
                                             made.labels[r].begin() + (sample + 1) * voxels);
      EXPECT_EQ(coarse, downsample_labels(fine, kPatch, shape));
    }
    EXPECT_THAT(made.soft[r], Each(testing::AllOf(testing::Ge(0.0F), testing::Le(1.0F))));
  }
}

TEST_F(Batches, TheLastSamplesShowForeground) {
  for (std::int64_t iteration = 0; iteration < 20; ++iteration) {
    const TrainingBatch made = batch(0, iteration);
    const auto last = made.labels[0].begin() + 2 * voxel_count(kPatch);
    EXPECT_TRUE(std::any_of(last, made.labels[0].end(), [](auto label) { return label > 0; })) << iteration;
  }
}

TEST_F(Batches, DependOnEpochIterationAndSeedAlone) {
  augment();
  const TrainingBatch one = batch(1, 2);
  expect_equal(batch(1, 2), one);
  EXPECT_NE(batch(2, 1).images, one.images);
  EXPECT_NE(batch(1, 3).images, one.images);
  recipe_.sampling.seed = 6;
  EXPECT_NE(batch(1, 2).images, one.images);
}

TEST_F(Batches, AreTheSameForAnyNumberOfWorkers) {
  augment();
  std::vector<TrainingBatch> expected;
  for (std::int64_t i = 0; i < 24; ++i) expected.push_back(batch(i / 8, i % 8));
  for (const int workers : {1, 2, 5}) {
    BatchLoader loader(0, 24, workers, [&](std::int64_t i) { return batch(i / 8, i % 8); });
    for (const TrainingBatch& one : expected) expect_equal(loader.next(), one);
  }
}

TEST_F(Batches, AugmentationChangesPatchesButNotWhatTheyShow) {
  std::vector<TrainingBatch> plain;
  for (std::int64_t iteration = 0; iteration < 8; ++iteration) plain.push_back(batch(0, iteration));
  augment();
  int changed = 0;
  for (std::int64_t iteration = 0; iteration < 8; ++iteration) {
    const TrainingBatch made = batch(0, iteration);
    changed += made.images != plain[iteration].images ? 1 : 0;
    for (const std::int16_t label : made.labels[0]) ASSERT_TRUE(label >= 0 && label <= 2);
  }
  EXPECT_GE(changed, 7);
}

}  // namespace
}  // namespace twintrack

// Where patches are taken from, and what is in them.
#include "twintrack/training/patch_sampler.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "support/error_message.hpp"

namespace twintrack {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A case in memory whose image numbers its voxels from 1.
class Case {
 public:
  explicit Case(const Shape3& shape, const std::vector<std::vector<std::int64_t>>& foreground = {},
                std::vector<std::int64_t> annotated = {})
      : image_(voxel_count(shape)), labels_(image_.size()), foreground_(foreground), annotated_(std::move(annotated)) {
    std::iota(image_.begin(), image_.end(), 1.0F);
    for (std::size_t c = 0; c < foreground.size(); ++c) {
      for (const std::int64_t voxel : foreground[c]) labels_[voxel] = static_cast<std::int16_t>(c + 1);
    }
    item_.shape = shape;
    item_.image = image_;
    item_.labels = labels_;
    item_.foreground.assign(foreground_.begin(), foreground_.end());
    item_.annotated = annotated_;
  }
  const CachedCase& item() const { return item_; }

 private:
  std::vector<float> image_;
  std::vector<std::int16_t> labels_;
  std::vector<std::vector<std::int64_t>> foreground_;
  std::vector<std::int64_t> annotated_;
  CachedCase item_;
};

SamplingRule rule_of(const Shape3& patch, const Shape3& drawn, std::int64_t batch_size = 2) {
  SamplingRule rule;
  rule.patch_shape = patch;
  rule.drawn_shape = drawn;
  rule.batch_size = batch_size;
  rule.seed = 7;
  return rule;
}

bool contains_label(const Patch& patch, std::int16_t label) {
  return std::find(patch.labels.begin(), patch.labels.end(), label) != patch.labels.end();
}

TEST(Draw, ForcedSamplesShowForegroundWithinThePatch) {
  // Corners, edges and the middle, for images larger and smaller than the patch.
  for (const Shape3& shape : {Shape3{20, 24, 30}, Shape3{3, 24, 9}, Shape3{1, 1, 1}, Shape3{9, 10, 11}}) {
    const std::int64_t last = voxel_count(shape) - 1;
    const Case made(shape, {{0}, {last}, {}, {last / 2}});
    for (const Shape3& drawn : {Shape3{8, 10, 12}, Shape3{9, 13, 19}, Shape3{8, 15, 12}}) {
      const SamplingRule rule = rule_of({8, 10, 12}, drawn);
      for (std::int64_t i = 0; i < 200; ++i) {
        const PatchPlace place = draw(std::span(&made.item(), 1), rule, {0, i, 1});
        ASSERT_TRUE(place.forced_foreground);
        const Patch patch = cut(made.item(), patch_begin(place.begin, rule), rule.patch_shape);
        EXPECT_TRUE(std::any_of(patch.labels.begin(), patch.labels.end(), [](auto label) { return label > 0; }));
      }
    }
  }
}

TEST(Draw, ForcedClassesAreDrawnAlikeHoweverLargeTheyAre) {
  std::vector<std::int64_t> large(500);
  std::iota(large.begin(), large.end(), std::int64_t{0});
  const Case made({1, 1, 4000}, {{3900}, {}, large});
  int small = 0;
  for (std::int64_t i = 0; i < 4000; ++i) {
    const PatchPlace place = draw(std::span(&made.item(), 1), rule_of({1, 1, 3}, {1, 1, 3}), {0, i, 1});
    small += place.begin[2] == 3899 ? 1 : 0;
  }
  EXPECT_NEAR(small, 2000, 160);  // five standard deviations
}

TEST(Draw, AThirdOfABatchIsForcedAsNnUNetRounds) {
  const Case made({9, 9, 9}, {{400}});
  const auto forced = [&](std::int64_t batch) {
    std::int64_t count = 0;
    for (std::int64_t j = 0; j < batch; ++j)
      count += draw(std::span(&made.item(), 1), rule_of({3, 3, 3}, {3, 3, 3}, batch), {4, 2, j}).forced_foreground;
    return count;
  };
  // batch - round(0.67 batch)
  EXPECT_EQ(forced(2), 1);
  EXPECT_EQ(forced(3), 1);
  EXPECT_EQ(forced(4), 1);
  EXPECT_EQ(forced(5), 2);
  EXPECT_EQ(forced(12), 4);
}

TEST(Draw, ASingleSampleIsForcedWithTheProbabilityOfItsShare) {
  const Case made({9, 9, 9}, {{400}});
  int forced = 0;
  for (std::int64_t i = 0; i < 5000; ++i)
    forced += draw(std::span(&made.item(), 1), rule_of({3, 3, 3}, {3, 3, 3}, 1), {0, i, 0}).forced_foreground;
  EXPECT_NEAR(forced, 1650, 170);
}

TEST(Draw, OtherSamplesCoverTheImageAndDoNotLeaveItByMoreThanDrawingAdds) {
  const Case made({1, 1, 20});
  const SamplingRule rule = rule_of({1, 1, 6}, {1, 1, 9});
  std::map<std::int64_t, int> begins;
  for (std::int64_t i = 0; i < 3400; ++i) ++begins[draw(std::span(&made.item(), 1), rule, {0, i, 0}).begin[2]];
  // need_to_pad = 3: from -(3 // 2 + 1) to 20 + 2 - 9.
  EXPECT_EQ(begins.begin()->first, -2);
  EXPECT_EQ(begins.rbegin()->first, 13);
  EXPECT_EQ(begins.size(), 16u);
  for (const auto& [begin, count] : begins) EXPECT_NEAR(count, 212.5, 75) << begin;
  EXPECT_LE(patch_begin({0, 0, -2}, rule)[2], 0);
  EXPECT_GE(patch_begin({0, 0, 13}, rule)[2] + 6, 20);
}

TEST(Draw, AnImageSmallerThanThePatchLiesInItWhole) {
  const Case made({2, 5, 4});
  const SamplingRule rule = rule_of({6, 5, 7}, {6, 5, 7});
  for (std::int64_t i = 0; i < 100; ++i) {
    const PatchPlace place = draw(std::span(&made.item(), 1), rule, {0, i, 0});
    const Patch patch = cut(made.item(), place.begin, rule.drawn_shape);
    EXPECT_EQ(std::count(patch.image.begin(), patch.image.end(), 0.0F), 6 * 5 * 7 - 2 * 5 * 4);
  }
}

TEST(Draw, DependsOnTheKeyAloneAndOnAllOfIt) {
  const Case a({40, 50, 60}, {{7, 8, 9}});
  const Case b({30, 30, 30}, {{70, 80, 90}});
  const std::vector<CachedCase> cases{a.item(), b.item()};
  SamplingRule rule = rule_of({4, 4, 4}, {6, 6, 6}, 4);
  const auto drawn = [&](const SampleKey& key) {
    const PatchPlace place = draw(cases, rule, key);
    return std::pair(place.case_index, place.begin);
  };
  const auto before = drawn({1, 2, 0});
  std::set<std::pair<std::int64_t, Shape3>> all;
  for (std::int64_t i = 0; i < 100; ++i) all.insert({drawn({i, 0, 0}), drawn({0, i + 1, 0}), drawn({100 + i, 0, 1})});
  EXPECT_GT(all.size(), 290u);
  EXPECT_EQ(drawn({1, 2, 0}), before);
  EXPECT_NE(drawn({2, 1, 0}), before);
  EXPECT_NE(drawn({1, 2, 1}), before);
  rule.seed = 8;
  EXPECT_NE(drawn({1, 2, 0}), before);
}

TEST(Draw, CasesAreDrawnAlike) {
  const Case a({3, 3, 3});
  const Case b({30, 30, 30});
  const std::vector<CachedCase> cases{a.item(), b.item(), a.item()};
  std::array<int, 3> counts{};
  for (std::int64_t i = 0; i < 3000; ++i) ++counts[draw(cases, rule_of({3, 3, 3}, {3, 3, 3}), {0, i, 0}).case_index];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 130);
}

TEST(Draw, WithoutForegroundAForcedSampleIsAnyOther) {
  const Case made({9, 9, 9}, {{}, {}});
  EXPECT_FALSE(draw(std::span(&made.item(), 1), rule_of({3, 3, 3}, {3, 3, 3}), {0, 0, 1}).forced_foreground);
}

TEST(Draw, WhereLabelsCanBeIgnoredEveryCentreIsAnnotated) {
  const Case made({1, 1, 100}, {{}}, {17, 60});
  std::set<std::int64_t> begins;
  for (std::int64_t i = 0; i < 200; ++i) {
    begins.insert(draw(std::span(&made.item(), 1), rule_of({1, 1, 5}, {1, 1, 5}), {0, i, i % 2}).begin[2]);
  }
  EXPECT_THAT(begins, ElementsAre(15, 58));
}

TEST(Draw, WhatCannotBeDrawnIsRefused) {
  const Case made({4, 4, 4});
  EXPECT_THAT(test::error_message([] { draw({}, rule_of({1, 1, 1}, {1, 1, 1}), {}); }), HasSubstr("no case"));
  EXPECT_THAT(test::error_message([&] {
                draw(std::span(&made.item(), 1), rule_of({1, 4, 1}, {1, 3, 1}), {});
              }),
              HasSubstr("a patch of 4 voxels drawn as 3 on axis 1"));
}

TEST(Cut, IsThePartOfTheCaseWithZerosAroundIt) {
  const Shape3 shape{3, 4, 5};
  const Case made(shape, {{0, 21, 59}});
  for (const Shape3& begin :
       {Shape3{0, 0, 0}, Shape3{-2, 1, 3}, Shape3{2, -3, -1}, Shape3{-9, 0, 0}, Shape3{0, 0, 99}}) {
    const Shape3 size{4, 3, 6};
    const Patch patch = cut(made.item(), begin, size);
    EXPECT_TRUE(patch.soft.empty());
    std::size_t i = 0;
    for (std::int64_t z = begin[0]; z < begin[0] + size[0]; ++z) {
      for (std::int64_t y = begin[1]; y < begin[1] + size[1]; ++y) {
        for (std::int64_t x = begin[2]; x < begin[2] + size[2]; ++x, ++i) {
          const bool inside = std::min({z, y, x}) >= 0 && z < shape[0] && y < shape[1] && x < shape[2];
          const std::int64_t voxel = (z * shape[1] + y) * shape[2] + x;
          ASSERT_EQ(patch.image[i], inside ? static_cast<float>(voxel + 1) : 0.0F);
          ASSERT_EQ(patch.labels[i], inside ? made.item().labels[voxel] : 0);
        }
      }
    }
  }
}

TEST(Cut, TakesEveryChannelAndTheSoftMap) {
  const std::vector<float> image{1, 2, 3, 10, 20, 30};
  const std::vector<std::int16_t> labels{0, 1, 2};
  const std::vector<float> soft{0.2F, 0.4F, 0.6F};
  CachedCase item;
  item.shape = {1, 1, 3};
  item.channels = 2;
  item.image = image;
  item.labels = labels;
  item.soft = soft;
  const Patch patch = cut(item, {0, 0, 1}, {1, 1, 3});
  EXPECT_EQ(patch.channels, 2);
  EXPECT_THAT(patch.image, ElementsAre(2, 3, 0, 20, 30, 0));
  EXPECT_THAT(patch.labels, ElementsAre(1, 2, 0));
  EXPECT_THAT(patch.soft, ElementsAre(0.4F, 0.6F, 0));
}

TEST(Draw, ForcedPlacesAreCentredOnTheVoxelAndClampedBelowOnly) {
  const Case made({1, 1, 50}, {{48}, {1}});
  const SamplingRule rule = rule_of({1, 1, 8}, {1, 1, 11});
  std::set<std::int64_t> begins;
  for (std::int64_t i = 0; i < 50; ++i) begins.insert(draw(std::span(&made.item(), 1), rule, {0, i, 1}).begin[2]);
  EXPECT_THAT(begins, ElementsAre(-2, 43));
  const Case only({1, 1, 50}, {{25}});
  EXPECT_EQ(draw(std::span(&only.item(), 1), rule, {0, 0, 1}).begin[2], 20);
  EXPECT_TRUE(contains_label(cut(only.item(), {0, 0, 20}, {1, 1, 11}), 1));
}

}  // namespace
}  // namespace twintrack

// What follows from raters' marks, against the same read voxel by voxel.
#include "twintrack/cohort/rater_set.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "twintrack/core/parallel.hpp"

namespace twintrack {
namespace {

struct Scene {
  Shape3 shape;
  int raters;
};
const Scene kScenes[] = {{{1, 1, 1}, 1}, {{3, 5, 7}, 2}, {{4, 4, 64}, 5}, {{5, 7, 11}, 64}, {{70, 80, 60}, 3}};

RaterSet random_raters(const Scene& scene, unsigned seed) {
  std::mt19937 random(seed);
  Geometry geometry;
  geometry.size = {scene.shape[2], scene.shape[1], scene.shape[0]};
  RaterSet raters{geometry, std::vector<BitMask>(scene.raters, BitMask(scene.shape))};
  for (std::int64_t i = 0; i < voxel_count(scene.shape); ++i) {
    const unsigned percent = i / 100 % 3 == 0 ? 60 : 0;
    for (BitMask& mask : raters.masks) {
      if (random() % 100 < percent) mask.set(i);
    }
  }
  return raters;
}

std::uint64_t pattern_of(const RaterSet& raters, std::int64_t voxel) {
  std::uint64_t pattern = 0;
  for (int k = 0; k < raters.size(); ++k) pattern |= std::uint64_t{raters.masks[k][voxel] ? 1U : 0U} << k;
  return pattern;
}

TEST(RaterSet, CountsOfAnyRange) {
  for (const Scene& scene : kScenes) {
    const RaterSet raters = random_raters(scene, 1);
    const std::int64_t size = voxel_count(scene.shape);
    for (const std::int64_t begin : {std::int64_t{0}, std::int64_t{64}, size / 128 * 64}) {
      for (const std::int64_t length : {std::int64_t{1}, std::int64_t{63}, std::int64_t{64}, size}) {
        if (begin + length > size) continue;
        std::vector<std::uint8_t> counts(static_cast<std::size_t>(length), 99);
        rater_counts(raters, begin, counts);
        for (std::int64_t i = 0; i < length; ++i)
          ASSERT_EQ(counts[i], std::popcount(pattern_of(raters, begin + i))) << begin << '+' << i;
      }
    }
  }
}

TEST(RaterSet, PatternsAreThoseThatOccurOnAnyNumberOfThreads) {
  for (const Scene& scene : kScenes) {
    const RaterSet raters = random_raters(scene, 2);
    std::map<std::uint64_t, std::int64_t> expected;
    for (std::int64_t i = 0; i < voxel_count(scene.shape); ++i) ++expected[pattern_of(raters, i)];
    for (const int threads : {1, 3}) {
      set_thread_count(threads);
      const auto found = rater_patterns(raters);
      ASSERT_EQ(found.size(), expected.size());
      std::size_t place = 0;
      for (const auto& [pattern, voxels] : expected) {
        EXPECT_EQ(found[place].pattern, pattern);
        EXPECT_EQ(found[place++].voxels, voxels);
      }
    }
    set_thread_count(available_processors());
  }
}

TEST(RaterSet, VoxelsWithChosenPatterns) {
  for (const Scene& scene : kScenes) {
    const RaterSet raters = random_raters(scene, 3);
    const auto patterns = rater_patterns(raters);
    for (const unsigned seed : {1U, 2U, 3U}) {
      std::mt19937 random(seed);
      std::vector<bool> chosen;
      std::map<std::uint64_t, bool> is_chosen;
      for (const RaterPattern& p : patterns) is_chosen[p.pattern] = chosen.emplace_back(random() % 2 == 0);
      const BitMask found = voxels_with(raters, patterns, chosen);
      std::int64_t set = 0;
      for (std::int64_t i = 0; i < found.size(); ++i) {
        ASSERT_EQ(found[i], is_chosen[pattern_of(raters, i)]) << i;
        set += found[i] ? 1 : 0;
      }
      EXPECT_EQ(count(found), set);  // no bits beyond the last voxel
    }
  }
}

TEST(RaterSet, MajorityIsMoreThanHalf) {
  for (const Scene& scene : kScenes) {
    const RaterSet raters = random_raters(scene, 4);
    const BitMask found = majority(raters);
    for (std::int64_t i = 0; i < found.size(); ++i)
      ASSERT_EQ(found[i], 2 * std::popcount(pattern_of(raters, i)) > raters.size()) << i;
  }
}

TEST(RaterSet, BoxHoldsAllMarks) {
  RaterSet raters = random_raters({{6, 7, 8}, 3}, 5);
  for (BitMask& mask : raters.masks) mask = BitMask({6, 7, 8});
  EXPECT_TRUE(bounding_box(raters).empty());
  raters.masks[0].set((1 * 7 + 2) * 8 + 3);
  raters.masks[2].set((4 * 7 + 6) * 8 + 0);
  EXPECT_EQ(bounding_box(raters), (Box3{{1, 2, 0}, {5, 7, 4}}));
}

}  // namespace
}  // namespace twintrack

// Masks of one bit a voxel, against the same read voxel by voxel.
#include "twintrack/cohort/bit_mask.hpp"

#include <gtest/gtest.h>

#include <random>

namespace twintrack {
namespace {

const Shape3 kShapes[] = {{1, 1, 1}, {1, 1, 64}, {1, 1, 65}, {3, 4, 5}, {2, 5, 64}, {4, 3, 130}, {7, 9, 63}};

BitMask random_mask(const Shape3& shape, unsigned percent, unsigned seed) {
  std::mt19937 random(seed);
  BitMask mask(shape);
  for (std::int64_t i = 0; i < mask.size(); ++i) {
    if (random() % 100 < percent) mask.set(i);
  }
  return mask;
}

Box3 reference_box(const BitMask& mask) {
  Box3 box{{1 << 30, 1 << 30, 1 << 30}, {0, 0, 0}};
  bool any = false;
  const auto [nz, ny, nx] = mask.shape();
  for (std::int64_t i = 0; i < mask.size(); ++i) {
    if (!mask[i]) continue;
    any = true;
    const Shape3 at{i / (ny * nx), i / nx % ny, i % nx};
    for (int a = 0; a < 3; ++a) {
      box.begin[a] = std::min(box.begin[a], at[a]);
      box.end[a] = std::max(box.end[a], at[a] + 1);
    }
  }
  return any ? box : Box3{};
}

TEST(BitMask, StartsEmptyAndKeepsWhatIsSet) {
  BitMask mask({2, 3, 50});
  EXPECT_EQ(mask.size(), 300);
  EXPECT_EQ(mask.words().size(), 5u);
  EXPECT_EQ(count(mask), 0);
  for (const std::int64_t voxel : {0, 63, 64, 299}) mask.set(voxel);
  for (std::int64_t i = 0; i < 300; ++i) EXPECT_EQ(mask[i], i == 0 || i == 63 || i == 64 || i == 299) << i;
  EXPECT_EQ(count(mask), 4);
}

TEST(BitMask, CountsAndBoxAreThoseOfTheVoxels) {
  for (const Shape3& shape : kShapes) {
    for (const unsigned percent : {0U, 1U, 10U, 50U, 100U}) {
      const BitMask a = random_mask(shape, percent, percent + 1);
      const BitMask b = random_mask(shape, 50, percent + 2);
      std::int64_t set = 0;
      std::int64_t both = 0;
      for (std::int64_t i = 0; i < a.size(); ++i) {
        set += a[i] ? 1 : 0;
        both += a[i] && b[i] ? 1 : 0;
      }
      EXPECT_EQ(count(a), set);
      EXPECT_EQ(count_of_both(a, b), both);
      EXPECT_EQ(bounding_box(a), reference_box(a));
    }
  }
}

TEST(BitMask, BoxOfEachSingleVoxel) {
  for (std::int64_t i = 0; i < 4 * 3 * 130; ++i) {
    BitMask mask({4, 3, 130});
    mask.set(i);
    EXPECT_EQ(bounding_box(mask), reference_box(mask)) << i;
  }
}

TEST(BitMask, UnpackGivesTheBytesOfABox) {
  std::mt19937 random(3);
  for (const Shape3& shape : kShapes) {
    const BitMask mask = random_mask(shape, 30, 9);
    for (int round = 0; round < 20; ++round) {
      Box3 box;
      for (int a = 0; a < 3; ++a) {
        box.begin[a] = static_cast<std::int64_t>(random() % shape[a]);
        box.end[a] = box.begin[a] + 1 + static_cast<std::int64_t>(random() % (shape[a] - box.begin[a]));
      }
      const auto bytes = unpack(mask, box);
      ASSERT_EQ(static_cast<std::int64_t>(bytes.size()), voxel_count(box.shape()));
      std::size_t place = 0;
      for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
        for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
          for (std::int64_t x = box.begin[2]; x < box.end[2]; ++x)
            ASSERT_EQ(bytes[place++], mask[(z * shape[1] + y) * shape[2] + x] ? 1 : 0);
        }
      }
    }
  }
}

TEST(Union, OfBoxesHoldsBothAndIgnoresEmptyOnes) {
  const Box3 a{{1, 2, 3}, {4, 5, 6}};
  const Box3 b{{0, 3, 9}, {2, 4, 10}};
  EXPECT_EQ(union_of(a, b), (Box3{{0, 2, 3}, {4, 5, 10}}));
  EXPECT_EQ(union_of(a, {}), a);
  EXPECT_EQ(union_of({}, b), b);
  EXPECT_TRUE(union_of({}, {}).empty());
}

}  // namespace
}  // namespace twintrack

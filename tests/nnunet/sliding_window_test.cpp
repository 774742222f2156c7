// The sliding window against nnU-Net's formulas and a plain accumulation over the whole image.
#include "twintrack/nnunet/sliding_window.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

using testing::ElementsAre;

std::vector<float> numbers(std::int64_t count) {  // in [-1, 1], without an obvious pattern
  std::vector<float> values(count);
  for (std::int64_t i = 0; i < count; ++i)
    values[i] = static_cast<float>((i * 7919 + i / 13 * 104729) % 2001) / 1000 - 1;
  return values;
}

void nothing() {}

TEST(TileStarts, AreSpreadEvenlyAndRoundedToEven) {
  EXPECT_THAT(tile_starts(110, 64, 0.5), ElementsAre(0, 23, 46));  // the example in nnU-Net's source
  EXPECT_THAT(tile_starts(64, 64, 0.5), ElementsAre(0));
  EXPECT_THAT(tile_starts(65, 64, 0.5), ElementsAre(0, 1));
  EXPECT_THAT(tile_starts(128, 64, 0.5), ElementsAre(0, 32, 64));
  EXPECT_THAT(tile_starts(109, 64, 0.5), ElementsAre(0, 22, 45));  // 22.5
  EXPECT_THAT(tile_starts(111, 64, 0.5), ElementsAre(0, 24, 47));  // 23.5
  EXPECT_THAT(tile_starts(128, 64, 1.0), ElementsAre(0, 64));
  EXPECT_THAT(tile_starts(129, 64, 1.0), ElementsAre(0, 32, 65));  // 32.5
}

TEST(TileStarts, StepNeverExceedsWhatWasAskedAndTheEndIsReached) {
  for (const double step : {0.25, 0.5, 0.7, 1.0}) {
    for (std::int64_t size = 48; size < 300; size += 7) {
      const auto starts = tile_starts(size, 48, step);
      EXPECT_EQ(starts.front(), 0);
      EXPECT_EQ(starts.back(), size - 48);
      for (std::size_t i = 1; i < starts.size(); ++i) EXPECT_LE(starts[i] - starts[i - 1], std::ceil(48 * step));
    }
  }
}

TEST(TileWeights, AreAGaussianOfAnEighthOfThePatch) {
  const Shape3 patch{16, 20, 33};
  const auto weights = tile_weights(patch);
  const auto gaussian = [](std::int64_t i, std::int64_t size) {
    return std::exp(-0.5 * std::pow(static_cast<double>(i - size / 2) / (static_cast<double>(size) / 8), 2));
  };
  for (std::int64_t z = 0; z < patch[0]; ++z) {
    for (std::int64_t y = 0; y < patch[1]; ++y) {
      for (std::int64_t x = 0; x < patch[2]; ++x) {
        const double expected = 10 * gaussian(z, patch[0]) * gaussian(y, patch[1]) * gaussian(x, patch[2]);
        const float found = weights[(z * patch[1] + y) * patch[2] + x];
        ASSERT_NEAR(found / expected, 1.0, 1e-6) << z << ' ' << y << ' ' << x;
      }
    }
  }
}

TEST(TileWeights, ArePositiveUpToTheCornersOfLargePatches) {
  const auto weights = tile_weights({64, 128, 96});
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  EXPECT_EQ(*high, 10.0F);
  EXPECT_EQ(weights[(32 * 128 + 64) * 96 + 48], 10.0F);
  EXPECT_EQ(weights.front(), *low);
  EXPECT_NEAR(*low / (10 * std::exp(-24.0)), 1.0, 1e-6);  // 4 sigma along each axis
}

TEST(SlidingWindow, SmallImagesArePaddedAroundTheirCentre) {
  const SlidingWindow window{{5, 16, 9}, {8, 16, 16}, 1, 0.5};
  EXPECT_THAT(window.padded_shape(), ElementsAre(8, 16, 16));
  EXPECT_THAT(window.padding_before(), ElementsAre(1, 0, 3));
  const auto image = numbers(voxel_count(window.shape));
  int tiles = 0;
  std::vector<float> finished;
  slide(
      window, image, {}, 1,
      [&](std::span<const float> tile, std::span<float> logits) {
        for (std::int64_t i = 0; i < 8 * 16 * 16; ++i) {
          const std::int64_t z = i / 256 - 1;
          const std::int64_t y = i / 16 % 16;
          const std::int64_t x = i % 16 - 3;
          const bool inside = z >= 0 && z < 5 && x >= 0 && x < 9;
          ASSERT_EQ(tile[i], inside ? image[(z * 16 + y) * 9 + x] : 0.0F) << i;
        }
        std::copy(tile.begin(), tile.end(), logits.begin());
      },
      [&](std::int64_t z, std::span<const float> slice) {
        EXPECT_EQ(z, static_cast<std::int64_t>(finished.size()) / (16 * 9));
        finished.insert(finished.end(), slice.begin(), slice.end());
      },
      [&] { ++tiles; });
  EXPECT_EQ(tiles, 1);
  ASSERT_EQ(finished.size(), image.size());
  for (std::size_t i = 0; i < image.size(); ++i) EXPECT_NEAR(finished[i], image[i], 1e-6F);
}

// Logits that depend on the tile's voxels and on the place in the tile, so that overlaps disagree.
void uneven_logits(std::span<const float> tile, std::span<float> logits) {
  const std::size_t voxels = tile.size();
  for (std::size_t c = 0; c < logits.size() / voxels; ++c) {
    for (std::size_t i = 0; i < voxels; ++i) {
      logits[c * voxels + i] = tile[i] * static_cast<float>(c + 1) + static_cast<float>(i % 17) / 17;
    }
  }
}

// (class, z, y, x), collected from slices.
std::vector<float> slid(const SlidingWindow& window, const std::vector<float>& image,
                        std::span<const std::uint8_t> needed, const TileFunction& predict, std::int64_t batch = 1) {
  std::vector<float> result(window.classes * voxel_count(window.shape));
  const std::int64_t plane = window.shape[1] * window.shape[2];
  std::int64_t expected_z = 0;
  slide(
      window, image, needed, batch, predict,
      [&](std::int64_t z, std::span<const float> slice) {
        EXPECT_EQ(z, expected_z++);
        for (std::int64_t c = 0; c < window.classes; ++c) {
          std::copy_n(slice.begin() + c * plane, plane, result.begin() + (c * window.shape[0] + z) * plane);
        }
      },
      nothing);
  EXPECT_EQ(expected_z, window.shape[0]);
  return result;
}

// Every tile into sums over the whole padded image.
std::vector<float> accumulated_at_once(const SlidingWindow& window, const std::vector<float>& image) {
  const Shape3 padded = window.padded_shape();
  const Shape3 before = window.padding_before();
  const Shape3& patch = window.patch;
  const Shape3& shape = window.shape;
  const auto weights = tile_weights(patch);
  std::vector<double> sums(window.classes * voxel_count(padded), 0.0);
  std::vector<double> total(voxel_count(padded), 0.0);
  std::vector<float> logits(window.classes * voxel_count(patch));
  for (const Shape3& start : window.tiles({})) {
    std::vector<float> tile(voxel_count(patch), 0.0F);
    std::vector<std::int64_t> place(voxel_count(patch));
    for (std::int64_t i = 0; i < voxel_count(patch); ++i) {
      const Shape3 at{start[0] + i / (patch[1] * patch[2]), start[1] + i / patch[2] % patch[1],
                      start[2] + i % patch[2]};
      place[i] = (at[0] * padded[1] + at[1]) * padded[2] + at[2];
      const Shape3 in{at[0] - before[0], at[1] - before[1], at[2] - before[2]};
      const bool inside =
          in[0] >= 0 && in[1] >= 0 && in[2] >= 0 && in[0] < shape[0] && in[1] < shape[1] && in[2] < shape[2];
      if (inside) tile[i] = image[(in[0] * shape[1] + in[1]) * shape[2] + in[2]];
    }
    uneven_logits(tile, logits);
    for (std::int64_t i = 0; i < voxel_count(patch); ++i) {
      total[place[i]] += weights[i];
      for (std::int64_t c = 0; c < window.classes; ++c) {
        sums[c * voxel_count(padded) + place[i]] +=
            static_cast<double>(weights[i]) * logits[c * voxel_count(patch) + i];
      }
    }
  }
  std::vector<float> result;
  for (std::int64_t c = 0; c < window.classes; ++c) {
    for (std::int64_t i = 0; i < voxel_count(shape); ++i) {
      const std::int64_t z = i / (shape[1] * shape[2]) + before[0];
      const std::int64_t y = i / shape[2] % shape[1] + before[1];
      const std::int64_t at = (z * padded[1] + y) * padded[2] + i % shape[2] + before[2];
      result.push_back(static_cast<float>(sums[c * voxel_count(padded) + at] / total[at]));
    }
  }
  return result;
}

TEST(SlidingWindow, RollingBandEqualsSumsOverTheWholeImage) {
  for (const Shape3& shape : {Shape3{37, 21, 30}, Shape3{8, 16, 16}, Shape3{5, 40, 11}, Shape3{64, 10, 10}}) {
    const SlidingWindow window{shape, {8, 16, 16}, 3, 0.5};
    const auto image = numbers(voxel_count(shape));
    const auto expected = accumulated_at_once(window, image);
    const auto found = slid(window, image, {}, uneven_logits);
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], 1e-5F) << i;
  }
}

TEST(SlidingWindow, SeveralTilesAtATimeAreBitwiseOneAtATime) {
  const SlidingWindow window{{37, 21, 30}, {8, 16, 16}, 3, 0.5};
  const auto image = numbers(voxel_count(window.shape));
  const auto one = slid(window, image, {}, uneven_logits);
  for (const std::int64_t batch : {2, 5, 1000}) {
    std::int64_t most = 0;
    const auto several = slid(
        window, image, {},
        [&](std::span<const float> tiles, std::span<float> logits) {
          const std::int64_t voxels = voxel_count(window.patch);
          const std::int64_t count = std::ssize(tiles) / voxels;
          most = std::max(most, count);
          for (std::int64_t i = 0; i < count; ++i) {
            uneven_logits(tiles.subspan(i * voxels, voxels), logits.subspan(i * 3 * voxels, 3 * voxels));
          }
        },
        batch);
    EXPECT_EQ(most, std::min(batch, std::ssize(window.tiles({}))));
    EXPECT_EQ(several, one) << batch;
  }
}

TEST(SlidingWindow, OverlappingTilesOfTheSameFunctionReproduceTheImage) {
  const SlidingWindow window{{19, 33, 40}, {8, 16, 16}, 1, 0.3};
  const auto image = numbers(voxel_count(window.shape));
  const auto found = slid(window, image, {}, [](std::span<const float> tile, std::span<float> logits) {
    std::copy(tile.begin(), tile.end(), logits.begin());
  });
  for (std::size_t i = 0; i < image.size(); ++i) ASSERT_NEAR(found[i], image[i], 1e-5F) << i;
}

TEST(SlidingWindow, TilesComeInNnunetsOrder) {
  const SlidingWindow window{{8, 24, 32}, {8, 16, 16}, 1, 0.5};
  EXPECT_THAT(window.tiles({}), ElementsAre(Shape3{0, 0, 0}, Shape3{0, 0, 8}, Shape3{0, 0, 16}, Shape3{0, 8, 0},
                                            Shape3{0, 8, 8}, Shape3{0, 8, 16}));
}

TEST(SlidingWindow, SkippedTilesLeaveNeededVoxelsBitwiseTheSame) {
  const SlidingWindow window{{40, 40, 40}, {8, 16, 16}, 2, 0.5};
  const auto image = numbers(voxel_count(window.shape));
  std::vector<std::uint8_t> needed(image.size(), 0);
  for (const std::size_t i : {0u, 20u * 1600 + 10 * 40 + 39, 21u * 1600 + 11 * 40 + 39}) needed[i] = 1;
  int computed = 0;
  const auto counted = [&](std::span<const float> tile, std::span<float> logits) {
    ++computed;
    uneven_logits(tile, logits);
  };
  const auto all = slid(window, image, {}, uneven_logits);
  const auto some = slid(window, image, needed, counted);
  EXPECT_EQ(computed, static_cast<int>(window.tiles(needed).size()));
  EXPECT_LT(window.tiles(needed).size(), window.tiles({}).size() / 4);
  for (std::size_t i = 0; i < needed.size(); ++i) {
    if (needed[i] == 0) continue;
    EXPECT_EQ(some[i], all[i]);
    EXPECT_EQ(some[image.size() + i], all[image.size() + i]);
  }
  EXPECT_EQ(some[image.size() - 1], 0.0F) << "no tile reaches the last voxel";
}

TEST(SlidingWindow, NothingNeededComputesNothing) {
  const SlidingWindow window{{20, 20, 20}, {8, 16, 16}, 1, 0.5};
  const std::vector<std::uint8_t> needed(8000, 0);
  EXPECT_TRUE(window.tiles(needed).empty());
  const auto found = slid(window, numbers(8000), needed, [](std::span<const float>, std::span<float>) { FAIL(); });
  EXPECT_THAT(found, testing::Each(0.0F));
}

}  // namespace
}  // namespace twintrack

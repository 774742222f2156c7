// Lesion candidates of maps whose parts are known.
#include "twintrack/pipeline/detection_map.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace twintrack {
namespace {

using testing::Each;

constexpr Shape3 kShape{10, 12, 14};

struct Map {
  std::vector<float> voxels = std::vector<float>(10 * 12 * 14, 0.0F);

  float& at(std::int64_t z, std::int64_t y, std::int64_t x) { return voxels[(z * 12 + y) * 14 + x]; }
  // A row of `count` voxels along x.
  void row(std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t count, float value) {
    for (std::int64_t i = 0; i < count; ++i) at(z, y, x + i) = value;
  }
  DetectionMap detect() const { return detection_map(voxels, kShape); }
};

TEST(DetectionMap, OfNothingIsEmpty) {
  const DetectionMap map = Map().detect();
  EXPECT_THAT(map.confidence, Each(0.0F));
  EXPECT_EQ(map.confidence.size(), 10u * 12 * 14);
  EXPECT_EQ(map.likelihood, 0.0F);
  EXPECT_EQ(map.candidates, 0);
}

TEST(DetectionMap, GivesEveryCandidateItsLargestProbability) {
  Map map;
  map.row(2, 3, 1, 11, 0.5F);
  map.at(2, 3, 4) = 0.9F;
  map.row(7, 8, 1, 12, 0.4F);
  map.at(7, 8, 12) = 0.6F;
  Map expected;
  expected.row(2, 3, 1, 11, 0.9F);
  expected.row(7, 8, 1, 12, 0.6F);
  const DetectionMap found = map.detect();
  EXPECT_EQ(found.confidence, expected.voxels);
  EXPECT_EQ(found.likelihood, 0.9F);
  EXPECT_EQ(found.candidates, 2);
}

TEST(DetectionMap, KeepsWhatReachesTwoFifthsOfTheMaximum) {
  Map map;
  map.row(4, 4, 0, 12, 0.5F);
  map.at(4, 4, 0) = 1;
  map.at(4, 4, 12) = 0.4F;                       // 1 / 2.5: within
  map.at(4, 4, 13) = std::nextafter(0.4F, 0.F);  // just not
  const DetectionMap found = map.detect();
  EXPECT_EQ(found.confidence[(4 * 12 + 4) * 14 + 12], 1.0F);
  EXPECT_EQ(found.confidence[(4 * 12 + 4) * 14 + 13], 0.0F);
  EXPECT_EQ(std::ranges::count(found.confidence, 1.0F), 13);
}

TEST(DetectionMap, LeavesOutPartsOfTenVoxelsAndFewer) {
  Map map;
  map.row(1, 1, 0, 10, 0.8F);  // the maximum, which sets the threshold, lies in what is left out
  map.row(5, 5, 0, 11, 0.35F);
  map.row(8, 8, 0, 11, 0.3F);  // below 0.8 / 2.5
  Map expected;
  expected.row(5, 5, 0, 11, 0.35F);
  const DetectionMap found = map.detect();
  EXPECT_EQ(found.confidence, expected.voxels);
  EXPECT_EQ(found.likelihood, 0.35F);
  EXPECT_EQ(found.candidates, 1);
}

TEST(DetectionMap, HasNoLikelihoodWithoutCandidates) {
  Map map;
  map.row(1, 1, 0, 10, 0.8F);
  const DetectionMap found = map.detect();
  EXPECT_THAT(found.confidence, Each(0.0F));
  EXPECT_EQ(found.likelihood, 0.0F);
}

TEST(DetectionMap, ConnectsThroughCorners) {
  Map map;
  for (std::int64_t i = 0; i < 6; ++i) map.row(i, i, 2 * i, 2, i == 3 ? 0.7F : 0.5F);
  const DetectionMap found = map.detect();
  EXPECT_EQ(found.candidates, 1);
  EXPECT_EQ(std::ranges::count(found.confidence, 0.7F), 12);
}

}  // namespace
}  // namespace twintrack

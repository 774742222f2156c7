// Which voxels foreground patches are centred on: how many, and that none is preferred.
#include "twintrack/training/foreground_voxels.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

namespace twintrack {
namespace {

LabelSet set_of(std::initializer_list<int> labels) {
  LabelSet set(kTrainingLabels);
  for (const int label : labels) set[label] = true;
  return set;
}

std::vector<std::int64_t> sample(const std::vector<std::int16_t>& labels, std::initializer_list<int> chosen,
                                 std::uint64_t key = 1) {
  Random random(key, 0);
  return sample_voxels(labels, set_of(chosen), random);
}

TEST(ForegroundVoxels, AreAllOfAFew) {
  EXPECT_THAT(sample({0, 3, 1, 3, 32767}, {3, 32767}), testing::ElementsAre(1, 3, 4));
  EXPECT_THAT(sample({0, 3, 1, 3}, {2}), testing::IsEmpty());
  EXPECT_THAT(sample({}, {1}), testing::IsEmpty());
}

TEST(ForegroundVoxels, AreTenThousandOrOnePercentDifferentOnesOfMany) {
  for (const auto& [total, wanted] : {std::pair{10'001, 10'000}, {600'000, 10'000}, {1'500'001, 15'001}}) {
    std::vector<std::int16_t> labels(3 * total, 0);
    for (int i = 0; i < total; ++i) labels[3 * i + 1] = 1;
    const auto voxels = sample(labels, {1});
    EXPECT_EQ(std::ssize(voxels), wanted);
    EXPECT_TRUE(std::is_sorted(voxels.begin(), voxels.end()));
    EXPECT_EQ(std::adjacent_find(voxels.begin(), voxels.end()), voxels.end());
    EXPECT_TRUE(std::all_of(voxels.begin(), voxels.end(), [&](auto voxel) { return labels[voxel] == 1; }));
  }
}

TEST(ForegroundVoxels, PreferNone) {
  const std::vector<std::int16_t> labels(1'000'000, 1);
  std::vector<double> counts(10);
  for (const std::int64_t voxel : sample(labels, {1})) ++counts[voxel / 100'000];
  for (const double count : counts) EXPECT_NEAR(count, 1000, 150);  // five standard deviations
}

TEST(ForegroundVoxels, DependOnTheKey) {
  const std::vector<std::int16_t> labels(50'000, 1);
  EXPECT_EQ(sample(labels, {1}, 5), sample(labels, {1}, 5));
  EXPECT_NE(sample(labels, {1}, 5), sample(labels, {1}, 6));
}

}  // namespace
}  // namespace twintrack

// Counting a case, against the same done voxel by voxel.
#include "twintrack/calibration/statistics.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <map>

#include "calibration/random_case.hpp"
#include "support/error_message.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack {
namespace {

using test::MemoryCase;
using test::random_case;
using test::Region;
using testing::HasSubstr;

// Level of 1/128 octave of the probability rounded down to a multiple of 2^-22.
std::uint32_t reference_level(float probability) {
  const double p = std::floor(std::abs(probability) * 0x1p22) * 0x1p-22;
  if (p < 0x1p-20) return 0;
  const int octave = static_cast<int>(std::floor(std::log2(p)));
  const double within = std::ldexp(p, -octave) - 1;  // [0, 1)
  return static_cast<std::uint32_t>((octave + 20) * 128 + static_cast<int>(std::floor(within * 128)) + 1);
}

CalibrationStatistics with_target(const std::string& target, CaseWeight weight = CaseWeight::voxel) {
  CalibrationStatistics statistics;
  statistics.target = parse_target(target);
  statistics.case_weight = weight;
  return statistics;
}

// The target of a voxel by definition, STAPLE by its own function.
class Truth {
 public:
  Truth(const std::string& target, const MemoryCase& made) : target_(target), made_(made) {
    if (target == "staple") consensus_ = staple(made.raters).consensus;
  }
  double operator()(std::int64_t voxel) const {
    const int raters = made_.raters.size();
    if (target_ == "mhr") return static_cast<double>(made_.marks(voxel)) / raters;
    if (target_ == "majority") return 2 * made_.marks(voxel) > raters ? 1 : 0;
    if (target_ == "staple") return consensus_[voxel] ? 1 : 0;
    return made_.raters.masks[0][voxel] ? 1 : 0;  // rater:1
  }

 private:
  std::string target_;
  const MemoryCase& made_;
  BitMask consensus_;
};

void expect_same_levels(const LevelStatistics& a, const LevelStatistics& b) {
  ASSERT_EQ(a.on_grid(), b.on_grid());
  const auto found = a.levels();
  const auto expected = b.levels();
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].probability, expected[i].probability) << i;
    ASSERT_EQ(found[i].weight, expected[i].weight) << i;
    ASSERT_EQ(found[i].target_sum, expected[i].target_sum) << i;
  }
}

struct Scene {
  std::string name;
  std::string target;
  int raters;
  Shape3 shape;
  Region region;
  CaseWeight weight = CaseWeight::voxel;
};

class AddCase : public testing::TestWithParam<Scene> {};

TEST_P(AddCase, CountsEveryVoxelOfTheRegion) {
  const Scene& scene = GetParam();
  const MemoryCase made = random_case(scene.shape, scene.raters, scene.region, 11);
  const Truth truth(scene.target, made);
  const bool binary = scene.target != "mhr";
  std::map<float, std::pair<double, double>> expected;  // weight and target sum
  std::map<std::pair<std::uint32_t, int>, std::uint64_t> expected_classes;
  std::vector<std::uint64_t> outside(scene.raters + 1, 0);
  double inside = 0;
  for (std::int64_t i = 0; i < made.region.size(); ++i) inside += made.region[i] ? 1 : 0;
  const double weight = scene.weight == CaseWeight::equal ? 1 / inside : 1;
  for (std::int64_t i = 0; i < made.region.size(); ++i) {
    if (!made.region[i]) {
      ++outside[made.marks(i)];
      continue;
    }
    auto& [w, t] = expected[made.probability[i] + 0.0F];
    w += weight;
    t += weight * truth(i);
    const int voxel_class = made.marks(i) + (binary && truth(i) == 1 ? scene.raters + 1 : 0);
    ++expected_classes[{reference_level(made.probability[i]), voxel_class}];
  }

  CalibrationStatistics statistics = with_target(scene.target, scene.weight);
  add_case(statistics, made.as("a"));
  const auto levels = statistics.levels.levels();
  ASSERT_EQ(levels.size(), expected.size());
  std::size_t i = 0;
  for (const auto& [probability, sums] : expected) {
    EXPECT_EQ(levels[i].probability, probability);
    EXPECT_FALSE(std::signbit(levels[i].probability));
    EXPECT_NEAR(levels[i].weight, sums.first, 1e-12 * sums.first);
    EXPECT_NEAR(levels[i].target_sum, sums.second, 1e-12 * sums.first);
    ++i;
  }

  ASSERT_EQ(statistics.cases.size(), 1u);
  const CaseLevels& item = statistics.cases.front();
  EXPECT_EQ(item.name, "a");
  EXPECT_EQ(item.raters, scene.raters);
  EXPECT_EQ(item.binary_target, binary);
  EXPECT_EQ(item.voxel_weight, weight);
  EXPECT_EQ(item.outside, outside);
  EXPECT_EQ(static_cast<double>(item.voxels()), inside);
  std::map<std::pair<std::uint32_t, int>, std::uint64_t> found_classes;
  for (std::size_t l = 0; l < item.levels.size(); ++l) {
    for (int c = 0; c < item.classes(); ++c) {
      const std::uint64_t voxels = item.counts[l * item.classes() + c];
      if (voxels > 0) found_classes[{item.levels[l], c}] = voxels;
    }
  }
  EXPECT_EQ(found_classes, expected_classes);
}

INSTANTIATE_TEST_SUITE_P(
    Scenes, AddCase,
    testing::Values(Scene{"Mhr", "mhr", 5, {8, 8, 8}, Region::whole},
                    Scene{"MhrBrokenWords", "mhr", 5, {5, 7, 11}, Region::whole},
                    Scene{"MhrSparse", "mhr", 3, {5, 7, 11}, Region::sparse},
                    Scene{"MhrHalf", "mhr", 4, {9, 10, 13}, Region::half},
                    Scene{"MhrOneRater", "mhr", 1, {5, 7, 11}, Region::sparse},
                    Scene{"Mhr64Raters", "mhr", 64, {6, 7, 11}, Region::half},
                    Scene{"MhrEqualWeight", "mhr", 5, {5, 7, 11}, Region::half, CaseWeight::equal},
                    Scene{"Rater", "rater:1", 3, {5, 7, 11}, Region::sparse},
                    Scene{"RaterAlone", "rater:1", 1, {5, 7, 11}, Region::whole},
                    Scene{"Rater64", "rater:1", 64, {6, 7, 11}, Region::whole},
                    Scene{"MajorityOfEven", "majority", 4, {7, 8, 9}, Region::half},
                    Scene{"MajorityOfOdd", "majority", 5, {7, 8, 9}, Region::sparse},
                    Scene{"Majority64", "majority", 64, {6, 7, 11}, Region::sparse},
                    Scene{"Staple", "staple", 5, {7, 8, 9}, Region::half},
                    Scene{"StapleEqualWeight", "staple", 3, {7, 8, 9}, Region::sparse, CaseWeight::equal},
                    Scene{"OneVoxel", "mhr", 2, {1, 1, 1}, Region::whole}),
    [](const auto& row) { return row.param.name; });

class Threads : public testing::Test {
 protected:
  ~Threads() override { set_thread_count(available_processors()); }

  // The same cases on 1, 2, 3 and 8 threads.
  static void expect_no_difference(const std::vector<MemoryCase>& cases, CaseWeight weight) {
    std::optional<CalibrationStatistics> first;
    for (const int threads : {1, 2, 3, 8}) {
      set_thread_count(threads);
      CalibrationStatistics statistics = with_target("mhr", weight);
      for (std::size_t i = 0; i < cases.size(); ++i) add_case(statistics, cases[i].as(std::to_string(i)));
      if (!first) first = statistics;
      expect_same_levels(statistics.levels, first->levels);
      for (std::size_t i = 0; i < cases.size(); ++i) {
        EXPECT_EQ(statistics.cases[i].levels, first->cases[i].levels);
        EXPECT_EQ(statistics.cases[i].counts, first->cases[i].counts);
        EXPECT_EQ(statistics.cases[i].outside, first->cases[i].outside);
      }
    }
  }
};

TEST_F(Threads, DoNotChangeExactLevels) {
  expect_no_difference({random_case({20, 21, 22}, 3, Region::half, 1), random_case({9, 21, 22}, 7, Region::whole, 2)},
                       CaseWeight::equal);
}

// 300 000 different probabilities: too many for all together, not for each of two threads.
MemoryCase crowded_case(float largest, unsigned seed) {
  MemoryCase made = random_case({75, 80, 50}, 3, Region::whole, seed);
  for (std::size_t i = 0; i < made.probability.size(); ++i)
    made.probability[i] = largest * static_cast<float>(i) / static_cast<float>(made.probability.size());
  return made;
}

TEST_F(Threads, DoNotChangeTheGrid) {
  expect_no_difference({crowded_case(1, 3), crowded_case(0.7F, 4)}, CaseWeight::equal);
}

TEST_F(Threads, DoNotChangeThatLevelsAreOnTheGrid) {  // which has few steps for them
  expect_no_difference({crowded_case(0.001F, 5), random_case({20, 21, 22}, 3, Region::half, 1)}, CaseWeight::voxel);
  CalibrationStatistics statistics = with_target("mhr");
  add_case(statistics, crowded_case(0.001F, 5).as("a"));
  EXPECT_TRUE(statistics.levels.on_grid());
  EXPECT_LT(statistics.levels.levels().size(), 5000u);
}

TEST(AddCases, TheOrderOfCasesAndMergingChangeNothing) {
  std::vector<MemoryCase> cases;
  for (unsigned i = 0; i < 4; ++i) cases.push_back(random_case({7, 8, 9}, 4, Region::half, i));  // sums are exact
  CalibrationStatistics forward = with_target("mhr");
  CalibrationStatistics backward = with_target("mhr");
  for (int i = 0; i < 4; ++i) add_case(forward, cases[i].as(std::to_string(i)));
  for (int i = 3; i >= 0; --i) add_case(backward, cases[i].as(std::to_string(i)));
  expect_same_levels(forward.levels, backward.levels);
  CalibrationStatistics first = with_target("mhr");
  CalibrationStatistics second = with_target("mhr");
  for (int i = 0; i < 4; ++i) add_case(i % 2 == 0 ? first : second, cases[i].as(std::to_string(i)));
  merge(second, first, "first.stats");
  expect_same_levels(second.levels, forward.levels);
  EXPECT_EQ(second.cases.size(), 4u);
  const Knots expected = forward.levels.fit();
  EXPECT_EQ(second.levels.fit().x, expected.x);
  EXPECT_EQ(second.levels.fit().y, expected.y);
}

TEST(AddCases, EqualWeightsMakeEveryCaseOne) {
  CalibrationStatistics statistics = with_target("mhr", CaseWeight::equal);
  add_case(statistics, random_case({3, 3, 3}, 2, Region::whole, 1).as("small"));
  add_case(statistics, random_case({20, 20, 20}, 3, Region::half, 2).as("large"));
  double weight = 0;
  for (const Level& level : statistics.levels.levels()) weight += level.weight;
  EXPECT_NEAR(weight, 2, 1e-12);
  for (const CaseLevels& item : statistics.cases) {
    double of_case = 0;
    for (const Level& level : weighted_levels(item)) of_case += level.weight;
    EXPECT_NEAR(of_case, 1, 1e-12);
  }
}

TEST(AddCases, CasesLevelsSumUpToTheWhole) {
  const MemoryCase made = random_case({9, 10, 11}, 4, Region::half, 5);
  for (const char* target : {"mhr", "majority"}) {
    CalibrationStatistics statistics = with_target(target);
    add_case(statistics, made.as("a"));
    double weight = 0;
    double sum = 0;
    for (const Level& level : statistics.levels.levels()) {
      weight += level.weight;
      sum += level.target_sum;
    }
    for (const Level& level : weighted_levels(statistics.cases.front())) {
      weight -= level.weight;
      sum -= level.target_sum;
    }
    EXPECT_NEAR(weight, 0, 1e-9);
    EXPECT_NEAR(sum, 0, 1e-9);
  }
}

TEST(AddCases, NoProbabilityIsAnErrorInTheRegionOnly) {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), 1.5F, -0.1F,
                            std::numeric_limits<float>::infinity(), std::nextafter(1.0F, 2.0F)}) {
    MemoryCase made = random_case({5, 7, 11}, 3, Region::half, 6);
    made.probability.front() = wrong;  // outside
    CalibrationStatistics statistics = with_target("mhr");
    add_case(statistics, made.as("outside"));
    made.probability.back() = wrong;
    const std::string message = test::error_message([&] { add_case(statistics, made.as("inside")); });
    EXPECT_THAT(message, HasSubstr("case inside: "));
    EXPECT_THAT(message, HasSubstr("is no probability, 0 to 1 is right"));
    EXPECT_EQ(statistics.cases.size(), 1u);
  }
}

TEST(AddCases, EmptyRegionIsRefused) {
  MemoryCase made = random_case({2, 3, 4}, 1, Region::whole, 7);
  made.region = BitMask({2, 3, 4});
  CalibrationStatistics statistics;
  EXPECT_EQ(test::error_message([&] { add_case(statistics, made.as("a")); }),
            "case a: the region of interest is empty");
}

TEST(AddCases, TheSameCaseTwiceIsRefused) {
  const MemoryCase made = random_case({2, 3, 4}, 1, Region::whole, 8);
  CalibrationStatistics statistics;
  CalibrationCase item = made.as("a");
  item.identity = "hash";
  add_case(statistics, item);
  EXPECT_THAT(test::error_message([&] { add_case(statistics, made.as("a")); }), HasSubstr("case a: was added already"));
  item.name = "b";
  EXPECT_THAT(test::error_message([&] { add_case(statistics, item); }), HasSubstr("case b: was added already (as a)"));
  add_case(statistics, made.as("c"));  // files that are not known are not compared
  EXPECT_EQ(statistics.cases.size(), 2u);
}

TEST(Merge, RefusesWhatDoesNotBelongTogether) {
  const auto one_case = [](const std::string& target, CaseWeight weight, const std::string& name) {
    CalibrationStatistics statistics = with_target(target, weight);
    add_case(statistics, random_case({2, 3, 4}, 2, Region::whole, 9).as(name));
    return statistics;
  };
  CalibrationStatistics base = one_case("mhr", CaseWeight::voxel, "a");
  const auto refusal = [&](const CalibrationStatistics& other) {
    return test::error_message([&] { merge(base, other, "b.stats"); });
  };
  EXPECT_THAT(refusal(one_case("rater:2", CaseWeight::voxel, "b")), HasSubstr("b.stats: fitted to rater:2"));
  EXPECT_THAT(refusal(one_case("mhr", CaseWeight::equal, "b")), HasSubstr("--case-weight"));
  CalibrationStatistics other = one_case("mhr", CaseWeight::voxel, "b");
  other.networks_sha256 = "another";
  EXPECT_THAT(refusal(other), HasSubstr("other networks"));
  EXPECT_THAT(refusal(one_case("mhr", CaseWeight::voxel, "a")), HasSubstr("case a is in another file too"));
  other = one_case("mhr", CaseWeight::voxel, "b");
  other.cases[0].identity = base.cases[0].identity = "same files";
  EXPECT_THAT(refusal(other), HasSubstr("case b is in another file too (as a)"));
  EXPECT_EQ(base.cases.size(), 1u);
}

}  // namespace
}  // namespace twintrack

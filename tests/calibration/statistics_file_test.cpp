// The statistics file: the round trip, damage, and contents that write_statistics would not write.
#include "twintrack/calibration/statistics_file.hpp"

#include <gmock/gmock.h>

#include <cstring>
#include <random>

#include "calibration/random_case.hpp"
#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"

namespace twintrack {
namespace {

using test::random_case;
using test::Region;
using testing::HasSubstr;

constexpr std::size_t kMagicSize = 23;  // "twintrack-statistics/1\n"
constexpr std::size_t kHashSize = 64;

CalibrationStatistics some_statistics(const std::string& target = "mhr", CaseWeight weight = CaseWeight::voxel) {
  CalibrationStatistics statistics;
  statistics.target = parse_target(target);
  statistics.case_weight = weight;
  statistics.networks_sha256 = std::string(64, 'a');
  add_case(statistics, random_case({5, 6, 7}, 3, Region::half, 1).as("é"));
  add_case(statistics, random_case({6, 5, 4}, 2, Region::whole, 2).as("b \"quoted\""));
  statistics.cases.back().identity = std::string(64, 'f');
  return statistics;
}

std::string bytes_of(const CalibrationStatistics& statistics) {
  const test::TemporaryFolder folder;
  write_statistics(folder / "x.stats", statistics);
  return read_file(folder / "x.stats", std::size_t{1} << 30);
}

std::string refusal(const std::string& bytes) {
  return test::error_message([&] { parse_statistics(bytes, "x.stats"); });
}

// The file in its parts.
struct Parts {
  Json header;
  std::string payload;

  explicit Parts(const std::string& bytes) {
    std::uint64_t size = 0;
    std::memcpy(&size, bytes.data() + kMagicSize, sizeof size);
    const std::size_t begin = kMagicSize + sizeof size;
    header = Json::parse(bytes.substr(begin, size));
    payload = bytes.substr(begin + size, bytes.size() - kHashSize - begin - size);
  }
  std::string sealed() const {
    const std::string text = header.dump();
    const std::uint64_t size = text.size();
    std::string bytes = "twintrack-statistics/1\n";
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes += text + payload;
    return bytes + sha256_of(bytes);
  }
  std::size_t levels() const { return header["levels"].get<std::size_t>(); }
  template <typename T>
  void put(std::size_t offset, T value) {
    std::memcpy(payload.data() + offset, &value, sizeof value);
  }
  std::size_t weights() const { return 4 * levels(); }
  std::size_t targets() const { return 12 * levels(); }
  std::size_t first_case() const { return 20 * levels(); }
};

void expect_round_trip(const CalibrationStatistics& expected) {
  const std::string bytes = bytes_of(expected);
  const CalibrationStatistics found = parse_statistics(bytes, "x.stats");
  EXPECT_EQ(found.target, expected.target);
  EXPECT_EQ(found.case_weight, expected.case_weight);
  EXPECT_EQ(found.networks_sha256, expected.networks_sha256);
  EXPECT_EQ(found.levels.on_grid(), expected.levels.on_grid());
  const auto a = found.levels.levels();
  const auto b = expected.levels.levels();
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].probability, b[i].probability);
    ASSERT_EQ(a[i].weight, b[i].weight);
    ASSERT_EQ(a[i].target_sum, b[i].target_sum);
  }
  ASSERT_EQ(found.cases.size(), expected.cases.size());
  for (std::size_t i = 0; i < found.cases.size(); ++i) {
    EXPECT_EQ(found.cases[i].name, expected.cases[i].name);
    EXPECT_EQ(found.cases[i].identity, expected.cases[i].identity);
    EXPECT_EQ(found.cases[i].raters, expected.cases[i].raters);
    EXPECT_EQ(found.cases[i].binary_target, expected.cases[i].binary_target);
    EXPECT_EQ(found.cases[i].voxel_weight, expected.cases[i].voxel_weight);
    EXPECT_EQ(found.cases[i].levels, expected.cases[i].levels);
    EXPECT_EQ(found.cases[i].counts, expected.cases[i].counts);
    EXPECT_EQ(found.cases[i].outside, expected.cases[i].outside);
  }
  EXPECT_EQ(bytes_of(found), bytes);
}

TEST(StatisticsFile, RoundTrip) {
  for (const char* target : {"mhr", "rater:2", "majority", "staple"}) expect_round_trip(some_statistics(target));
  expect_round_trip(some_statistics("mhr", CaseWeight::equal));
  CalibrationStatistics unknown = some_statistics();
  unknown.networks_sha256.reset();
  unknown.levels.move_to_grid();
  expect_round_trip(unknown);
}

TEST(StatisticsFile, LayoutIsTheDocumentedOne) {
  const CalibrationStatistics statistics = some_statistics();
  const Parts parts(bytes_of(statistics));
  std::size_t size = 20 * statistics.levels.levels().size();
  for (const CaseLevels& item : statistics.cases)
    size += 4 * item.levels.size() + 8 * item.counts.size() + 8 * item.outside.size();
  EXPECT_EQ(parts.payload.size(), size);
  float first = -1;
  std::memcpy(&first, parts.payload.data(), sizeof first);
  EXPECT_EQ(first, statistics.levels.levels().front().probability);
  EXPECT_EQ(parts.sealed(), bytes_of(statistics));
}

TEST(StatisticsFile, DamageAnywhereIsFound) {
  const std::string bytes = bytes_of(some_statistics());
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::string damaged = bytes;
    damaged[random() % bytes.size()] ^= static_cast<char>(1 + random() % 255);
    EXPECT_THAT(refusal(damaged), testing::StartsWith("x.stats: "));
  }
}

TEST(StatisticsFile, EveryTruncationIsFound) {
  const std::string bytes = bytes_of(some_statistics());
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 40)
    EXPECT_THAT(refusal(bytes.substr(0, size)), testing::StartsWith("x.stats: ")) << size;
  EXPECT_THAT(refusal(bytes.substr(0, bytes.size() - 1)), HasSubstr("damaged or truncated"));
  EXPECT_THAT(refusal(bytes.substr(0, 40)), HasSubstr("x.stats: truncated"));
  EXPECT_THAT(refusal("case,probability\n"), HasSubstr("not a file of calibration statistics"));
  EXPECT_THAT(refusal(""), HasSubstr("not a file of calibration statistics"));
}

TEST(StatisticsFile, ThatIsAbsentIsNamed) {
  EXPECT_THAT(test::error_message([] { read_statistics("/nowhere/x.stats"); }), HasSubstr("/nowhere/x.stats"));
}

struct Wrong {
  const char* name;
  void (*change)(Parts& parts);
  const char* message;
};

class WrongStatistics : public testing::TestWithParam<Wrong> {};

TEST_P(WrongStatistics, IsRefusedByName) {
  Parts parts(bytes_of(some_statistics()));
  ASSERT_EQ(parse_statistics(parts.sealed(), "x.stats").cases.size(), 2u);
  GetParam().change(parts);
  const std::string message = refusal(parts.sealed());
  EXPECT_THAT(message, testing::StartsWith("x.stats: "));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const Wrong kWrong[] = {
    {"Target", [](Parts& p) { p.header["target"] = "mean"; }, "target: target 'mean': mhr, rater:K"},
    {"NoTarget", [](Parts& p) { p.header.erase("target"); }, "\"target\" is missing"},
    {"CaseWeight", [](Parts& p) { p.header["case_weight"] = "voxels"; }, "case_weight: 'voxels': voxel or equal"},
    {"Networks", [](Parts& p) { p.header["networks_sha256"] = 7; }, "networks_sha256: expected a string"},
    {"OnGrid", [](Parts& p) { p.header["on_grid"] = "yes"; }, "on_grid: expected true or false"},
    {"NoLevels", [](Parts& p) { p.header["levels"] = 0; }, "levels: expected a whole number from 1"},
    {"MoreLevelsThanThereCanBe", [](Parts& p) { p.header["levels"] = kGridLevels + 1; }, "levels: expected a whole"},
    {"MoreLevelsThanBytes", [](Parts& p) { p.header["levels"] = 4'000'000; }, "truncated in the levels'"},
    {"NoCases", [](Parts& p) { p.header["cases"] = Json::array(); }, "cases: no cases"},
    {"CasesAreText", [](Parts& p) { p.header["cases"] = "two"; }, "cases: expected an array"},
    {"CaseMissing", [](Parts& p) { p.header["cases"].erase(1); }, "bytes too many"},
    {"CaseTwice", [](Parts& p) { p.header["cases"][1]["name"] = "é"; }, "cases[1].name: stands there twice"},
    {"NoRaters", [](Parts& p) { p.header["cases"][0]["raters"] = 0; }, "cases[0].raters: expected a whole number"},
    {"ManyRaters", [](Parts& p) { p.header["cases"][0]["raters"] = 65; }, "cases[0].raters: expected a whole"},
    {"VoxelWeightNegative", [](Parts& p) { p.header["cases"][0]["voxel_weight"] = -1; }, "cases[0].voxel_weight"},
    {"VoxelWeightZero", [](Parts& p) { p.header["cases"][0]["voxel_weight"] = 0; }, "voxel_weight: expected more"},
    {"ManyCaseLevels", [](Parts& p) { p.header["cases"][0]["levels"] = kCaseLevels + 1; }, "cases[0].levels"},
    {"MoreCaseLevelsThanBytes", [](Parts& p) { p.header["cases"][1]["levels"] = kCaseLevels; },
     "truncated in cases[1]"},
    {"ProbabilityNan", [](Parts& p) { p.put(0, kNan); }, "levels: level 0 has probability nan"},
    {"ProbabilityAboveOne", [](Parts& p) { p.put(4 * (p.levels() - 1), 1.5F); }, "has probability 1.5"},
    {"ProbabilityNegative", [](Parts& p) { p.put(0, -0.5F); }, "level 0 has probability -0.5; they ascend"},
    {"ProbabilitiesDescend", [](Parts& p) { p.put(4, 0.0F); }, "level 1 has probability 0"},
    {"WeightZero", [](Parts& p) { p.put(p.weights(), 0.0); }, "level 0 has weight 0"},
    {"WeightNan", [](Parts& p) { p.put<double>(p.weights(), kNan); }, "level 0 has weight nan"},
    {"WeightInfinite", [](Parts& p) { p.put(p.weights(), std::numeric_limits<double>::infinity()); }, "weight inf"},
    {"TargetNegative", [](Parts& p) { p.put(p.targets(), -1.0); }, "target sum -1"},
    {"TargetAboveWeight", [](Parts& p) { p.put(p.targets(), 1e9); }, "target sum 1000000000"},
    {"CaseLevelOutside", [](Parts& p) { p.put(p.first_case(), kCaseLevels); }, "cases[0]: level 2562"},
    {"CaseLevelTwice",
     [](Parts& p) {
       std::uint32_t first = 0;
       std::memcpy(&first, p.payload.data() + p.first_case(), sizeof first);
       p.put(p.first_case() + 4, first);
     },
     "cases[0]: level"},
    {"CountsOverflow",
     [](Parts& p) { p.put(p.first_case() + 4 * p.header["cases"][0]["levels"].get<std::size_t>(), ~std::uint64_t{0}); },
     "cases[0]: 1.8"},
    {"CaseWithoutVoxels",
     [](Parts& p) {
       const auto levels = p.header["cases"][0]["levels"].get<std::size_t>();
       std::fill_n(p.payload.begin() + static_cast<long>(p.first_case() + 4 * levels), 8 * levels * 4, '\0');
     },
     "cases[0]: 0 voxels"},
    {"BytesTooMany", [](Parts& p) { p.payload += "1234"; }, "4 bytes too many"},
    {"BytesTooFew", [](Parts& p) { p.payload.resize(p.payload.size() - 4); }, "truncated in cases[1]"},
};

INSTANTIATE_TEST_SUITE_P(Table, WrongStatistics, testing::ValuesIn(kWrong),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(StatisticsFile, HeaderLargerThanTheFileIsRefused) {
  std::string bytes = "twintrack-statistics/1\n";
  const std::uint64_t size = ~std::uint64_t{0} / 2;
  bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
  bytes += "{}";
  EXPECT_THAT(refusal(bytes + sha256_of(bytes)), HasSubstr("truncated in the header"));
}

}  // namespace
}  // namespace twintrack

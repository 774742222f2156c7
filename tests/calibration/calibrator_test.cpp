// The calibration curve: linear between its knots, constant outside, and every way of being wrong.
#include "twintrack/calibration/calibrator.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Calibrator parse(const char* text) {
  const Json document = parse_json(text, "calibrator.json");
  return parse_calibrator(JsonView(document, "calibrator.json"));
}

TEST(Calibrator, IsLinearBetweenItsKnotsAndConstantOutside) {
  const Calibrator calibrator{"mhr", {0.25F, 0.5F, 0.75F}, {0.125F, 0.25F, 0.75F}};
  EXPECT_EQ(calibrator(0), 0.125F);
  EXPECT_EQ(calibrator(0.25F), 0.125F);
  EXPECT_EQ(calibrator(0.375F), 0.1875F);
  EXPECT_EQ(calibrator(0.5F), 0.25F);
  EXPECT_EQ(calibrator(0.625F), 0.5F);
  EXPECT_EQ(calibrator(0.75F), 0.75F);
  EXPECT_EQ(calibrator(1), 0.75F);
}

TEST(Calibrator, OneKnotIsAConstant) {
  const Calibrator calibrator{"mhr", {0.5F}, {0.3F}};
  for (const float p : {0.0F, 0.5F, 1.0F}) EXPECT_EQ(calibrator(p), 0.3F);
}

TEST(Calibrator, StepsAreKept) {
  const Calibrator calibrator{"mhr", {0.0F, 0.5F, 0.50000006F, 1.0F}, {0.0F, 0.0F, 1.0F, 1.0F}};
  EXPECT_EQ(calibrator(0.49F), 0.0F);
  EXPECT_EQ(calibrator(0.51F), 1.0F);
}

TEST(Calibrator, AppliesToAMapOnAnyNumberOfThreads) {
  const Calibrator calibrator{"mhr", {0, 0.3F, 1}, {0.1F, 0.2F, 0.9F}};
  std::vector<float> values;
  for (int i = 0; i <= 100'000; ++i) values.push_back(static_cast<float>(i) / 100'000);
  std::vector<float> expected;
  for (const float value : values) expected.push_back(calibrator(value));
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    std::vector<float> found = values;
    calibrator.apply(found);
    EXPECT_EQ(found, expected);
  }
  set_thread_count(available_processors());
}

TEST(Calibrator, IsReadFromItsFile) {
  const test::TemporaryFolder folder;
  std::ofstream(folder / "c.json")
      << R"({"format": "twintrack-calibrator/1", "target": "rater:2", "x": [0, 1], "y": [0.5, 0.5],
                                          "fitted_on": "more keys are allowed"})";
  const Calibrator calibrator = read_calibrator(folder / "c.json");
  EXPECT_EQ(calibrator.target, "rater:2");
  EXPECT_THAT(calibrator.x, ElementsAre(0, 1));
  EXPECT_THAT(calibrator.y, ElementsAre(0.5F, 0.5F));
  EXPECT_THAT(test::error_message([&] { read_calibrator(folder / "none.json"); }), HasSubstr("none.json"));
}

TEST(Calibrator, SupportAndNetworksAreReadWhenTheFileTells) {
  const Calibrator without = parse(R"({"format": "twintrack-calibrator/1", "target": "mhr", "x": [0], "y": [0]})");
  EXPECT_FALSE(without.support.has_value());
  EXPECT_FALSE(without.networks_sha256.has_value());
  const Calibrator nulls = parse(
      R"({"format": "twintrack-calibrator/1", "target": "mhr", "x": [0], "y": [0], "support": null,
          "networks_sha256": null})");
  EXPECT_FALSE(nulls.support.has_value());
  EXPECT_FALSE(nulls.networks_sha256.has_value());
  const Calibrator with = parse(
      R"({"format": "twintrack-calibrator/1", "target": "mhr", "x": [0], "y": [0],
          "support": {"low": 0.125, "high": 0.5}, "networks_sha256": "abc"})");
  EXPECT_EQ(with.support, std::pair(0.125F, 0.5F));
  EXPECT_EQ(with.networks_sha256, "abc");
}

TEST(Calibrator, ShareOutsideSupportCountsTheMaskedOnly) {
  Calibrator calibrator{"mhr", {0}, {0}};
  const std::vector<float> values{0.0F, 0.1F, 0.2F, 0.5F, 0.8F, 0.9F, 1.0F, 0.95F};
  const std::vector<std::uint8_t> mask{1, 1, 1, 1, 1, 1, 0, 0};
  EXPECT_EQ(calibrator.share_outside_support(values, mask), 0);  // no support is known
  calibrator.support = std::pair(0.2F, 0.8F);
  EXPECT_EQ(calibrator.share_outside_support(values, mask), 3.0 / 6);
  EXPECT_EQ(calibrator.share_outside_support(values, std::vector<std::uint8_t>(8, 0)), 0);
  calibrator.support = std::pair(0.0F, 1.0F);
  EXPECT_EQ(calibrator.share_outside_support(values, mask), 0);
}

TEST(Calibrator, ShareOutsideSupportOfALargeMapOnAnyNumberOfThreads) {
  Calibrator calibrator{"mhr", {0}, {0}};
  calibrator.support = std::pair(0.0F, 0.75F);
  std::vector<float> values;
  std::vector<std::uint8_t> mask;
  int outside = 0;
  int masked = 0;
  for (int i = 0; i < 200'001; ++i) {
    values.push_back(static_cast<float>(i % 1000) / 999);
    mask.push_back(static_cast<std::uint8_t>(i % 3));
    masked += i % 3 != 0 ? 1 : 0;
    outside += i % 3 != 0 && values.back() > 0.75F ? 1 : 0;
  }
  for (const int threads : {1, 3}) {
    set_thread_count(threads);
    EXPECT_EQ(calibrator.share_outside_support(values, mask), static_cast<double>(outside) / masked);
  }
  set_thread_count(available_processors());
}

struct Wrong {
  const char* name;
  const char* text;
  const char* message;
};

class WrongCalibrator : public testing::TestWithParam<Wrong> {};

TEST_P(WrongCalibrator, IsRefusedByName) {
  const std::string message = test::error_message([] { parse(GetParam().text); });
  EXPECT_THAT(message, testing::StartsWith("calibrator.json: "));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

const Wrong kWrong[] = {
    {"NoFormat", R"({"target": "mhr", "x": [0], "y": [0]})", "\"format\" is missing"},
    {"OtherFormat", R"({"format": "twintrack-calibrator/2"})", "format: 'twintrack-calibrator/2' is not supported"},
    {"NoTarget", R"({"format": "twintrack-calibrator/1", "x": [0], "y": [0]})", "\"target\" is missing"},
    {"NoKnots", R"({"format": "twintrack-calibrator/1", "target": "", "x": [], "y": []})", "x: no knots"},
    {"EqualX", R"({"format": "twintrack-calibrator/1", "target": "", "x": [0.5, 0.5], "y": [0, 1]})",
     "x[1]: 0.5 after 0.5: knots must ascend"},
    {"DescendingY", R"({"format": "twintrack-calibrator/1", "target": "", "x": [0, 1], "y": [0.5, 0.4]})",
     "y[1]: 0.4 after 0.5"},
    {"XAboveOne", R"({"format": "twintrack-calibrator/1", "target": "", "x": [0, 1.1], "y": [0, 1]})",
     "x[1]: expected at most 1"},
    {"NegativeY", R"({"format": "twintrack-calibrator/1", "target": "", "x": [0, 1], "y": [-0.1, 1]})",
     "y[0]: expected at least 0"},
    {"Text", R"({"format": "twintrack-calibrator/1", "target": "", "x": ["0"], "y": [0]})", "x[0]: expected a number"},
    {"Lengths", R"({"format": "twintrack-calibrator/1", "target": "", "x": [0, 1], "y": [0]})",
     "y: 1 values for 2 knots in x"},
    {"AList", R"([])", "expected an object"},
    {"SupportIsAList", R"({"format": "twintrack-calibrator/1", "target": "", "x": [0], "y": [0], "support": [0, 1]})",
     "support: expected an object"},
    {"SupportDescends",
     R"({"format": "twintrack-calibrator/1", "target": "", "x": [0], "y": [0], "support": {"low": 0.5, "high": 0.25}})",
     "support.high: expected at least 0.5"},
    {"SupportAboveOne",
     R"({"format": "twintrack-calibrator/1", "target": "", "x": [0], "y": [0], "support": {"low": 0, "high": 2}})",
     "support.high: expected at most 1"},
    {"NetworksIsANumber",
     R"({"format": "twintrack-calibrator/1", "target": "", "x": [0], "y": [0], "networks_sha256": 5})",
     "networks_sha256: expected a string"},
};

INSTANTIATE_TEST_SUITE_P(Table, WrongCalibrator, testing::ValuesIn(kWrong),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace twintrack

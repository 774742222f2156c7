// From statistics to calibrator.json, and the edge cases a cohort can have.
#include "twintrack/calibration/fit.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "calibration/random_case.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack {
namespace {

using test::MemoryCase;
using test::random_case;
using test::Region;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

CalibrationStatistics cohort(const std::vector<std::string>& names, const std::string& target = "mhr") {
  CalibrationStatistics statistics;
  statistics.target = parse_target(target);
  for (const std::string& name : names) {
    const auto seed = static_cast<unsigned>(name.front());
    const MemoryCase made = random_case({6, 7, 8}, name.front() % 2 == 0 ? 2 : 4, Region::half, seed);
    CalibrationCase item = made.as(name);
    item.identity = sha256_of(name);
    add_case(statistics, item);
  }
  return statistics;
}

Json document_of(const CalibrationStatistics& statistics, int replicates = 50) {
  return to_json(fit_calibrator(statistics, replicates, 7), statistics);
}

TEST(FitCalibrator, DocumentTellsWhatItWasMadeFrom) {
  CalibrationStatistics statistics = cohort({"b", "a", "c"});
  statistics.networks_sha256 = std::string(64, 'e');
  const Json document = document_of(statistics);
  EXPECT_EQ(document["format"], kCalibratorFormat);
  EXPECT_EQ(document["research_use"], kResearchUse);
  EXPECT_EQ(document["target"], "mhr");
  EXPECT_EQ(document["networks_sha256"], std::string(64, 'e'));
  EXPECT_EQ(document["cases"], 3);
  EXPECT_EQ(document["raters"]["fewest"], 2);
  EXPECT_EQ(document["raters"]["most"], 4);
  EXPECT_EQ(document["case_weight"], "voxel");
  EXPECT_EQ(document["exact_levels"], true);
  EXPECT_EQ(document["twintrack"], version());
  EXPECT_THAT(document["warnings"], IsEmpty());
  std::uint64_t voxels = 0;
  for (const CaseLevels& item : statistics.cases) voxels += item.voxels();
  EXPECT_EQ(document["voxels"], voxels);
  ASSERT_EQ(document["input"]["cases"].size(), 3u);
  EXPECT_EQ(document["input"]["cases"][0]["case"], "a");  // by name
  EXPECT_EQ(document["input"]["cases"][0]["sha256"], sha256_of("a"));
  EXPECT_EQ(document["input"]["sha256"],
            sha256_of("a " + sha256_of("a") + "\nb " + sha256_of("b") + "\nc " + sha256_of("c") + "\n"));
  EXPECT_EQ(document["band"]["level"], 0.95);
  EXPECT_EQ(document["band"]["replicates"], 50);
  EXPECT_EQ(document["band"]["seed"], 7);
  for (const char* key : {"x", "low", "high"}) EXPECT_EQ(document["band"][key].size(), 101u);
  for (const char* key : {"before", "after", "leave_one_case_out"}) {
    for (const char* figure : {"brier", "calibration_error", "tdsc"})
      EXPECT_TRUE(document["diagnostics"][key][figure].is_number()) << key << figure;
  }
}

TEST(FitCalibrator, DocumentIsReadBackToTheBit) {
  CalibrationStatistics statistics = cohort({"a", "b"}, "majority");
  statistics.networks_sha256 = "network";
  const CalibratorFit fit = fit_calibrator(statistics, 10, 0);
  const Json document = parse_json(to_json(fit, statistics).dump(1), "c.json");
  const Calibrator found = parse_calibrator(JsonView(document, "c.json"));
  EXPECT_EQ(found.target, "majority");
  EXPECT_EQ(found.x, fit.calibrator.x);
  EXPECT_EQ(found.y, fit.calibrator.y);
  EXPECT_EQ(found.support, fit.calibrator.support);
  EXPECT_EQ(found.networks_sha256, "network");
}

TEST(FitCalibrator, TheOrderOfCasesChangesNothing) {
  const Json forward = document_of(cohort({"a", "b", "c"}), 0);
  const Json backward = document_of(cohort({"c", "b", "a"}), 0);
  EXPECT_EQ(forward["x"], backward["x"]);
  EXPECT_EQ(forward["y"], backward["y"]);
  EXPECT_EQ(forward["input"], backward["input"]);
  EXPECT_TRUE(forward["band"].is_null());  // no replicates were asked for
}

TEST(FitCalibrator, SupportIsTheRangeOfProbabilities) {
  const CalibrationStatistics statistics = cohort({"a", "b"});
  const auto levels = statistics.levels.levels();
  const CalibratorFit fit = fit_calibrator(statistics, 0, 0);
  EXPECT_EQ(fit.calibrator.support, std::pair(levels.front().probability, levels.back().probability));
}

// Saturated networks: no probability that was fitted lies outside the support, though it is not on the grid.
TEST(FitCalibrator, SupportHoldsWhatTheGridRounds) {
  MemoryCase made = random_case({8, 8, 8}, 2, Region::whole, 1);
  for (float& p : made.probability) p = std::clamp(p, 0.25F, 1 - 0x1p-24F);
  CalibrationStatistics statistics;
  statistics.levels.move_to_grid();
  add_case(statistics, made.as("a"));
  const Calibrator calibrator = fit_calibrator(statistics, 0, 0).calibrator;
  const std::vector<std::uint8_t> mask(made.probability.size(), 1);
  EXPECT_EQ(calibrator.share_outside_support(made.probability, mask), 0);
  EXPECT_LE(calibrator.support->second, 1.0F);
}

MemoryCase constant_case(float probability, int marked_by) {
  MemoryCase made = random_case({4, 4, 4}, 2, Region::whole, 2);
  std::ranges::fill(made.probability, probability);
  for (int k = 0; k < 2; ++k) {
    made.raters.masks[k] = BitMask({4, 4, 4});
    if (k < marked_by) std::ranges::fill(made.raters.masks[k].words(), ~std::uint64_t{0});
  }
  return made;
}

CalibratorFit fit_of(const std::vector<MemoryCase>& cases) {
  CalibrationStatistics statistics;
  for (std::size_t i = 0; i < cases.size(); ++i) add_case(statistics, cases[i].as(std::to_string(i)));
  return fit_calibrator(statistics, 20, 0);
}

TEST(EdgeCases, OneCase) {
  const CalibratorFit fit = fit_of({random_case({6, 7, 8}, 3, Region::half, 3)});
  EXPECT_THAT(fit.warnings, ElementsAre(HasSubstr("one case only")));
  EXPECT_FALSE(fit.band.has_value());
  EXPECT_FALSE(fit.diagnostics.leave_one_out.has_value());
  EXPECT_GT(fit.calibrator.x.size(), 2u);
}

TEST(EdgeCases, OneRater) {
  const MemoryCase made = random_case({6, 7, 8}, 1, Region::whole, 4);
  const CalibratorFit fit = fit_of({made});
  double marked = 0;
  double fitted = 0;
  for (std::size_t i = 0; i < made.probability.size(); ++i) {
    marked += made.marks(static_cast<std::int64_t>(i));
    fitted += fit.calibrator(made.probability[i]);
  }
  EXPECT_GT(marked, 10);
  EXPECT_NEAR(fitted, marked, 1e-4 * marked);
}

TEST(EdgeCases, AllRatersEmpty) {
  MemoryCase a = random_case({6, 7, 8}, 3, Region::half, 6);
  for (BitMask& mask : a.raters.masks) mask = BitMask({6, 7, 8});
  MemoryCase b = a;
  b.probability.front() = 0.5F;
  const CalibratorFit fit = fit_of({a, b});
  EXPECT_THAT(fit.calibrator.y, testing::Each(0.0F));
  EXPECT_THAT(fit.warnings, Contains(HasSubstr("no rater marked anything")));
  EXPECT_THAT(fit.warnings, Contains(HasSubstr("the curve is constant (0)")));
  EXPECT_EQ(fit.diagnostics.after.brier, 0);
}

TEST(EdgeCases, AllProbabilitiesEqual) {
  const CalibratorFit fit = fit_of({constant_case(0.25F, 1), constant_case(0.25F, 0)});
  EXPECT_THAT(fit.calibrator.x, ElementsAre(0.25F));
  EXPECT_THAT(fit.calibrator.y, ElementsAre(0.25F));  // a quarter of all marks
  EXPECT_THAT(fit.warnings, ElementsAre(HasSubstr("all probabilities are 0.25")));
  EXPECT_EQ(fit.calibrator.support, std::pair(0.25F, 0.25F));
}

TEST(EdgeCases, ConstantTarget) {
  const CalibratorFit fit = fit_of({constant_case(0.25F, 2), constant_case(0.75F, 2)});
  EXPECT_THAT(fit.calibrator.y, testing::Each(1.0F));
  EXPECT_THAT(fit.warnings, ElementsAre(HasSubstr("the curve is constant (1)")));
}

TEST(EdgeCases, RatersDifferInNumberBetweenCases) {  // each voxel counts with its own case's share
  const MemoryCase two = constant_case(0.5F, 1);     // 1 of 2
  MemoryCase three = two;                            // 3 of 3
  three.raters.masks = {two.raters.masks[0], two.raters.masks[0], two.raters.masks[0]};
  const CalibratorFit fit = fit_of({two, three});
  EXPECT_THAT(fit.calibrator.y, ElementsAre(0.75F));
}

}  // namespace
}  // namespace twintrack

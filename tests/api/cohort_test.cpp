// Calibration and evaluation by the public interface, against the modules that do the work.
#include <gmock/gmock.h>

#include <cmath>

#include "api/scene.hpp"
#include "support/error_message.hpp"
#include "twintrack/calibration/fit.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/evaluation/case_metrics.hpp"
#include "twintrack/evaluation/cohort_metrics.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"

namespace twintrack {
namespace {

using test::Bytes;
using test::CaseInMemory;
using test::RatedCase;
using testing::AllOf;
using testing::HasSubstr;

RatedCase rated(unsigned seed) { return test::random_case({20, 22, 24}, 5, seed, {2, 1, 1}); }

TEST(Calibration, IsTheModules) {
  CalibrationStatistics statistics;
  CalibrationCohort cohort;
  for (const unsigned seed : {1U, 2U, 3U}) {
    const RatedCase item = rated(seed);
    const std::string name = "p" + std::to_string(seed);
    add_case(statistics,
             {name, "", item.probability.voxels, item.raters, region_of_marks(item.probability, item.raters)});
    const CaseInMemory memory(item);
    cohort.add(name, memory.probability, memory.views);
  }
  const CalibratorFit expected = fit_calibrator(statistics, 100, 7);
  const CalibrationFit found = cohort.fit(100, 7);
  EXPECT_EQ(cohort.size(), 3U);
  EXPECT_EQ(found.calibrator.x, expected.calibrator.x);
  EXPECT_EQ(found.calibrator.y, expected.calibrator.y);
  EXPECT_EQ(found.document, to_text(to_json(expected, statistics), 1));
}

TEST(Calibration, MergedOrWrittenAndReadIsFittedTheSame) {
  const CaseInMemory first(rated(1));
  const CaseInMemory second(rated(2));
  CalibrationCohort together("staple", true);
  together.add("a", first.probability, first.views);
  together.add("b", second.probability, second.views, MaskView(second.raters[0]));
  CalibrationCohort here("staple", true);
  here.add("a", first.probability, first.views);
  CalibrationCohort there("staple", true);
  there.add("b", second.probability, second.views, MaskView(second.raters[0]));
  const test::TemporaryFolder folder;
  there.write(folder / "there.stats");
  here.merge(CalibrationCohort::read(folder / "there.stats"));
  EXPECT_EQ(here.fit(50).document, together.fit(50).document);
  EXPECT_THAT(test::error_message([&] { here.merge(there); }), HasSubstr("case b"));
  EXPECT_THAT(test::error_message([&] { here.merge(CalibrationCohort("mhr")); }), HasSubstr("staple"));
}

TEST(Calibration, CalibratorsAreWrittenAndRead) {
  const test::TemporaryFolder folder;
  const CaseInMemory item(rated(4));
  CalibrationCohort cohort;
  cohort.add("p", item.probability, item.views);
  const CalibrationFit fit = cohort.fit();
  write_calibrator(folder / "fit.json", fit);
  EXPECT_EQ(read_calibrator(folder / "fit.json").y, fit.calibrator.y);
  EXPECT_FALSE(fit.warnings.empty());  // one case

  const Calibrator curve{"rater:2", {0.1F, 0.7F}, {0.0F, 0.6F}, std::pair(0.05F, 0.9F), std::string(64, 'b')};
  write_calibrator(folder / "curve.json", curve);
  const Calibrator read = read_calibrator(folder / "curve.json");
  EXPECT_EQ(read.target, "rater:2");
  EXPECT_EQ(read.x, curve.x);
  EXPECT_EQ(read.y, curve.y);
  EXPECT_EQ(read.support, curve.support);
  EXPECT_EQ(read.networks_sha256, curve.networks_sha256);
}

TEST(Calibration, CurvesThatAreNoneAreNotWritten) {
  const test::TemporaryFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Calibrator& wrong :
       {Calibrator{"mhr", {}, {}}, Calibrator{"mhr", {0, 1}, {0}}, Calibrator{"mhr", {0.5, 0.5}, {0, 1}},
        Calibrator{"mhr", {0, 1}, {1, 0}}, Calibrator{"mhr", {0, 2}, {0, 1}}, Calibrator{"mhr", {nan}, {0}}}) {
    EXPECT_THROW(write_calibrator(folder / "wrong.json", wrong), UsageError);
  }
  EXPECT_EQ(folder.entries(), 0U);
}

TEST(Calibration, WrongCasesAreNamed) {
  CaseInMemory item(rated(5));
  CalibrationCohort cohort;
  EXPECT_THAT(test::error_message<UsageError>([&] { cohort.fit(); }), HasSubstr("no case"));
  EXPECT_THROW(CalibrationCohort("mean"), UsageError);
  EXPECT_THAT(test::error_message([&] { cohort.add("p", item.probability, {}); }), HasSubstr("0 raters"));
  const Bytes ones(item.segmentation.size(), 1);
  const std::vector<MaskView> many(65, ones);
  EXPECT_THAT(test::error_message([&] { cohort.add("p", item.probability, many); }), HasSubstr("65 raters"));
  const Bytes nothing(ones.size(), 0);
  EXPECT_THAT(test::error_message([&] { cohort.add("p", item.probability, item.views, MaskView(nothing)); }),
              AllOf(HasSubstr("case p"), HasSubstr("empty")));
  item.raters[2][25] = 3;
  EXPECT_THAT(test::error_message([&] { cohort.add("p", item.probability, item.views); }),
              AllOf(HasSubstr("case p: rater 3"), HasSubstr("3 at x=1, y=1, z=0")));
  EXPECT_EQ(cohort.size(), 0U);
  EXPECT_THROW(CalibrationCohort::read("no-such-file"), InputError);
}

TEST(Evaluation, IsTheModules) {
  const RatedCase item = rated(6);
  const CaseInMemory memory(item);
  const CaseMetrics expected = evaluate_case(item.probability, item.raters, item.segmentation);
  const CaseEvaluation found =
      evaluate({.probability = memory.probability, .raters = memory.views, .segmentation = memory.segmentation});
  EXPECT_EQ(found.document, to_json(expected).dump());
  EXPECT_EQ(found.metrics.at("tdsc"), expected.tdsc);
  EXPECT_EQ(found.metrics.at("brier.score"), expected.calibration.brier.score);
  const CaseMetrics thresholded = evaluate_case(item.probability, item.raters, voxels_reaching(item.probability, 0.3));
  EXPECT_EQ(evaluate({.probability = memory.probability, .raters = memory.views, .threshold = 0.3}).document,
            to_json(thresholded).dump());
}

TEST(Evaluation, VesselsAreMeasuredWhereGiven) {
  const RatedCase item = rated(7);
  const CaseInMemory memory(item);
  Bytes labels(memory.segmentation.size(), 0);
  const BitMask sma = test::mask_where({20, 22, 24}, [](auto, auto y, auto x) { return y / 4 == 3 && x / 4 == 3; });
  for (std::int64_t i = 0; i < sma.size(); ++i) labels[i] = sma[i] ? 5 : 9;  // 9 is no vessel
  const CaseEvaluation found = evaluate({.probability = memory.probability, .raters = memory.views, .vessels = labels});
  std::vector<VesselMask> vessels;
  for (const VesselLabel& vessel : challenge_vessels())
    vessels.push_back({vessel.name, vessel.label == 5 ? sma : BitMask(sma.shape())});
  EXPECT_EQ(parse_json(found.document, "found")["vi"],
            to_json(vascular_involvement(item.probability, item.raters, vessels)));
  EXPECT_GT(found.metrics.at("vi.sma.geometric.prediction.expected"), 0);
  labels.assign(labels.size(), 9);
  EXPECT_THAT(test::error_message(
                  [&] { evaluate({.probability = memory.probability, .raters = memory.views, .vessels = labels}); }),
              HasSubstr("labels 1 to 5"));
}

TEST(Evaluation, CohortIsSummarisedAsTheProgramDoes) {
  std::vector<CaseEvaluation> cases;
  Json documents = Json::object();
  for (const unsigned seed : {1U, 2U, 3U, 4U}) {
    CaseInMemory memory(rated(seed));
    if (seed == 3) memory.segmentation.assign(memory.segmentation.size(), 0);  // no surface: a metric without value
    cases.push_back(
        evaluate({.probability = memory.probability, .raters = memory.views, .segmentation = memory.segmentation}));
    documents[std::to_string(seed)] = parse_json(cases.back().document, "case");
  }
  const auto found = summarise_cohort(cases, 200, 3);
  const Json expected = summarise(documents, 200, 3);
  EXPECT_EQ(found.size(), expected.size());
  for (const auto& [name, estimate] : found) EXPECT_EQ(to_json(estimate), expected[name]) << name;
  EXPECT_EQ(found.at("hd95_mm").n, 3);
  EXPECT_TRUE(summarise_cohort({}).empty());
  EXPECT_THROW(summarise_cohort(cases, 0), UsageError);
}

TEST(Evaluation, RoundingIsClampedAndOthersAreNamed) {
  CaseInMemory item(rated(8));
  const auto evaluated = [&] { return evaluate({.probability = item.probability, .raters = item.views}); };
  item.probability.voxels[0] = 0;
  item.probability.voxels[1] = 1;
  const std::string clean = evaluated().document;
  item.probability.voxels[0] = -5e-7F;
  item.probability.voxels[1] = 1.0000005F;
  EXPECT_EQ(evaluated().document, clean);
  EXPECT_EQ(item.probability.voxels[0], -5e-7F);
  for (const float wrong : {-0.1F, 1.1F, std::numeric_limits<float>::quiet_NaN()}) {
    item.probability.voxels[1] = wrong;
    EXPECT_THAT(test::error_message(evaluated), AllOf(HasSubstr("probability map"), HasSubstr("x=1, y=0, z=0")));
  }
  item.probability.voxels[1] = 1;
  item.segmentation.pop_back();
  EXPECT_THAT(test::error_message([&] {
                evaluate({.probability = item.probability, .raters = item.views, .segmentation = item.segmentation});
              }),
              AllOf(HasSubstr("segmentation"), HasSubstr("10559 voxels"), HasSubstr("10560")));
  EXPECT_THROW(evaluate({.probability = item.probability, .raters = item.views, .threshold = 1.5}), UsageError);
}

}  // namespace
}  // namespace twintrack

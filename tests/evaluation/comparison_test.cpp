// The paper's comparison where the truth is known: raters drawn from a known field, predictions a known monotone
// distortion of it.
#include "twintrack/evaluation/comparison.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>
#include <random>

#include "support/error_message.hpp"

namespace twintrack {
namespace {

using testing::HasSubstr;

constexpr Shape3 kShape{28, 44, 44};
constexpr double kMargin_voxels = 1.5;  // over which the field falls off
constexpr int kRaters = 5;
constexpr std::array<double, kRaters> kBias_voxels{-3.0, -0.5, 0.0, 0.5, 2.0};  // rater 1 is strict, rater 5 generous

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

// Probability that rater k marks a voxel `radius` voxels from the centre of a tumour of `tumor_radius`.
double rater_field(int k, double radius, double tumor_radius) {
  return logistic((tumor_radius + kBias_voxels[k] - radius) / kMargin_voxels);
}

double response_field(double radius, double tumor_radius) {
  double sum = 0;
  for (int k = 0; k < kRaters; ++k) sum += rater_field(k, radius, tumor_radius);
  return sum / kRaters;
}

// Overconfident: low responses come out lower, high ones higher.
double distorted(double response) {
  return std::pow(response, 3) / (std::pow(response, 3) + std::pow(1 - response, 2));
}

struct KnownCase {
  CaseMaps maps;
  std::vector<float> truth;  // the mean human response that the raters were drawn from
};

KnownCase known_case(int seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  const double tumor_radius = 7 + 4 * uniform(random);
  const std::array<double, 3> centre{14 + 2 * uniform(random), 20 + 4 * uniform(random), 20 + 4 * uniform(random)};

  KnownCase known;
  Geometry& geometry = known.maps.probability.geometry;
  geometry.size = {kShape[2], kShape[1], kShape[0]};
  geometry.spacing_mm = {0.8, 0.8, 1.5};
  known.maps.raters.geometry = geometry;
  known.maps.raters.masks.assign(kRaters, BitMask(kShape));
  std::int64_t voxel = 0;
  for (std::int64_t z = 0; z < kShape[0]; ++z) {
    for (std::int64_t y = 0; y < kShape[1]; ++y) {
      for (std::int64_t x = 0; x < kShape[2]; ++x, ++voxel) {
        const double radius = std::hypot(static_cast<double>(z) - centre[0], static_cast<double>(y) - centre[1],
                                         static_cast<double>(x) - centre[2]);
        const double response = response_field(radius, tumor_radius);
        known.truth.push_back(static_cast<float>(response));
        known.maps.probability.voxels.push_back(static_cast<float>(distorted(response)));
        for (int k = 0; k < kRaters; ++k) {
          if (uniform(random) < rater_field(k, radius, tumor_radius)) known.maps.raters.masks[k].set(voxel);
        }
      }
    }
  }
  return known;
}

BitMask whole_grid() {
  BitMask region(kShape);
  for (std::int64_t i = 0; i < region.size(); ++i) region.set(i);
  return region;
}

RowCalibrators fit_to_known_cases(const std::vector<ComparisonRow>& rows, int cases) {
  RowStatistics statistics(rows);
  const BitMask region = whole_grid();
  for (int i = 0; i < cases; ++i) {
    const KnownCase known = known_case(1000 + i);
    statistics.add(
        CalibrationCase{"fit" + std::to_string(i), "", known.maps.probability.voxels, known.maps.raters, region});
  }
  return statistics.fit();
}

// Root mean square of curve(p) - truth over the voxels that truth leaves in doubt.
double curve_error(const Calibrator& curve, const std::vector<KnownCase>& cases) {
  double squares = 0;
  std::int64_t voxels = 0;
  for (const KnownCase& known : cases) {
    for (std::size_t i = 0; i < known.truth.size(); ++i) {
      if (known.truth[i] < 0.05F || known.truth[i] > 0.95F) continue;
      squares += std::pow(curve(known.maps.probability.voxels[i]) - known.truth[i], 2);
      ++voxels;
    }
  }
  return std::sqrt(squares / static_cast<double>(voxels));
}

TEST(Comparison, TheMeanHumanResponseRecoversTheFieldAndWinsOnAllThreeMetrics) {
  constexpr int kFitCases = 60;
  constexpr int kTestCases = 30;
  ComparisonOptions options;
  const std::vector<ComparisonRow> rows = comparison_rows(options);
  const RowCalibrators calibrators = fit_to_known_cases(rows, kFitCases);

  std::vector<KnownCase> tests;
  Json cases = Json::object();
  for (int i = 0; i < kTestCases; ++i) {
    tests.push_back(known_case(i));
    cases["test" + std::to_string(i)] = evaluate_rows(tests.back().maps, rows, calibrators, 0.5);
  }

  const double error = curve_error(*calibrators[3], tests);
  RecordProperty("rms_error_of_the_recovered_field", std::to_string(error));
  std::cout << "rms error of the recovered field: " << error << "\n";
  EXPECT_LT(error, 0.03);
  EXPECT_GT(curve_error(*calibrators[1], tests), 3 * error);
  EXPECT_GT(curve_error(*calibrators[2], tests), 3 * error);

  const ComparisonTable table = comparison_table(cases, rows, options);
  std::cout << to_text(table);
  const auto mean = [&](std::size_t row, const char* metric) { return table.means[row][metric]["mean"].get<double>(); };
  for (std::size_t row = 0; row < 3; ++row) {
    SCOPED_TRACE(table.titles[row]);
    EXPECT_LT(mean(row, "tdsc"), mean(3, "tdsc"));
    EXPECT_GT(mean(row, "ece_mean"), mean(3, "ece_mean"));
    EXPECT_GT(mean(row, "crps"), mean(3, "crps"));
    EXPECT_LT(table.differences[row]["tdsc"]["p"].get<double>(), 0.05);
    EXPECT_LT(table.differences[row]["ece_mean"]["p"].get<double>(), 0.05);
    EXPECT_LT(table.differences[row]["crps"]["p"].get<double>(), 0.05);
  }
}

TEST(Comparison, TheRowWithoutTargetKeepsTheProbabilities) {
  const std::vector<ComparisonRow> rows = comparison_rows({});
  const KnownCase known = known_case(7);
  const Calibrator identity{"mhr", {0, 1}, {0, 1}};
  const Json metrics = evaluate_rows(known.maps, rows, {std::nullopt, identity, identity, identity}, 0.5);
  EXPECT_EQ(metrics["none"], metrics["MHR"]);
}

TEST(Comparison, CalibratorsActInTheRegionOnly) {
  KnownCase known = known_case(7);
  known.maps.roi = BitMask(kShape);
  const Calibrator everything{"mhr", {0}, {1}};
  const std::vector<ComparisonRow> rows{{"MHR", CalibrationTarget{}}};
  EXPECT_EQ(evaluate_rows(known.maps, rows, {everything}, 0.5)["MHR"]["volume_mm3.prediction"], 0.0);
  known.maps.roi->set(5);
  EXPECT_DOUBLE_EQ(evaluate_rows(known.maps, rows, {everything}, 0.5)["MHR"]["volume_mm3.prediction"].get<double>(),
                   0.8 * 0.8 * 1.5);
}

TEST(Comparison, FoldsAreOfEqualSizeAndDrawnBySeed) {
  const std::vector<int> folds = assign_folds(23, 5, 3);
  std::array<int, 5> sizes{};
  for (const int fold : folds) ++sizes.at(fold);
  EXPECT_THAT(sizes, testing::ElementsAre(5, 5, 5, 4, 4));
  EXPECT_EQ(folds, assign_folds(23, 5, 3));
  EXPECT_NE(folds, assign_folds(23, 5, 4));
}

TEST(Comparison, AFoldOfEveryCaseIsTheMost) {
  const Manifest cohort{"cases.csv", std::vector<CohortCase>(3)};
  for (const int folds : {-1, 0, 1, 4}) {
    EXPECT_THAT(test::error_message<UsageError>([&] { compare_by_folds(cohort, folds, {}, {}); }),
                HasSubstr("from 2 to the number of cases (3)"));
  }
}

TEST(Comparison, FitAndTestMustNotShareACase) {
  Manifest fit{"fit.csv", std::vector<CohortCase>(2)};
  fit.cases[1].name = "p17";
  const Manifest test{"test.csv", {fit.cases[1]}};
  EXPECT_THAT(test::error_message([&] { compare_on_test_set(fit, test, {}, {}); }),
              testing::AllOf(HasSubstr("test.csv"), HasSubstr("p17"), HasSubstr("fit.csv")));
}

// Two cases, two rows, metrics by hand.
ComparisonTable small_table() {
  const Json cases{{"a",
                    {{"none", {{"tdsc", 0.5}, {"ece_mean", 0.02}, {"crps", 100.0}}},
                     {"MHR", {{"tdsc", 0.7}, {"ece_mean", 0.01}, {"crps", nullptr}}}}},
                   {"b",
                    {{"none", {{"tdsc", 0.5}, {"ece_mean", 0.02}, {"crps", 100.0}}},
                     {"MHR", {{"tdsc", 0.7}, {"ece_mean", 0.01}, {"crps", nullptr}}}}}};
  ComparisonOptions options;
  options.replicates = 10;
  return comparison_table(cases, {{"none", {}}, {"MHR", CalibrationTarget{}}}, options);
}

TEST(ComparisonTable, HoldsMeansAndDifferencesToTheLastRow) {
  const ComparisonTable table = small_table();
  EXPECT_THAT(table.titles, testing::ElementsAre("none", "MHR"));
  EXPECT_DOUBLE_EQ(table.means[1]["tdsc"]["mean"].get<double>(), 0.7);
  EXPECT_NEAR(table.differences[0]["tdsc"]["difference"].get<double>(), -0.2, 1e-12);
  EXPECT_TRUE(table.differences[1].is_null());
  EXPECT_EQ(to_json(table)[0]["calibration_target"], "none");
}

TEST(ComparisonTable, AsTextLatexAndCsv) {
  const ComparisonTable table = small_table();
  EXPECT_THAT(to_text(table), testing::AllOf(HasSubstr("0.700 [0.700, 0.700]"), HasSubstr("0.0200 [0.0200, 0.0200] p"),
                                             HasSubstr("- [-, -]")));
  EXPECT_THAT(to_latex(table),
              testing::AllOf(testing::StartsWith("\\begin{tabular}{lrrr}"),
                             HasSubstr("none & 0.500 [0.500, 0.500] & 0.0200"), testing::EndsWith("\\end{tabular}\n")));
  const std::string csv = to_csv(table);
  EXPECT_THAT(csv, HasSubstr("\nMHR,tdsc,0.7"));
  EXPECT_THAT(csv, HasSubstr("\nMHR,crps,,,,0,,,,\n"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 2 * 3);
}

}  // namespace
}  // namespace twintrack

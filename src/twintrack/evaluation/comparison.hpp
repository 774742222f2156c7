// The paper's comparison: the same probabilities uncalibrated, and calibrated to one rater, to a hard label and to the
// mean human response; only the target differs.
#pragma once

#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/calibration/statistics.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/cohort/manifest.hpp"
#include "twintrack/core/json.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// Rows of the table, in its order.
struct ComparisonRow {
  std::string title;
  std::optional<CalibrationTarget> target;  // none: the probabilities as they are
};

struct ComparisonOptions {
  int rater = 1;                                                           // of the row "one rater", from 1
  CalibrationTarget::Kind hard_label = CalibrationTarget::Kind::majority;  // or staple
  double threshold = 0.5;                                                  // of the segmentation that DSC is about
  std::vector<int> tumor_labels;
  int replicates = 1000;
  std::uint64_t seed = 0;
};
std::vector<ComparisonRow> comparison_rows(const ComparisonOptions& options);

// One calibrator a row; nothing for the row without target.
using RowCalibrators = std::vector<std::optional<Calibrator>>;

// Statistics of all rows with a target, filled case by case.
class RowStatistics {
 public:
  explicit RowStatistics(const std::vector<ComparisonRow>& rows);
  void add(const CalibrationCase& item);
  void add(const RowStatistics& other);
  RowCalibrators fit() const;

 private:
  std::vector<std::optional<CalibrationStatistics>> rows_;
};

// The map after calibration: where `roi` is set, without one where the probability is above 0 (predict writes 0
// outside its region of interest); 0 elsewhere.
Volume<float> calibrated(const CaseMaps& maps, const Calibrator& calibrator);

// {ROW TITLE: metrics as evaluate gives them, without lists} of one case. Calibrators act where `region` is set, else
// where the probability is above 0 (predict writes 0 outside its region of interest).
Json evaluate_rows(const CaseMaps& maps, const std::vector<ComparisonRow>& rows, const RowCalibrators& calibrators,
                   double threshold);

// Told what is being done, to which of how many cases.
using ComparisonProgress = std::function<void(const std::string& stage, std::int64_t done, std::int64_t total)>;

// Fits on one cohort and evaluates on the other. Returns {CASE: {ROW TITLE: metrics}}. Throws InputError for a case
// that cannot be read, and when a case of that name is in both.
Json compare_on_test_set(const Manifest& fit, const Manifest& test, const ComparisonOptions& options,
                         const ComparisonProgress& progress);

// The same on one cohort: each of `folds` parts, drawn by the seed, is evaluated with the fits to the others. Throws
// UsageError for fewer than 2 folds or more than cases.
Json compare_by_folds(const Manifest& cohort, int folds, const ComparisonOptions& options,
                      const ComparisonProgress& progress);

// The fold of each case: sizes differ by one at most.
std::vector<int> assign_folds(std::size_t cases, int folds, std::uint64_t seed);

// A row's bootstrap means and, but for the last row, its paired differences to it.
struct ComparisonTable {
  std::vector<std::string> titles;
  std::vector<Json> means;        // as summarise()
  std::vector<Json> differences;  // as compare_metrics(); null for the last row, the mean human response
};
ComparisonTable comparison_table(const Json& cases, const std::vector<ComparisonRow>& rows,
                                 const ComparisonOptions& options);

Json to_json(const ComparisonTable& table);
// TDSC, ECE and CRPS as the paper prints them, with 95 % intervals, and p of the difference to the last row.
std::string to_text(const ComparisonTable& table);
std::string to_latex(const ComparisonTable& table);
// All metrics: row, metric, mean, ci_low, ci_high, n, difference, difference_ci_low, difference_ci_high, p.
std::string to_csv(const ComparisonTable& table);

}  // namespace twintrack

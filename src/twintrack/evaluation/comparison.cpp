#include "twintrack/evaluation/comparison.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/resampling.hpp"
#include "twintrack/evaluation/case_metrics.hpp"
#include "twintrack/evaluation/cohort_metrics.hpp"

#include <fmt/format.h>

#include <random>
#include <set>
#include <utility>

namespace twintrack {
namespace {

constexpr std::int64_t kBlock = 1 << 15;  // a multiple of BitMask's words

Json without_lists(const Json& metrics) {
  Json scalars = Json::object();
  for (const auto& [name, value] : scalar_metrics(metrics)) {
    scalars[name] = number_or_null(value);
  }
  return scalars;
}

CaseMaps read(const CohortCase& item, const Manifest& manifest, const ComparisonOptions& options) {
  require_one_map(item, manifest);
  return read_case_maps(item, options.tumor_labels, {.roi = true});
}

void add_case_of(const CohortCase& item, const CaseMaps& maps, RowStatistics& statistics) {
  const BitMask region = maps.roi ? *maps.roi : region_of_marks(maps.probability, maps.raters);
  statistics.add(CalibrationCase{item.name, "", maps.probability.voxels, maps.raters, region});
}

}  // namespace

Volume<float> calibrated(const CaseMaps& maps, const Calibrator& calibrator) {
  Volume<float> result{maps.probability.geometry, std::vector<float>(maps.probability.voxels.size())};
  parallel_for_blocks(std::ssize(result.voxels), kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float p = maps.probability.voxels[i];
      const bool inside = maps.roi ? (*maps.roi)[i] : p > 0;
      result.voxels[i] = inside ? calibrator(p) : 0.0F;
    }
  });
  return result;
}

std::vector<ComparisonRow> comparison_rows(const ComparisonOptions& options) {
  using Kind = CalibrationTarget::Kind;
  return {{"none", std::nullopt},
          {"one rater", CalibrationTarget{Kind::rater, options.rater}},
          {"hard label", CalibrationTarget{options.hard_label, 0}},
          {"MHR", CalibrationTarget{Kind::mean_human_response, 0}}};
}

RowStatistics::RowStatistics(const std::vector<ComparisonRow>& rows) {
  for (const ComparisonRow& row : rows) {
    rows_.emplace_back();
    if (row.target) rows_.back().emplace().target = *row.target;
  }
}

void RowStatistics::add(const CalibrationCase& item) {
  for (auto& row : rows_) {
    if (row) add_case(*row, item);
  }
}

void RowStatistics::add(const RowStatistics& other) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i]) merge(*rows_[i], *other.rows_[i], "a fold");
  }
}

RowCalibrators RowStatistics::fit() const {
  RowCalibrators calibrators;
  for (const auto& row : rows_) {
    calibrators.emplace_back();
    if (!row) continue;
    Knots knots = row->levels.fit();
    calibrators.back() = Calibrator{to_string(row->target), std::move(knots.x), std::move(knots.y)};
  }
  return calibrators;
}

Json evaluate_rows(const CaseMaps& maps, const std::vector<ComparisonRow>& rows, const RowCalibrators& calibrators,
                   double threshold) {
  Json metrics = Json::object();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto evaluated = [&](const Volume<float>& map) {
      return without_lists(to_json(evaluate_case(map, maps.raters, voxels_reaching(map, threshold))));
    };
    metrics[rows[i].title] =
        calibrators[i] ? evaluated(calibrated(maps, *calibrators[i])) : evaluated(maps.probability);
  }
  return metrics;
}

Json compare_on_test_set(const Manifest& fit, const Manifest& test, const ComparisonOptions& options,
                         const ComparisonProgress& progress) {
  std::set<std::string> names;
  for (const CohortCase& item : fit.cases) names.insert(item.name);
  for (const CohortCase& item : test.cases) {
    if (names.contains(item.name)) {
      throw InputError("{}: case {} is in {} too; fit and test need different cases (or --folds)", test.file.string(),
                       item.name, fit.file.string());
    }
  }
  const std::vector<ComparisonRow> rows = comparison_rows(options);
  RowStatistics statistics(rows);
  for (std::size_t i = 0; i < fit.cases.size(); ++i) {
    progress("fit", i, fit.cases.size());
    add_case_of(fit.cases[i], read(fit.cases[i], fit, options), statistics);
  }
  progress("fit", std::ssize(fit.cases), std::ssize(fit.cases));
  const RowCalibrators calibrators = statistics.fit();
  Json cases = Json::object();
  for (std::size_t i = 0; i < test.cases.size(); ++i) {
    progress("evaluate", i, test.cases.size());
    const CohortCase& item = test.cases[i];
    cases[item.name] = evaluate_rows(read(item, test, options), rows, calibrators, options.threshold);
  }
  progress("evaluate", std::ssize(test.cases), std::ssize(test.cases));
  return cases;
}

std::vector<int> assign_folds(std::size_t cases, int folds, std::uint64_t seed) {
  std::vector<std::size_t> order(cases);
  for (std::size_t i = 0; i < cases; ++i) order[i] = i;
  std::mt19937_64 generator(seed);
  for (std::size_t i = cases; i > 1; --i)
    std::swap(order[i - 1], order[draw_below(static_cast<std::int64_t>(i), generator)]);
  std::vector<int> fold_of(cases);
  for (std::size_t place = 0; place < cases; ++place) fold_of[order[place]] = static_cast<int>(place % folds);
  return fold_of;
}

Json compare_by_folds(const Manifest& cohort, int folds, const ComparisonOptions& options,
                      const ComparisonProgress& progress) {
  if (folds < 2 || folds > std::ssize(cohort.cases)) {
    throw UsageError("--folds {}: from 2 to the number of cases ({}) is right", folds, cohort.cases.size());
  }
  const std::vector<int> fold_of = assign_folds(cohort.cases.size(), folds, options.seed);
  const std::vector<ComparisonRow> rows = comparison_rows(options);
  std::vector<RowStatistics> parts(folds, RowStatistics(rows));
  for (std::size_t i = 0; i < cohort.cases.size(); ++i) {
    progress("fit", i, cohort.cases.size());
    add_case_of(cohort.cases[i], read(cohort.cases[i], cohort, options), parts[fold_of[i]]);
  }
  progress("fit", std::ssize(cohort.cases), std::ssize(cohort.cases));
  std::vector<RowCalibrators> calibrators;
  for (int left_out = 0; left_out < folds; ++left_out) {
    RowStatistics others(rows);
    for (int fold = 0; fold < folds; ++fold) {
      if (fold != left_out) others.add(parts[fold]);
    }
    calibrators.push_back(others.fit());
  }
  Json cases = Json::object();
  for (std::size_t i = 0; i < cohort.cases.size(); ++i) {
    progress("evaluate", i, cohort.cases.size());
    const CohortCase& item = cohort.cases[i];
    cases[item.name] = evaluate_rows(read(item, cohort, options), rows, calibrators[fold_of[i]], options.threshold);
  }
  progress("evaluate", std::ssize(cohort.cases), std::ssize(cohort.cases));
  return cases;
}

}  // namespace twintrack

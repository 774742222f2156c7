#include "twintrack/api/in_memory.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/evaluation/case_metrics.hpp"
#include "twintrack/evaluation/cohort_metrics.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/twintrack.hpp"

#include <limits>

namespace twintrack {

CaseEvaluation evaluate(const EvaluationCase& item) {
  if (!(item.threshold >= 0 && item.threshold <= 1)) throw UsageError("threshold {}: 0 to 1 is right", item.threshold);
  const CheckedProbability map(item.probability, "probability map");
  const Geometry& grid = item.probability.geometry;
  const RaterSet raters = pack_raters(item.raters, grid, "case");
  const BitMask segmentation = item.segmentation ? pack_mask(*item.segmentation, grid, "segmentation")
                                                 : voxels_reaching(map.view(), item.threshold);
  Json document = to_json(evaluate_case(map.view(), raters, segmentation));
  if (item.vessels)
    document["vi"] = to_json(vascular_involvement(map.view(), raters, pack_vessels(*item.vessels, grid)));
  const auto scalars = scalar_metrics(document);
  return {{scalars.begin(), scalars.end()}, to_text(document)};
}

std::map<std::string, Estimate> summarise_cohort(std::span<const CaseEvaluation> cases, int replicates,
                                                 std::uint64_t seed) {
  std::map<std::string, std::vector<double>> columns;
  for (std::size_t row = 0; row < cases.size(); ++row) {
    for (const auto& [name, value] : cases[row].metrics) {
      const auto column = columns.try_emplace(name, cases.size(), std::numeric_limits<double>::quiet_NaN()).first;
      column->second[row] = value;
    }
  }
  std::map<std::string, Estimate> summary;
  for (const auto& [name, values] : columns) summary[name] = bootstrap_mean(values, replicates, seed);
  return summary;
}

}  // namespace twintrack

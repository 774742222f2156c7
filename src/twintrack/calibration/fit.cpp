#include "twintrack/calibration/fit.hpp"

#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace twintrack {
namespace {

std::vector<std::string> warnings_about(const CalibrationStatistics& statistics, const Calibrator& calibrator) {
  std::vector<std::string> warnings;
  if (statistics.cases.size() == 1) {
    warnings.emplace_back("one case only: neither leave-one-case-out figures nor a band can be given");
  }
  if (calibrator.support->first == calibrator.support->second) {
    warnings.push_back(fmt::format("all probabilities are {:g}: the curve is one value", calibrator.support->first));
  } else if (calibrator.y.front() == calibrator.y.back()) {
    warnings.push_back(
        fmt::format("the curve is constant ({:g}): the probabilities do not tell the target", calibrator.y.front()));
  }
  if (calibrator.y.back() == 0) warnings.emplace_back("no rater marked anything in the region: all becomes 0");
  return warnings;
}

// The cases in name order: the file does not depend on the order they were given or merged in.
std::vector<const CaseLevels*> by_name(const CalibrationStatistics& statistics) {
  std::vector<const CaseLevels*> cases;
  for (const CaseLevels& item : statistics.cases) cases.push_back(&item);
  std::ranges::sort(cases, {}, &CaseLevels::name);
  return cases;
}

Json cases_to_json(const std::vector<const CaseLevels*>& cases) {
  Json list = Json::array();
  for (const CaseLevels* item : cases) {
    list.push_back({{"case", item->name},
                    {"sha256", item->identity.empty() ? Json(nullptr) : Json(item->identity)},
                    {"raters", item->raters},
                    {"voxels", item->voxels()}});
  }
  return list;
}

std::string identity_of(const std::vector<const CaseLevels*>& cases) {
  std::string list;
  for (const CaseLevels* item : cases) list += item->name + " " + item->identity + "\n";
  return sha256_of(list);
}

}  // namespace

CalibratorFit fit_calibrator(const CalibrationStatistics& statistics, int replicates, std::uint64_t seed) {
  const Knots knots = statistics.levels.fit();
  CalibratorFit fit;
  fit.calibrator = {to_string(statistics.target), knots.x, knots.y, statistics.levels.range(),
                    statistics.networks_sha256};
  fit.diagnostics = diagnose(statistics, knots);
  fit.band = bootstrap_band(statistics, replicates, seed);
  fit.warnings = warnings_about(statistics, fit.calibrator);
  return fit;
}

Json to_json(const FitQuality& quality) {
  return {{"brier", quality.brier}, {"calibration_error", quality.calibration_error}, {"tdsc", quality.tdsc}};
}

Json to_json(const CalibratorFit& fit, const CalibrationStatistics& statistics) {
  const Calibrator& calibrator = fit.calibrator;
  const std::vector<const CaseLevels*> cases = by_name(statistics);
  const auto [fewest, most] = std::ranges::minmax(statistics.cases, {}, &CaseLevels::raters);
  std::uint64_t voxels = 0;
  for (const CaseLevels& item : statistics.cases) voxels += item.voxels();
  const Diagnostics& d = fit.diagnostics;
  Json json{
      {"format", kCalibratorFormat},
      {"research_use", kResearchUse},
      {"warnings", fit.warnings},
      {"target", calibrator.target},
      {"x", calibrator.x},
      {"y", calibrator.y},
      {"support", {{"low", calibrator.support->first}, {"high", calibrator.support->second}}},
      {"networks_sha256", nullptr},
      {"cases", statistics.cases.size()},
      {"raters", {{"fewest", fewest.raters}, {"most", most.raters}}},
      {"voxels", voxels},
      {"case_weight", statistics.case_weight == CaseWeight::equal ? "equal" : "voxel"},
      {"exact_levels", !statistics.levels.on_grid()},
      {"diagnostics", {{"before", to_json(d.before)}, {"after", to_json(d.after)}, {"leave_one_case_out", nullptr}}},
      {"band", nullptr},
      {"input", {{"sha256", identity_of(cases)}, {"cases", cases_to_json(cases)}}},
      {"twintrack", version()}};
  if (calibrator.networks_sha256) json["networks_sha256"] = *calibrator.networks_sha256;
  if (d.leave_one_out) json["diagnostics"]["leave_one_case_out"] = to_json(*d.leave_one_out);
  if (fit.band) {
    const CurveBand& band = *fit.band;
    json["band"] = {{"level", 0.95},     {"replicates", band.replicates},
                    {"seed", band.seed}, {"x", band.x},
                    {"low", band.low},   {"high", band.high}};
  }
  return json;
}

}  // namespace twintrack

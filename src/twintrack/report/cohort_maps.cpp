#include "twintrack/report/cohort_maps.hpp"

#include "twintrack/cohort/case_files.hpp"
#include "twintrack/evaluation/comparison.hpp"
#include "twintrack/volume/io.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

namespace twintrack {
namespace {

namespace fs = std::filesystem;

MapStage stage(const char* title, std::string source, bool calibrated) {
  return {title, std::move(source), calibrated, {}, {}, {}};
}

void add_to(MapStage& stage, CalibrationMetrics metrics) {
  stage.tables.push_back(std::move(metrics.reliability));
  stage.response_error.push_back(metrics.response_error);
  stage.ece_mean.push_back(std::accumulate(metrics.ece.begin(), metrics.ece.end(), 0.0) /
                           static_cast<double>(metrics.ece.size()));
}

}  // namespace

std::optional<fs::path> uncalibrated_map_beside(const fs::path& probability) {
  constexpr std::string_view calibrated = "_probability";
  const std::string stem = volume_stem(probability);
  if (!stem.ends_with(calibrated)) return std::nullopt;
  const std::string ending = probability.filename().string().substr(stem.size());
  const fs::path beside =
      probability.parent_path() / (stem.substr(0, stem.size() - calibrated.size()) + "_uncalibrated" + ending);
  return fs::is_regular_file(beside) ? std::optional(beside) : std::nullopt;
}

CohortMaps::CohortMaps(const Manifest& manifest, const std::optional<CalibratorFile>& calibrator,
                       std::vector<int> tumor_labels)
    : calibrator_(calibrator), tumor_labels_(std::move(tumor_labels)) {
  choose_stages(manifest);
  check_networks(manifest);
}

void CohortMaps::choose_stages(const Manifest& manifest) {
  std::size_t calibrated = 0;
  std::size_t pairs = 0;
  for (const CohortCase& item : manifest.cases) {
    const auto record = prediction_record(item.probability.front());
    if (!record || !record->calibrated) continue;
    ++calibrated;
    pairs += uncalibrated_map_beside(item.probability.front()) ? 1 : 0;
  }
  const std::size_t cases = manifest.cases.size();
  if (pairs == cases) {
    pairing_ = Pairing::beside;
    stages_.push_back(stage("Before calibration", "CASE_uncalibrated, which predict wrote beside the maps", false));
    stages_.push_back(stage("After calibration", "the manifest's maps", true));
  } else if (calibrator_ && calibrated == 0) {
    pairing_ = Pairing::applied;
    stages_.push_back(stage("Before calibration", "the manifest's maps", false));
    stages_.push_back(stage("After calibration", "the calibrator, applied to the manifest's maps", true));
  } else if (calibrated == cases) {
    stages_.push_back(stage("After calibration", "the manifest's maps", true));
  } else {
    stages_.push_back(stage("Maps as given", "the manifest's maps", false));
  }
  if (calibrated > 0 && calibrated < cases) {
    warnings_.push_back(fmt::format(
        "{} of {} maps are known to be calibrated, the others are not: reliability mixes both", calibrated, cases));
  }
}

void CohortMaps::check_networks(const Manifest& manifest) {
  std::set<std::string> networks;
  for (const CohortCase& item : manifest.cases) {
    const auto record = prediction_record(item.probability.front());
    if (!record) continue;
    networks.insert(record->networks_sha256);
    for (const std::string& warning : record->warnings) warnings_.push_back(item.name + ": " + warning);
  }
  if (networks.size() > 1)
    warnings_.push_back(fmt::format("the maps come from {} different networks", networks.size()));
  const auto fitted_to = calibrator_ ? calibrator_->calibrator.networks_sha256 : std::nullopt;
  if (fitted_to && !networks.empty() && !networks.contains(*fitted_to))
    warnings_.emplace_back("the calibrator was fitted to other networks than those that made the maps");
}

void CohortMaps::note_if_fitted(const CohortCase& item, const std::string& identity) {
  if (!calibrator_ || pairing_ == Pairing::alone) return;
  const auto same = [&](const auto& fitted) { return !fitted.second.empty() && fitted.second == identity; };
  if (std::ranges::any_of(calibrator_->cases, same)) fitted_.push_back(item.name);
}

void CohortMaps::add(const CohortCase& item) {
  const CaseMaps maps = read_case_maps(item, tumor_labels_, {.roi = true});
  const std::string identity = case_identity(item);
  CalibrationMetrics given = calibration_metrics(maps.probability.voxels, maps.raters);
  std::vector<CalibrationMetrics> metrics;
  std::string uncalibrated_identity = identity;
  if (pairing_ == Pairing::beside) {
    CohortCase before = item;
    before.probability = {uncalibrated_map_beside(item.probability.front()).value_or(item.probability.front())};
    const Volume<float> map = read_probability(before.probability.front());
    require_same_grid(maps.probability.geometry, item.probability.front(), map.geometry, before.probability.front());
    uncalibrated_identity = case_identity(before);
    metrics = {calibration_metrics(map.voxels, maps.raters), std::move(given)};
  } else if (pairing_ == Pairing::applied) {
    const Volume<float> after = calibrated(maps, calibrator_->calibrator);
    metrics = {std::move(given), calibration_metrics(after.voxels, maps.raters)};
  } else {
    metrics = {std::move(given)};
  }
  note_if_fitted(item, uncalibrated_identity);
  for (std::size_t i = 0; i < metrics.size(); ++i) add_to(stages_[i], std::move(metrics[i]));
  cases_.push_back(item.name);
  identities_.push_back(identity);
}

std::vector<std::string> CohortMaps::warnings() const {
  std::vector<std::string> warnings = warnings_;
  if (!fitted_.empty()) {
    warnings.push_back(
        fmt::format("the calibrator was fitted to {} of the {} cases: figures after calibration are in-sample",
                    fitted_.size(), cases_.size()));
  }
  return warnings;
}

}  // namespace twintrack

#include "twintrack/evaluation/case_metrics.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/shape_json.hpp"
#include "twintrack/evaluation/crps.hpp"
#include "twintrack/evaluation/overlap.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <numeric>

namespace twintrack {
namespace {

void check_inputs(const VolumeView<float>& probability, const RaterSet& raters, const BitMask& segmentation) {
  if (raters.masks.empty() || raters.masks.size() > kMaximalRaters)
    throw InputError("{} raters: expected 1 to {}", raters.masks.size(), kMaximalRaters);
  const Shape3 shape = probability.geometry.shape();
  const auto require = [&](const char* what, const Shape3& found) {
    if (found != shape)
      throw InputError("{} of {} voxels (z, y, x): expected {}, as the probability map has", what,
                       fmt::join(found, " x "), fmt::join(shape, " x "));
  };
  require("segmentation", segmentation.shape());
  require("raters' grid", raters.geometry.shape());
  for (const BitMask& mask : raters.masks) require("rater's map", mask.shape());
  if (std::ssize(probability.voxels) != voxel_count(shape) || probability.voxels.empty())
    throw InputError("probability map of {} voxels: its geometry has {}", probability.voxels.size(),
                     voxel_count(shape));
}

void add_overlap_metrics(CaseMetrics& metrics, const AgreementCounts& counts, double voxel_volume_mm3) {
  metrics.tdsc = thresholded_dice(counts);
  metrics.soft_dice = soft_dice(counts);
  metrics.agreement = agreement_levels(counts, voxel_volume_mm3);
  metrics.generalized_energy_distance = generalized_energy_distance(counts);
}

void add_volume_metrics(CaseMetrics& metrics, const AgreementCounts& counts, double voxel_volume_mm3) {
  for (int k = 0; k < counts.raters; ++k)
    metrics.rater_volumes_mm3.push_back(static_cast<double>(counts.rater_rater[k * counts.raters + k]) *
                                        voxel_volume_mm3);
  metrics.expected_volume_mm3 = counts.probability_sum * voxel_volume_mm3;
  const VolumeDistribution raters = volume_distribution(metrics.rater_volumes_mm3);
  metrics.crps_mm3 = challenge_crps_mm3(raters, metrics.expected_volume_mm3);
  metrics.crps_tabulated_mm3 = tabulated_crps_mm3(raters, metrics.expected_volume_mm3);
  metrics.crps_exact_mm3 = normal_crps_mm3(raters, metrics.expected_volume_mm3);
}

Json to_json(const BrierScore& brier) {
  return {{"score", brier.score},
          {"reliability", brier.reliability},
          {"resolution", brier.resolution},
          {"uncertainty", brier.uncertainty},
          {"within_bins", brier.within_bins}};
}

Json to_json(const ReliabilityBin& bin) {
  return {{"low", bin.low},
          {"high", bin.high},
          {"voxels", bin.voxels},
          {"mean_probability", number_or_null(bin.mean_probability)},
          {"mean_response", number_or_null(bin.mean_response)}};
}

Json to_json(const AgreementLevel& level, std::size_t raters) {
  return {{"level", fmt::format("{}/{}", level.raters, raters)},
          {"dice", level.dice},
          {"prediction_volume_mm3", level.probability_volume_mm3},
          {"rater_volume_mm3", level.rater_volume_mm3},
          {"volume_error_mm3", level.probability_volume_mm3 - level.rater_volume_mm3}};
}

}  // namespace

CaseMetrics evaluate_case(const VolumeView<float>& probability, const RaterSet& raters, const BitMask& segmentation) {
  check_inputs(probability, raters, segmentation);
  const double voxel_volume_mm3 = probability.geometry.voxel_volume_mm3();
  CaseMetrics metrics;
  const AgreementCounts counts = count_agreement(probability.voxels, raters);
  add_overlap_metrics(metrics, counts, voxel_volume_mm3);
  add_volume_metrics(metrics, counts, voxel_volume_mm3);
  metrics.calibration = calibration_metrics(probability.voxels, raters);
  const std::vector<double>& ece = metrics.calibration.ece;
  metrics.ece_mean = std::accumulate(ece.begin(), ece.end(), 0.0) / static_cast<double>(ece.size());
  const BitMask consensus = staple(raters).consensus;
  const Overlap sets = overlap(segmentation, consensus);
  metrics.dsc = dice(sets, kChallengeSmoothing);
  metrics.segmentation_volume_mm3 = static_cast<double>(sets.first) * voxel_volume_mm3;
  metrics.surface = surface_distance(segmentation, consensus, probability.geometry.spacing_zyx_mm());
  return metrics;
}

Json to_json(const CaseMetrics& metrics) {
  Json agreement = Json::array();
  for (const AgreementLevel& level : metrics.agreement) agreement.push_back(to_json(level, metrics.agreement.size()));
  Json reliability = Json::array();
  for (const ReliabilityBin& bin : metrics.calibration.reliability) reliability.push_back(to_json(bin));
  return {{"tdsc", metrics.tdsc},
          {"dsc", metrics.dsc},
          {"ece", metrics.calibration.ece},
          {"ece_mean", metrics.ece_mean},
          {"crps", metrics.crps_mm3},
          {"crps_tabulated", metrics.crps_tabulated_mm3},
          {"crps_exact", metrics.crps_exact_mm3},
          {"volume_mm3",
           {{"prediction", metrics.expected_volume_mm3},
            {"segmentation", metrics.segmentation_volume_mm3},
            {"raters", metrics.rater_volumes_mm3}}},
          {"response_calibration_error", metrics.calibration.response_error},
          {"brier", to_json(metrics.calibration.brier)},
          {"soft_dice", metrics.soft_dice},
          {"generalized_energy_distance", metrics.generalized_energy_distance},
          {"hd95_mm", number_or_null(metrics.surface.hd95_mm)},
          {"average_surface_distance_mm", number_or_null(metrics.surface.average_mm)},
          {"agreement", agreement},
          {"evaluation_box_voxels", to_json(metrics.calibration.box)},
          {"reliability", reliability}};
}

}  // namespace twintrack

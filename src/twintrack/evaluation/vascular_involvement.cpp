#include "twintrack/evaluation/vascular_involvement.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/agreement_counts.hpp"
#include "twintrack/evaluation/overlap.hpp"
#include "twintrack/evaluation/vascular_angle.hpp"
#include "twintrack/evaluation/vascular_challenge.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

namespace twintrack {
namespace {

void check_size(const Shape3& shape, const Shape3& grid, const std::string& what) {
  if (shape == grid) return;
  throw InputError("{}: {} voxels (z, y, x), the probability map has {}", what, fmt::join(shape, " x "),
                   fmt::join(grid, " x "));
}

void check_vessels(const VolumeView<float>& probability, std::span<const VesselMask> vessels) {
  for (const VesselMask& vessel : vessels)
    check_size(vessel.mask.shape(), probability.geometry.shape(), "vessel " + vessel.name);
}

void check_raters(const VolumeView<float>& probability, const RaterSet& raters) {
  if (raters.masks.empty()) throw InputError("vascular involvement: no rater, at least one is needed");
  for (int k = 0; k < raters.size(); ++k)
    check_size(raters.masks[k].shape(), probability.geometry.shape(), fmt::format("rater {}", k + 1));
}

double share_above(std::span<const double> degrees, double limit) {
  const auto above = std::ranges::count_if(degrees, [&](double value) { return value > limit; });
  return static_cast<double>(above) / static_cast<double>(degrees.size());
}

TumorMaps agreement_maps(const VolumeView<float>& probability, const VesselRegion& vessel) {
  std::array<float, kContactLevels> edges{};
  for (int k = 0; k < kContactLevels; ++k) edges[k] = agreement_edge(k + 1, kContactLevels);
  return level_maps(probability, edges, vessel.box);
}

AgreementContact agreement_contact(std::span<const double> degrees) {
  AgreementContact contact;
  std::ranges::copy(degrees, contact.degrees.begin());
  const MeanAndSd over_levels = mean_and_sd(degrees);
  contact.expected_degrees = over_levels.mean;
  contact.sd_degrees = over_levels.sd;
  contact.share_above_0 = share_above(degrees, 0);
  contact.share_above_90 = share_above(degrees, 90);
  contact.share_above_180 = share_above(degrees, 180);
  return contact;
}

// As many raters in a group as one byte holds.
std::vector<TumorMaps> groups_of_raters(const RaterSet& raters, const VesselRegion& vessel) {
  std::vector<TumorMaps> groups;
  for (int first = 0; first < raters.size(); first += TumorMaps::kMaximum) {
    groups.push_back(rater_maps(raters, first, std::min(TumorMaps::kMaximum, raters.size() - first), vessel.box));
  }
  return groups;
}

std::array<MeanAndSd, 3> by_plane(std::span<const PlaneDegrees> degrees) {
  std::array<MeanAndSd, 3> result;
  for (int plane = 0; plane < 3; ++plane) {
    std::vector<double> values;
    for (const PlaneDegrees& of_map : degrees) values.push_back(of_map[plane]);
    result[plane] = mean_and_sd(values);
  }
  return result;
}

ChallengeContact challenge_contact(const VesselRegion& vessel, const VolumeView<float>& probability,
                                   std::span<const TumorMaps> raters) {
  std::vector<PlaneDegrees> of_raters;
  for (const TumorMaps& group : raters)
    std::ranges::copy(challenge_contact_degrees(vessel, group), std::back_inserter(of_raters));
  std::array<float, kChallengeThresholds.size()> edges{};
  std::ranges::transform(kChallengeThresholds, edges.begin(), first_float_above);
  ChallengeContact contact;
  contact.raters = by_plane(of_raters);
  contact.prediction = by_plane(challenge_contact_degrees(vessel, level_maps(probability, edges, vessel.box)));
  for (int plane = 0; plane < 3; ++plane) {
    contact.wasserstein_degrees[plane] = challenge_distance_degrees(contact.raters[plane], contact.prediction[plane]);
    contact.wasserstein_mean_degrees += contact.wasserstein_degrees[plane] / 3;
  }
  return contact;
}

VesselInvolvement involvement(const VesselMask& mask, const VolumeView<float>& probability, const RaterSet& raters) {
  const VesselRegion vessel = vessel_region(mask.mask, probability.geometry.spacing_zyx_mm());
  if (vessel.box.empty()) return {{mask.name, {}}, {}, {}};
  std::vector<TumorMaps> groups = groups_of_raters(raters, vessel);
  VesselInvolvement result;
  result.prediction.vessel = mask.name;
  result.challenge = challenge_contact(vessel, probability, groups);
  groups.push_back(agreement_maps(probability, vessel));
  const std::vector<double> degrees = contact_angles_degrees(vessel, groups);
  result.prediction.contact = agreement_contact(std::span(degrees).last(kContactLevels));
  result.raters = RaterContact{{degrees.begin(), degrees.end() - kContactLevels}, {}};
  result.raters->over_raters = mean_and_sd(result.raters->degrees);
  return result;
}

Json to_json(const MeanAndSd& value) { return {{"mean", value.mean}, {"sd", value.sd}}; }

Json to_json(const std::array<MeanAndSd, 3>& planes) {
  Json json;
  for (int plane = 0; plane < 3; ++plane) json[kPlanes[plane]] = to_json(planes[plane]);
  return json;
}

Json to_json(const std::optional<AgreementContact>& contact) {
  if (!contact) return nullptr;
  Json levels;
  for (int k = 0; k < kContactLevels; ++k) levels[fmt::format("{}/{}", k + 1, kContactLevels)] = contact->degrees[k];
  return {{"levels", levels},
          {"expected", contact->expected_degrees},
          {"sd", contact->sd_degrees},
          {"min", std::ranges::min(contact->degrees)},
          {"max", std::ranges::max(contact->degrees)},
          {"share_above",
           {{"0", contact->share_above_0}, {"90", contact->share_above_90}, {"180", contact->share_above_180}}}};
}

Json to_json(const std::optional<RaterContact>& contact) {
  if (!contact) return nullptr;
  return {{"degrees", contact->degrees}, {"mean", contact->over_raters.mean}, {"sd", contact->over_raters.sd}};
}

Json to_json(const VesselInvolvement& vessel) {
  Json by_plane;
  for (int plane = 0; plane < 3; ++plane) by_plane[kPlanes[plane]] = vessel.challenge.wasserstein_degrees[plane];
  return {{"wasserstein", vessel.challenge.wasserstein_mean_degrees},
          {"wasserstein_by_plane", by_plane},
          {"raters", to_json(vessel.challenge.raters)},
          {"prediction", to_json(vessel.challenge.prediction)},
          {"geometric", {{"prediction", to_json(vessel.prediction.contact)}, {"raters", to_json(vessel.raters)}}}};
}

}  // namespace

std::vector<VesselContact> vascular_contact(const VolumeView<float>& probability, std::span<const VesselMask> vessels) {
  check_vessels(probability, vessels);
  std::vector<VesselContact> result(vessels.size());
  parallel_for(std::ssize(vessels), [&](std::int64_t v) {
    const VesselRegion vessel = vessel_region(vessels[v].mask, probability.geometry.spacing_zyx_mm());
    result[v].vessel = vessels[v].name;
    if (vessel.box.empty()) return;
    const TumorMaps levels = agreement_maps(probability, vessel);
    result[v].contact = agreement_contact(contact_angles_degrees(vessel, std::span(&levels, 1)));
  });
  return result;
}

std::vector<VesselInvolvement> vascular_involvement(const VolumeView<float>& probability, const RaterSet& raters,
                                                    std::span<const VesselMask> vessels) {
  check_vessels(probability, vessels);
  check_raters(probability, raters);
  std::vector<VesselInvolvement> result(vessels.size());
  parallel_for(std::ssize(vessels), [&](std::int64_t v) { result[v] = involvement(vessels[v], probability, raters); });
  return result;
}

Json to_json(const std::vector<VesselContact>& vessels) {
  Json json = Json::object();
  for (const VesselContact& vessel : vessels) json[vessel.vessel] = to_json(vessel.contact);
  return json;
}

Json to_json(const std::vector<VesselInvolvement>& vessels) {
  Json json = Json::object();
  for (const VesselInvolvement& vessel : vessels) json[vessel.prediction.vessel] = to_json(vessel);
  return json;
}

}  // namespace twintrack

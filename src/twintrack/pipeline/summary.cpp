#include "twintrack/pipeline/summary.hpp"

#include "twintrack/core/parallel.hpp"
#include "twintrack/core/shape_json.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/evaluation/agreement_counts.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/resample/morphology.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace twintrack {
namespace {

constexpr std::int64_t kBlock = 1 << 16;
constexpr int kAgreementLevels = 5;

// Sum over fixed blocks, whatever the number of threads.
template <typename Term>
double blockwise_sum(std::size_t count, const Term& term) {
  std::vector<double> sums((count + kBlock - 1) / kBlock, 0.0);
  parallel_for_blocks(static_cast<std::int64_t>(count), kBlock, [&](std::int64_t begin, std::int64_t end) {
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) sum += term(i);
    sums[begin / kBlock] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

Json region_to_json(const RegionOfInterest& region) {
  Json json{{"source", region.source}, {"box_voxels", to_json(region.box)}};
  json["localizer_volume_mm3"] = region.organ_volume_mm3 ? Json(*region.organ_volume_mm3) : Json(nullptr);
  return json;
}

}  // namespace

std::vector<std::uint8_t> threshold_map(const CaseResult& result, double threshold) {
  const std::vector<float>& p = result.probability.voxels;
  std::vector<std::uint8_t> map(p.size());
  const auto level = static_cast<float>(threshold);
  parallel_for_blocks(static_cast<std::int64_t>(p.size()), kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) map[i] = p[i] >= level && result.region.mask[i] != 0 ? 1 : 0;
  });
  return map;
}

std::vector<double> agreement_volumes_mm3(std::span<const float> probability, double voxel_volume_mm3) {
  std::vector<double> volumes;
  for (int k = 1; k <= kAgreementLevels; ++k) {
    const float level = agreement_edge(k, kAgreementLevels);
    volumes.push_back(voxel_volume_mm3 * blockwise_sum(probability.size(), [&](std::int64_t i) {
                        return probability[i] >= level ? 1.0 : 0.0;
                      }));
  }
  return volumes;
}

void add_vascular(Json& summary, const Volume<float>& probability, const Vessels& vessels,
                  const std::string& vessels_sha256) {
  summary["vascular"] = to_json(vascular_contact(probability, vessels.masks));
  summary["vascular_note"] = kVascularNote;
  summary["vessels_sha256"] = vessels_sha256;
}

Json to_json(const Geometry& geometry) {
  return {{"size", geometry.size},
          {"spacing_mm", geometry.spacing_mm},
          {"origin_mm", geometry.origin_mm},
          {"direction", geometry.direction}};
}

Json case_summary(const std::string& case_name, const CaseInput& input, const CaseResult& result,
                  const std::vector<std::uint8_t>& segmentation, const Bundle& bundle, const RunFacts& facts) {
  const std::vector<float>& p = result.probability.voxels;
  const double voxel_mm3 = input.ct.geometry.voxel_volume_mm3();
  const double marked = blockwise_sum(p.size(), [&](std::int64_t i) { return segmentation[i]; });
  Json agreement = Json::object();
  const auto volumes = agreement_volumes_mm3(p, voxel_mm3);
  for (std::size_t k = 0; k < volumes.size(); ++k)
    agreement[fmt::format("{}/{}", k + 1, kAgreementLevels)] = volumes[k];
  Json times = Json::object();
  for (const StageTime& time : result.times) times[time.stage] = time.seconds;
  return {{"format", "twintrack-case/1"},
          {"research_use", kResearchUse},
          {"case", case_name},
          {"warnings", result.warnings},
          {"tumor_volume_mm3", marked * voxel_mm3},
          {"expected_volume_mm3",
           voxel_mm3 * blockwise_sum(p.size(), [&](std::int64_t i) { return static_cast<double>(p[i]); })},
          {"agreement_volume_mm3", agreement},
          {"maximum_probability", p.empty() ? 0.0F : *std::max_element(p.begin(), p.end())},
          {"components", connected_components(segmentation, input.ct.geometry.shape()).components.size()},
          {"threshold", facts.threshold},
          {"calibrated", bundle.calibrator.has_value()},
          {"calibration_target", bundle.calibrator ? Json(bundle.calibrator->target) : Json(nullptr)},
          {"calibrator_sha256", facts.calibrator_sha256 ? Json(*facts.calibrator_sha256) : Json(nullptr)},
          {"region_of_interest", region_to_json(result.region)},
          {"input", {{"path", input.path}, {"sha256", input.sha256}, {"geometry", to_json(input.ct.geometry)}}},
          {"bundle",
           {{"name", bundle.name},
            {"sha256", bundle.hash},
            {"networks_sha256", networks_sha256(bundle)},
            {"members", bundle.members.size()}}},
          {"run",
           {{"twintrack", version()},
            {"engine", facts.engine},
            {"device", facts.device},
            {"processor", processor_name()},
            {"precision", facts.precision},
            {"threads", facts.threads},
            {"step_size", facts.step_size},
            {"mirroring", facts.mirroring},
            {"seconds", times},
            {"peak_resident_bytes", peak_resident_bytes()}}}};
}

}  // namespace twintrack

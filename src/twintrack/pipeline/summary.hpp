// <case>.json: what was done, with what, and the figures a person asks for.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/evaluation/vascular_vessels.hpp"
#include "twintrack/pipeline/pipeline.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

struct RunFacts {
  std::string engine;
  std::string device;
  std::string precision;
  int threads = 0;
  double step_size = 0.5;
  bool mirroring = true;
  double threshold = 0.5;
  std::optional<std::string> calibrator_sha256;  // of the file that stood in for the bundle's calibrator
};

// 1 where the probability reaches the threshold inside the region of interest.
std::vector<std::uint8_t> threshold_map(const CaseResult& result, double threshold);

// Volumes in mm3 where at least k of 5 experts are expected to agree, k = 1 ... 5.
std::vector<double> agreement_volumes_mm3(std::span<const float> probability, double voxel_volume_mm3);

Json case_summary(const std::string& case_name, const CaseInput& input, const CaseResult& result,
                  const std::vector<std::uint8_t>& segmentation, const Bundle& bundle, const RunFacts& facts);

// Adds what the map says of vessels on its grid: "vascular" (docs/metrics.md), "vascular_note" and "vessels_sha256".
void add_vascular(Json& summary, const Volume<float>& probability, const Vessels& vessels,
                  const std::string& vessels_sha256);

// Spacing, size, origin and direction.
Json to_json(const Geometry& geometry);

}  // namespace twintrack

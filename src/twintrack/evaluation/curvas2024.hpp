// The CURVAS 2024 task: pancreas, kidneys and liver against several raters (arXiv 2505.08685).
#pragma once

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/cohort/manifest.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/evaluation/confidence_bins.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

// Organ o has label o + 1 in label maps; 0 is background.
inline constexpr int kCurvasOrgans = 3;
inline constexpr std::array<const char*, kCurvasOrgans> kCurvasOrganNames{"pancreas", "kidneys", "liver"};

// Labels 0 to 3, two bits a voxel.
struct OrganLabels {
  BitMask low;
  BitMask high;

  OrganLabels() = default;
  explicit OrganLabels(const Shape3& shape) : low(shape), high(shape) {}
  void set(std::int64_t voxel, int label);
};

struct OrganScores {
  double consensus_dsc = 0;       // NaN, null in JSON, where the raters agree on no voxel of the organ
  double confidence = 0;          // NaN where they agree on no voxel of the organ, or on none outside it
  double crps_mm3 = 0;            // challenge_crps_mm3
  double crps_tabulated_mm3 = 0;  // tabulated_crps_mm3
  double crps_exact_mm3 = 0;      // normal_crps_mm3
  double volume_mm3 = 0;          // sum of probabilities
  std::vector<double> rater_volumes_mm3;
};

struct Curvas2024Scores {
  std::array<OrganScores, kCurvasOrgans> organs;
  std::vector<double> ece;  // of each rater
  double ece_mean = 0;
};

// Sums over voxels that all scores follow from. Voxels come in blocks, so that no probability map need be in memory.
class Curvas2024Sums {
 public:
  // All on one grid; one rater or more. Keeps references.
  Curvas2024Sums(const std::vector<OrganLabels>& raters, const OrganLabels& prediction);

  // Probabilities in [0, 1] of the voxels from `begin`, a multiple of 64, on. A block that is not the last one has a
  // multiple of 64 voxels; every voxel comes once, in order.
  void add(std::int64_t begin, const std::array<std::span<const float>, kCurvasOrgans>& probabilities);

  // Consensus DSC: Dice of the prediction where all raters mark the organ or none does. Confidence: mean of the mean
  // probability where all do and of 1 - that where none does. ECE: four classes, the background's probability being 1 -
  // the organs' sum in float32, 0 where that is negative; the confidence is the largest (of equal ones the lowest
  // label's), right where it names the rater's label; 50 equal bins over the whole grid.
  Curvas2024Scores scores(double voxel_volume_mm3) const;

 private:
  struct Organ {
    std::vector<std::int64_t> rater_voxels;
    std::int64_t all = 0;            // voxels that all raters mark
    std::int64_t none = 0;           // that none marks
    std::int64_t predicted = 0;      // predicted ones among both
    std::int64_t predicted_all = 0;  // among the first
    double probability = 0;          // sums of probability: all voxels,
    double probability_in_all = 0;   // voxels that all raters mark,
    double probability_in_none = 0;  // that none marks
  };
  void add_organ(int number, std::int64_t word, std::span<const float> probability);
  void add_confidence(std::int64_t word, const std::array<std::span<const float>, kCurvasOrgans>& probabilities);

  const std::vector<OrganLabels>& raters_;
  const OrganLabels& prediction_;
  std::array<Organ, kCurvasOrgans> organs_;
  std::int64_t voxels_ = 0;
  std::array<double, kConfidenceBins> confidence_{};              // sum by bin
  std::vector<std::array<std::int64_t, kConfidenceBins>> right_;  // by rater and bin: voxels named as the rater does
};

// Evaluates a row of a manifest: three probability maps, the label map of the prediction, the raters' label maps.
// Streams: two probability maps are in memory at a time, and two bits a voxel for each label map. Throws InputError for
// other numbers of maps, labels other than 0 to 3, values that are no probabilities, and files on different grids.
Curvas2024Scores evaluate_curvas2024(const CohortCase& row);

// {"pancreas": {"dsc", "confidence", "crps", "crps_tabulated", "crps_exact", "volume_mm3": {"prediction", "raters"}},
// "kidneys", "liver", "ece": [...], "ece_mean"}; volumes and CRPS in mm3.
Json to_json(const Curvas2024Scores& scores);

}  // namespace twintrack

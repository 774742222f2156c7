// Numbers of voxels by probability and raters: all metrics of overlap follow from them, so that one pass over the map
// is enough.
#pragma once

#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/evaluation/overlap.hpp"
#include "twintrack/volume/volume.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace twintrack {

struct AgreementCounts {
  int raters = 0;
  double probability_sum = 0;           // over all voxels
  double probability_response_sum = 0;  // of probability times mean human response

  // Ascending. A voxel's level is the number of edges that its probability reaches (p >= edge).
  std::vector<float> edges;
  std::vector<std::int64_t> joint;        // voxels by [level][how many raters marked them]
  std::vector<std::int64_t> map_rater;    // by [challenge threshold][rater]: p > threshold, marked by the rater
  std::vector<std::int64_t> rater_rater;  // by [rater][rater]: marked by both

  // Voxels whose probability reaches the edge (one of `edges`) and those that `marked_by` raters or more marked.
  Overlap at(float edge, int marked_by) const;
};

// The edge of agreement level k/K. Float32 may round a probability of k/K below it: 1e-6 are allowed for.
float agreement_edge(int k, int raters);

// Edges are those of the challenge's thresholds and of the agreement levels 1/K to K/K. Reads every voxel once, needs
// memory for the counts alone; the sums do not depend on the number of threads.
AgreementCounts count_agreement(std::span<const float> probability, const RaterSet& raters);

// TDSC: the mean over the challenge's thresholds t of Dice (p > t, mean human response > t) with the challenge's
// smoothing.
double thresholded_dice(const AgreementCounts& counts);

// 2 sum(p m) / (sum p + sum m) with the mean human response m; 1 where both sums are 0.
double soft_dice(const AgreementCounts& counts);

// Squared generalised energy distance between the raters' maps and the map at the challenge's six thresholds: twice the
// mean distance between the two sets minus the mean distance within each, a map being paired with itself too. The
// distance of two maps is 1 - intersection over union, 0 when both are empty. Kohl et al., NeurIPS 2018, equation 4.
double generalized_energy_distance(const AgreementCounts& counts);

// Map against raters at one level of agreement: p >= k/K and k raters or more.
struct AgreementLevel {
  int raters = 0;  // k
  double dice = 1;
  double probability_volume_mm3 = 0;
  double rater_volume_mm3 = 0;
};
std::vector<AgreementLevel> agreement_levels(const AgreementCounts& counts, double voxel_volume_mm3);

}  // namespace twintrack

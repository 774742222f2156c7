// How sure a cohort's mean is, and whether two prediction sets differ: bootstrap over cases, paired comparison.
#pragma once

#include "twintrack/core/json_forward.hpp"

#include <cstdint>
#include <span>

namespace twintrack {

// A cohort's mean with its 95 % interval; NaN, and null in JSON, where no case has a value.
struct Estimate {
  double mean = 0;
  double ci_low = 0;
  double ci_high = 0;
  std::int64_t n = 0;  // cases that have a value
};

// Bootstrap of the mean over cases (Efron, Annals of Statistics 1979): as many cases as there are, drawn with
// replacement, `replicates` times. `mean` is the mean of the replicates' means, the interval reaches from their 2.5th
// to their 97.5th percentile. A case without a value (NaN) is drawn as any other and left out of its replicate's mean;
// a replicate without any value is left out. The cases drawn follow from the number of cases, replicates and seed
// alone: metrics of one cohort share them, and so do differences between metrics or prediction sets. Deterministic on
// every machine. Throws UsageError when there is no replicate.
Estimate bootstrap_mean(std::span<const double> per_case, int replicates = 1000, std::uint64_t seed = 0);

// Mean of first - second over the cases where both have a value, and the two-sided p-value of no difference.
struct PairedComparison {
  Estimate difference;
  double p = 1;  // NaN, null in JSON, without cases
};

// The same cases evaluated with two prediction sets. The interval is the bootstrap's; p is of the sign-flip permutation
// test on the mean difference (Fisher, The Design of Experiments, 1935, section 21): all 2^n sign patterns up to 16
// cases, 10 000 seeded ones, and the observed one, above. Throws InputError when the numbers of cases differ,
// UsageError when there is no replicate.
PairedComparison compare_paired(std::span<const double> first, std::span<const double> second, int replicates = 1000,
                                std::uint64_t seed = 0);

Json to_json(const Estimate& estimate);
Json to_json(const PairedComparison& comparison);

}  // namespace twintrack

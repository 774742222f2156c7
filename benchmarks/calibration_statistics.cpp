// Voxels a second that are counted for a calibrator, from memory, and the fit on top of them.
#include <benchmark/benchmark.h>

#include "twintrack/calibration/statistics.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack {
namespace {

constexpr int kRaters = 5;
constexpr Shape3 kShape{384, 512, 512};

struct Cohort {
  std::vector<float> probability;
  RaterSet raters;
  BitMask region;
};

// Probabilities u^power, each rater's mark drawn with that probability: 1 is uniform, 6 is skewed towards 0. Raters
// mark a slab of 8 slices only, as tumours are small.
Cohort make_cohort(int power) {
  Cohort cohort;
  cohort.raters.geometry.size = {kShape[2], kShape[1], kShape[0]};
  cohort.raters.masks.assign(kRaters, BitMask(kShape));
  cohort.region = BitMask(kShape);
  std::ranges::fill(cohort.region.words(), ~std::uint64_t{0});
  std::uint32_t state = 1;
  const auto uniform = [&state] {
    state = state * 1664525U + 1013904223U;
    return static_cast<float>(state >> 8) * 0x1p-24F;
  };
  const std::int64_t voxels = voxel_count(kShape);
  const std::int64_t marked = 8 * kShape[1] * kShape[2];
  for (std::int64_t i = 0; i < voxels; ++i) {
    const float u = uniform();
    float p = u;
    for (int n = 1; n < power; ++n) p *= u;
    cohort.probability.push_back(p);
    for (int k = 0; k < kRaters && i < marked; ++k) {
      if (uniform() < p) cohort.raters.masks[k].set(i);
    }
  }
  return cohort;
}

void count_and_fit(benchmark::State& state, const char* target, int power) {
  const Cohort cohort = make_cohort(power);
  std::size_t knots = 0;
  for (auto _ : state) {
    CalibrationStatistics statistics;
    statistics.target = parse_target(target);
    add_case(statistics, {"case", "", cohort.probability, cohort.raters, cohort.region});
    knots = statistics.levels.fit().x.size();
  }
  state.counters["voxels/s"] =
      benchmark::Counter(static_cast<double>(voxel_count(kShape)), benchmark::Counter::kIsIterationInvariantRate);
  state.counters["threads"] = thread_count();
  state.counters["knots"] = static_cast<double>(knots);
}
BENCHMARK_CAPTURE(count_and_fit, uniform, "mhr", 1)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(count_and_fit, skewed, "mhr", 6)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(count_and_fit, skewed_majority, "majority", 6)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace twintrack

BENCHMARK_MAIN();

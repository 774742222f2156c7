// All metrics of one case (but the vessels') of 512 x 512 x 300 voxels with five raters, as they lie in memory.
#include <benchmark/benchmark.h>

#include "twintrack/evaluation/case_metrics.hpp"

#include <cmath>

namespace {

using twintrack::Shape3;

constexpr Shape3 shape{300, 512, 512};  // z, y, x
constexpr int rater_count = 5;
constexpr std::int64_t half_axis = 30;  // voxels, of what everyone marks

struct Case {
  twintrack::Volume<float> probability;
  twintrack::RaterSet raters;
  twintrack::BitMask segmentation;
};

// Concentric balls of growing size; `haze`: a small probability everywhere, as networks without a region leave it.
Case make_case(float haze) {
  Case made;
  made.probability.geometry.size = {shape[2], shape[1], shape[0]};
  made.probability.geometry.spacing_mm = {0.75, 0.75, 1};
  made.probability.voxels.assign(twintrack::voxel_count(shape), haze);
  made.raters = {made.probability.geometry, std::vector<twintrack::BitMask>(rater_count, twintrack::BitMask(shape))};
  made.segmentation = twintrack::BitMask(shape);
  constexpr std::int64_t reach = 2 * half_axis;
  for (std::int64_t z = -reach; z <= reach; ++z) {
    for (std::int64_t y = -reach; y <= reach; ++y) {
      for (std::int64_t x = -reach; x <= reach; ++x) {
        const double radius = std::sqrt(static_cast<double>(z * z + y * y + x * x)) / half_axis;
        const std::int64_t voxel = ((150 + z) * shape[1] + 250 + y) * shape[2] + 260 + x;
        const double p = 1 / (1 + std::exp(8 * (radius - 1.2)));
        made.probability.voxels[voxel] = static_cast<float>(p);
        if (p > 0.5) made.segmentation.set(voxel);
        for (int k = 0; k < rater_count; ++k) {
          if (radius < 1 + 0.1 * k) made.raters.masks[k].set(voxel);
        }
      }
    }
  }
  return made;
}

void evaluate(benchmark::State& state, float haze) {
  const Case made = make_case(haze);
  for (auto _ : state)
    benchmark::DoNotOptimize(twintrack::evaluate_case(made.probability, made.raters, made.segmentation));
  state.counters["Mvoxel/s"] = benchmark::Counter(
      static_cast<double>(twintrack::voxel_count(shape)) * static_cast<double>(state.iterations()) * 1e-6,
      benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(evaluate, zero_outside, 0.0F)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(evaluate, haze_outside, 0.01F)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

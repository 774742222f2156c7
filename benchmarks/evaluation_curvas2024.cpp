// Voxels a second of the CURVAS 2024 scores, from memory, on one thread: three raters, three probability maps with
// organs as boxes and noise everywhere.
#include "twintrack/evaluation/curvas2024.hpp"

#include <benchmark/benchmark.h>

#include <random>

namespace {

using namespace twintrack;

constexpr Shape3 kShape{64, 256, 256};

// Boxes from a quarter to three quarters of the grid, an organ in each third along x.
int label_at(std::int64_t z, std::int64_t y, std::int64_t x) {
  const auto inside = [](std::int64_t i, std::int64_t size) { return i >= size / 4 && i < size - size / 4; };
  return inside(z, kShape[0]) && inside(y, kShape[1]) ? 1 + static_cast<int>(x * kCurvasOrgans / kShape[2]) : 0;
}

void curvas2024_sums(benchmark::State& state) {
  std::mt19937 generator(1);
  std::vector<OrganLabels> raters(3, OrganLabels(kShape));
  OrganLabels prediction(kShape);
  std::array<std::vector<float>, kCurvasOrgans> maps;
  std::int64_t voxel = 0;
  for (std::int64_t z = 0; z < kShape[0]; ++z) {
    for (std::int64_t y = 0; y < kShape[1]; ++y) {
      for (std::int64_t x = 0; x < kShape[2]; ++x, ++voxel) {
        for (std::size_t k = 0; k < raters.size(); ++k)
          raters[k].set(voxel, label_at(z, y + 2 * static_cast<std::int64_t>(k), x));
        const int label = label_at(z, y, x);
        prediction.set(voxel, label);
        for (int o = 0; o < kCurvasOrgans; ++o)
          maps[o].push_back((label == o + 1 ? 0.9F : 0.001F) + 1e-5F * static_cast<float>(generator() % 1000));
      }
    }
  }
  for (auto _ : state) {
    Curvas2024Sums sums(raters, prediction);
    sums.add(0, {maps[0], maps[1], maps[2]});
    benchmark::DoNotOptimize(sums.scores(1).ece_mean);
  }
  state.SetItemsProcessed(state.iterations() * voxel_count(kShape));
}
BENCHMARK(curvas2024_sums)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();

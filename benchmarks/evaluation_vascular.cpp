// Vascular involvement of a CT of 512 x 512 x 300 voxels with five vessels and five raters.
#include <benchmark/benchmark.h>

#include "twintrack/evaluation/vascular_involvement.hpp"

#include <algorithm>
#include <cmath>

namespace {

using twintrack::BitMask;

// A tube along z that bends sideways.
struct Tube {
  const char* name;
  double y_mm, x_mm, radius_mm, from_z_mm, to_z_mm;
};
constexpr std::array<Tube, 5> kTubes{{{"portal_vein", 185, 180, 6, 181, 240},
                                      {"smv", 180, 190, 6, 90, 180},
                                      {"aorta", 225, 200, 11, 0, 300},
                                      {"celiac_trunk", 205, 200, 4, 190, 215},
                                      {"sma", 195, 205, 4, 60, 190}}};

struct Scene {
  twintrack::Volume<float> probability;
  twintrack::RaterSet raters;
  std::vector<twintrack::VesselMask> vessels;

  Scene() {
    twintrack::Geometry& geometry = probability.geometry;
    geometry.size = {512, 512, 300};
    geometry.spacing_mm = {0.75, 0.75, 1};
    probability.voxels.resize(geometry.voxel_count());
    raters.geometry = geometry;
    raters.masks.assign(5, BitMask(geometry.shape()));
    for (const Tube& tube : kTubes) vessels.push_back({tube.name, BitMask(geometry.shape())});
    std::int64_t voxel = 0;
    for (int z = 0; z < 300; ++z) {
      for (int y = 0; y < 512; ++y) {
        for (int x = 0; x < 512; ++x, ++voxel) set(voxel, z, 0.75 * y, 0.75 * x);
      }
    }
  }

  void set(std::int64_t voxel, double z, double y, double x) {
    const double bend = 6 * std::sin(z / 30);
    for (std::size_t v = 0; v < kTubes.size(); ++v) {
      const Tube& tube = kTubes[v];
      if (z >= tube.from_z_mm && z <= tube.to_z_mm && std::hypot(y - tube.y_mm, x - tube.x_mm - bend) <= tube.radius_mm)
        vessels[v].mask.set(voxel);
    }
    const double distance_mm = std::hypot(z - 175, y - 178, x - 196);
    for (int k = 0; k < 5; ++k) {
      if (distance_mm < 14 + 2 * k) raters.masks[k].set(voxel);
    }
    probability.voxels[voxel] = static_cast<float>(std::clamp((26 - distance_mm) / 16, 0.0, 1.0));
  }
};

void involvement(benchmark::State& state) {
  const Scene scene;
  for (auto _ : state)
    benchmark::DoNotOptimize(twintrack::vascular_involvement(scene.probability, scene.raters, scene.vessels));
}
BENCHMARK(involvement)->Unit(benchmark::kMillisecond)->UseRealTime();

// What a prediction without raters costs.
void contact(benchmark::State& state) {
  const Scene scene;
  for (auto _ : state) benchmark::DoNotOptimize(twintrack::vascular_contact(scene.probability, scene.vessels));
}
BENCHMARK(contact)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

// A training patch's augmentation on one core. Besides time: output voxels a second. The `default` figures are means
// over what nnU-Net's default settings draw.
#include <benchmark/benchmark.h>

#include "twintrack/augmentation/augment.hpp"
#include "twintrack/augmentation/deep_supervision.hpp"
#include "twintrack/augmentation/intensity.hpp"

#include <cmath>

namespace {

using namespace twintrack;

constexpr Shape3 patch_shape{48, 64, 64};
constexpr Shape3 flat_patch_shape{16, 112, 112};  // rotated in plane

float wave(std::int64_t i, double frequency) {
  return static_cast<float>(std::sin(static_cast<double>(i) * frequency));
}

// Blobs in a texture, three labels, soft labels.
Patch drawn_patch(const Shape3& shape) {
  Patch patch{shape, 1, {}, {}, {}};
  for (std::int64_t z = 0; z < shape[0]; ++z) {
    for (std::int64_t y = 0; y < shape[1]; ++y) {
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        const float value = wave(z, 0.21) + wave(y, 0.17) + wave(x, 0.13);
        patch.image.push_back(value + 0.2F * wave(z * 7919 + y * 104729 + x * 1299709, 1.7));
        patch.labels.push_back(static_cast<std::int16_t>(value > 2 ? 2 : value > 1 ? 1 : 0));
        patch.soft.push_back(value > 1 ? 0.8F : 0.0F);
      }
    }
  }
  return patch;
}

void count_voxels(benchmark::State& state, const Shape3& shape) {
  state.counters["Mvoxel/s"] =
      benchmark::Counter(static_cast<double>(voxel_count(shape)) * 1e-6 * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

void augment_default(benchmark::State& state, const Shape3& shape) {
  const AugmentationSettings settings = default_augmentation(shape, {0, 1, 2});
  const Patch drawn = drawn_patch(drawn_shape(shape, settings));
  std::uint64_t key = 0;
  for (auto _ : state) {
    Random random(key++, 1);
    benchmark::DoNotOptimize(augment(drawn, shape, settings, random));
  }
  count_voxels(state, shape);
}

// As a loader does it: each sample's region is cut to what its transform needs, out of a case in memory.
void cut_and_augment_default(benchmark::State& state, const Shape3& shape) {
  const AugmentationSettings settings = default_augmentation(shape, {0, 1, 2});
  const Patch preprocessed = drawn_patch(drawn_shape(shape, settings));
  std::uint64_t key = 0;
  for (auto _ : state) {
    Random random(key++, 1);
    const SpatialTransform transform = draw_spatial_transform(settings, random);
    const Patch drawn = resample_patch(preprocessed, source_shape(shape, transform), {});
    benchmark::DoNotOptimize(augment(drawn, shape, settings, transform, random));
  }
  count_voxels(state, shape);
}

void resample(benchmark::State& state, const SpatialTransform& transform) {
  const Patch drawn = drawn_patch(source_shape(patch_shape, transform));
  for (auto _ : state) benchmark::DoNotOptimize(resample_patch(drawn, patch_shape, transform));
  count_voxels(state, patch_shape);
}

template <typename Change>
void change(benchmark::State& state, const Change& apply) {
  std::vector<float> values = drawn_patch(patch_shape).image;
  for (auto _ : state) {
    apply(std::span(values));
    benchmark::ClobberMemory();
  }
  count_voxels(state, patch_shape);
}

void noise(benchmark::State& state) {
  std::uint64_t key = 0;
  change(state, [&](std::span<float> values) { intensity::add_noise(values, 0.01F, key++); });
}
void blur(benchmark::State& state) {
  change(state, [](std::span<float> values) { intensity::blur(values, patch_shape, {1, 1, 1}); });
}
void contrast(benchmark::State& state) {
  change(state, [](std::span<float> values) { intensity::stretch_contrast(values, 1); });
}
void low_resolution(benchmark::State& state) {
  change(state, [](std::span<float> values) { intensity::lower_resolution(values, patch_shape, {0.7, 0.7, 0.7}); });
}
void gamma(benchmark::State& state) {
  change(state, [](std::span<float> values) { intensity::apply_gamma(values, 1, false); });
}
void mirroring(benchmark::State& state) {
  Patch patch = drawn_patch(patch_shape);
  for (auto _ : state) {
    mirror(patch, {true, true, true});
    benchmark::ClobberMemory();
  }
  count_voxels(state, patch_shape);
}
void deep_supervision(benchmark::State& state) {
  const Patch patch = drawn_patch(patch_shape);
  for (auto _ : state) {
    for (Shape3 shape{24, 32, 32}; shape[1] >= 4; shape = {shape[0] / 2, shape[1] / 2, shape[2] / 2}) {
      benchmark::DoNotOptimize(downsample_labels(patch.labels, patch_shape, shape));
      benchmark::DoNotOptimize(downsample_soft(patch.soft, patch_shape, shape));
    }
  }
  count_voxels(state, patch_shape);
}

constexpr auto milliseconds = benchmark::kMillisecond;
BENCHMARK_CAPTURE(augment_default, 48x64x64, patch_shape)->Unit(milliseconds)->MinTime(3);
BENCHMARK_CAPTURE(augment_default, 16x112x112_in_plane, flat_patch_shape)->Unit(milliseconds)->MinTime(3);
BENCHMARK_CAPTURE(cut_and_augment_default, 48x64x64, patch_shape)->Unit(milliseconds)->MinTime(3);
BENCHMARK_CAPTURE(cut_and_augment_default, 16x112x112_in_plane, flat_patch_shape)->Unit(milliseconds)->MinTime(3);
BENCHMARK_CAPTURE(resample, crop, SpatialTransform{})->Unit(milliseconds);
BENCHMARK_CAPTURE(resample, scaled, rotation_and_scaling({0, 0, 0}, 1.2))->Unit(milliseconds);
BENCHMARK_CAPTURE(resample, rotated, rotation_and_scaling({20, -20, 20}, 1))->Unit(milliseconds);
BENCHMARK(noise)->Unit(milliseconds);
BENCHMARK(blur)->Unit(milliseconds);
BENCHMARK(contrast)->Unit(milliseconds);
BENCHMARK(low_resolution)->Unit(milliseconds);
BENCHMARK(gamma)->Unit(milliseconds);
BENCHMARK(mirroring)->Unit(milliseconds);
BENCHMARK(deep_supervision)->Unit(milliseconds);

}  // namespace

BENCHMARK_MAIN();

// Training steps of a small network by libtorch: seconds a step (batch 2, seven classes), GFLOP/s (three times the
// forward pass).
#include "twintrack/core/random.hpp"
#include "twintrack/network/torch_plugin.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

namespace {

using namespace twintrack;

constexpr Shape3 kPatch{48, 64, 64};
constexpr std::int64_t kSamples = 2;

Network small_network(std::int64_t base) {
  Architecture a;
  a.classes = 7;
  a.features = {base, 2 * base, 4 * base, 8 * base};
  a.kernels.assign(4, {3, 3, 3});
  a.strides = {{1, 1, 1}, {2, 2, 2}, {2, 2, 2}, {2, 2, 2}};
  a.encoder_blocks = {2, 2, 2, 2};
  a.decoder_convolutions = {2, 2, 2};
  return build_network(a, "benchmark");
}

TrainingBatch arbitrary_batch(const Network& network) {
  Random random(1, 2);
  TrainingBatch batch;
  batch.samples = kSamples;
  for (std::int64_t i = 0; i < kSamples * voxel_count(kPatch); ++i) {
    batch.images.push_back(static_cast<float>(random.uniform(-1, 1)));
  }
  for (const Shape3& shape : supervised_shapes(network, kPatch)) {
    std::vector<std::int16_t> labels(kSamples * voxel_count(shape));
    for (std::int16_t& label : labels) label = static_cast<std::int16_t>(random.below(7));
    batch.labels.push_back(std::move(labels));
  }
  return batch;
}

void step(benchmark::State& state, TrainingPrecision precision) {
  if (!has_torch_plugin()) return state.SkipWithError("built without libtorch");
  const Network network = small_network(state.range(0));
  TrainingTargets targets;
  for (std::int16_t c = 0; c < 7; ++c) targets.members.push_back({c});
  TrainingOptions options;
  options.precision = precision;
  const auto trainable = torch_plugin().make_trainable(network, kPatch, targets, options);
  trainable->restore(initial_parameters(network, 1), {});
  const TrainingBatch batch = arbitrary_batch(network);
  double forward = 0;
  double backward = 0;
  for (auto _ : state) {
    const StepReport report = trainable->train(batch, 1e-3);
    forward += report.forward_seconds;
    backward += report.backward_seconds;
  }
  const auto steps = static_cast<double>(state.iterations());
  state.counters["forward"] = forward / steps;
  state.counters["backward"] = backward / steps;
  state.counters["GFLOP/s"] =
      benchmark::Counter(3e-9 * operations(network, kPatch) * kSamples * steps, benchmark::Counter::kIsRate);
}

void float32(benchmark::State& state) { step(state, TrainingPrecision::fp32); }
void bfloat16(benchmark::State& state) { step(state, TrainingPrecision::bf16); }
BENCHMARK(float32)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(bfloat16)->Arg(8)->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();

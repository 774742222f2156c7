#include "tile_time.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

namespace twintrack::cli {

TileTime measure_tile_time(const Model& model, const InferenceOptions& options) {
  using Clock = std::chrono::steady_clock;
  InferenceOptions one_run = options;
  one_run.mirroring = false;
  Predictor predictor(model, one_run);
  const std::vector<float> patch(static_cast<std::size_t>(voxel_count(model.plans.patch_size)), 0.0F);
  std::vector<float> logits(patch.size() * static_cast<std::size_t>(model.labels.channels()));
  const auto run = [&] {
    const auto start = Clock::now();
    predictor.predict_tile(patch, logits, 0);
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  run();  // sets up
  constexpr double long_enough_s = 1;
  std::vector<double> seconds;
  for (double sum = 0; sum < long_enough_s && seconds.size() < 9; sum += seconds.back()) seconds.push_back(run());
  const auto median = seconds.begin() + std::ssize(seconds) / 2;
  std::ranges::nth_element(seconds, median);
  return {*median, predictor.folds(), options.mirroring ? 1 << model.mirroring_axes.size() : 1};
}

}  // namespace twintrack::cli

#include "twintrack/nnunet/predictor.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/nnunet/sliding_window.hpp"

#include <algorithm>
#include <utility>

namespace twintrack {
namespace {

// Every subset of the axes as bits, the empty one first.
std::vector<unsigned> flip_combinations(const std::vector<int>& axes) {
  std::vector<unsigned> combinations{0};
  for (const int axis : axes) {
    const std::size_t count = combinations.size();
    for (std::size_t i = 0; i < count; ++i) combinations.push_back(combinations[i] | (1U << axis));
  }
  return combinations;
}

// to (channels, shape) = from mirrored along the axes, or += when `accumulate`.
void mirror(std::span<const float> from, std::span<float> to, std::int64_t channels, const Shape3& shape, unsigned axes,
            bool accumulate) {
  parallel_for_blocks(channels * shape[0] * shape[1], 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t y = row % shape[1];
      const std::int64_t z = row / shape[1] % shape[0];
      const std::int64_t c = row / (shape[0] * shape[1]);
      const std::int64_t source_z = (axes & 1U) != 0 ? shape[0] - 1 - z : z;
      const std::int64_t source_y = (axes & 2U) != 0 ? shape[1] - 1 - y : y;
      const float* const source = from.data() + ((c * shape[0] + source_z) * shape[1] + source_y) * shape[2];
      float* const target = to.data() + row * shape[2];
      for (std::int64_t x = 0; x < shape[2]; ++x) {
        const float value = source[(axes & 4U) != 0 ? shape[2] - 1 - x : x];
        target[x] = accumulate ? target[x] + value : value;
      }
    }
  });
}

// What a patch needs at least, before an engine allocates more than there is: the last concatenation of the decoder,
// and the logits with their sums.
double least_patch_bytes(const Model& model) {
  constexpr double element_bytes = 2;
  const double per_voxel = element_bytes * 2.0 * static_cast<double>(model.network.architecture.features.front()) +
                           2.0 * sizeof(float) * static_cast<double>(model.labels.channels());
  return per_voxel * static_cast<double>(voxel_count(model.plans.patch_size));
}

void refuse_beyond_memory(const Model& model, double bytes) {
  const auto installed = static_cast<double>(installed_memory_bytes());
  if (bytes <= installed) return;
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  const Shape3& patch = model.plans.patch_size;
  throw ResourceError(
      "{}: its patch of {}x{}x{} voxels needs at least {:.1f} GiB, this machine has {:.1f} GiB of memory", model.source,
      patch[0], patch[1], patch[2], bytes / gib, installed / gib);
}

std::shared_ptr<Engine> make_engine(const Model& model, const InferenceOptions& options) {
  const Shape3& patch = model.plans.patch_size;
  if (options.device.starts_with("cuda")) {
    return torch_plugin().make_engine(model.network, patch, options.precision, options.device);
  }
  refuse_beyond_memory(model, least_patch_bytes(model));
  std::shared_ptr<Engine> engine = options.device == "torch"
                                       ? torch_plugin().make_engine(model.network, patch, options.precision, "cpu")
                                       : make_cpu_engine(model.network, patch, options.precision);
  refuse_beyond_memory(model, static_cast<double>(engine->activation_bytes()));
  return engine;
}

}  // namespace

Predictor::Predictor(const Model& model, const InferenceOptions& options, const Predictor* like)
    : plans_(model.plans),
      labels_(model.labels),
      options_(options),
      architecture_(model.network.architecture),
      flips_(flip_combinations(options.mirroring ? model.mirroring_axes : std::vector<int>{})) {
  const bool alike = like != nullptr && like->architecture_ == architecture_ &&
                     like->plans_.patch_size == plans_.patch_size && like->options_.precision == options.precision &&
                     like->options_.device == options.device;
  engine_ = alike ? like->engine_ : make_engine(model, options);
  for (const TensorMap& weights : model.folds) folds_.push_back(engine_->load(weights));
}

void Predictor::predict_tile(std::span<const float> tiles, std::span<float> logits, int fold) {
  const Shape3& patch = plans_.patch_size;
  const int first = fold < 0 ? 0 : fold;
  const int last = fold < 0 ? folds() : fold + 1;
  const std::size_t runs = flips_.size() * static_cast<std::size_t>(last - first);
  if (runs == 1) return engine_->run(folds_[first], tiles, logits);

  const std::int64_t count = std::ssize(tiles) / voxel_count(patch);
  flipped_.resize(tiles.size());
  flipped_logits_.resize(logits.size());
  bool begun = false;
  for (int weights = first; weights < last; ++weights) {
    for (const unsigned axes : flips_) {
      mirror(tiles, flipped_, count, patch, axes, false);
      engine_->run(folds_[weights], flipped_, flipped_logits_);
      mirror(flipped_logits_, logits, count * labels_.channels(), patch, axes, std::exchange(begun, true));
    }
  }
  const float factor = 1.0F / static_cast<float>(runs);
  parallel_for_blocks(static_cast<std::int64_t>(logits.size()), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) logits[i] *= factor;
  });
}

std::int64_t Predictor::tile_count(const Preprocessed& image, std::span<const std::uint8_t> needed) const {
  const SlidingWindow window{image.shape, plans_.patch_size, labels_.channels(), options_.step_size};
  return static_cast<std::int64_t>(window.tiles(needed).size());
}

void Predictor::predict_logits(const Preprocessed& image, std::span<const std::uint8_t> needed,
                               const std::function<void(std::int64_t z, std::span<const float> logits)>& finish,
                               const TileProgress& progress, int fold) {
  const SlidingWindow window{image.shape, plans_.patch_size, labels_.channels(), options_.step_size};
  const std::int64_t total = tile_count(image, needed);
  std::int64_t done = 0;
  progress(done, total);
  slide(
      window, image.values, needed, engine_->batch(),
      [&](std::span<const float> tiles, std::span<float> logits) { predict_tile(tiles, logits, fold); }, finish,
      [&] { progress(++done, total); });
}

void Predictor::predict(const Preprocessed& image, std::span<const std::uint8_t> needed, const RowFunction& sink,
                        const TileProgress& progress, int fold) {
  LogitExporter exporter(image, plans_, labels_, sink);
  predict_logits(
      image, needed, [&](std::int64_t z, std::span<const float> logits) { exporter.accept(z, logits); }, progress,
      fold);
}

}  // namespace twintrack

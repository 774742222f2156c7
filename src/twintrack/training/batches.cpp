#include "twintrack/training/batches.hpp"

#include "twintrack/augmentation/augment.hpp"
#include "twintrack/augmentation/deep_supervision.hpp"
#include "twintrack/core/random.hpp"

namespace twintrack {
namespace {

constexpr std::uint64_t kAugmentation = 0x6175676d;  // keeps these random numbers apart from the sampler's

Patch make_sample(std::span<const CachedCase> cases, const BatchRecipe& recipe, const SampleKey& key) {
  SamplingRule rule = recipe.sampling;
  rule.drawn_shape = rule.patch_shape;
  const PatchPlace place = draw(cases, rule, key);
  const auto number =
      combine_bits(combine_bits(static_cast<std::uint64_t>(key.epoch), static_cast<std::uint64_t>(key.iteration)),
                   static_cast<std::uint64_t>(key.index_in_batch));
  Random random(combine_bits(rule.seed, kAugmentation), number);
  const SpatialTransform transform = draw_spatial_transform(recipe.augmentation, random);
  // The region around the patch that this transform looks into.
  const Shape3 source = source_shape(rule.patch_shape, transform);
  Shape3 begin = place.begin;
  for (int axis = 0; axis < 3; ++axis) begin[axis] -= (source[axis] - rule.patch_shape[axis]) / 2;
  return augment(cut(cases[place.case_index], begin, source), rule.patch_shape, recipe.augmentation, transform, random);
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

TrainingBatch make_batch(std::span<const CachedCase> cases, const BatchRecipe& recipe, std::int64_t epoch,
                         std::int64_t iteration) {
  TrainingBatch batch;
  batch.samples = recipe.sampling.batch_size / recipe.shares;
  batch.labels.resize(recipe.target_shapes.size());
  for (std::int64_t i = 0; i < batch.samples; ++i) {
    const Patch patch = make_sample(cases, recipe, {epoch, iteration, recipe.share * batch.samples + i});
    append(batch.images, patch.image);
    batch.soft.resize(patch.soft.empty() ? 0 : recipe.target_shapes.size());
    for (std::size_t r = 0; r < recipe.target_shapes.size(); ++r) {
      append(batch.labels[r], downsample_labels(patch.labels, patch.shape, recipe.target_shapes[r]));
      if (!patch.soft.empty()) append(batch.soft[r], downsample_soft(patch.soft, patch.shape, recipe.target_shapes[r]));
    }
  }
  return batch;
}

}  // namespace twintrack

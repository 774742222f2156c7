// Where a training patch is taken from, by the rule of nnU-Net v2's data loader, and the patch itself.
#pragma once

#include "twintrack/augmentation/patch.hpp"
#include "twintrack/core/shape.hpp"
#include "twintrack/training/case_cache.hpp"

#include <cstdint>
#include <span>

namespace twintrack {

struct SamplingRule {
  Shape3 patch_shape{};  // what the network sees
  Shape3 drawn_shape{};  // what is cut for it: as large or larger, so that turning it leaves no empty corners
  std::int64_t batch_size = 2;
  double foreground_share = 0.33;  // of a batch
  std::uint64_t seed = 0;
};

// Names a sample of a training run: what is drawn for it depends on this, the rule and the cases, on nothing else.
struct SampleKey {
  std::int64_t epoch = 0;
  std::int64_t iteration = 0;
  std::int64_t index_in_batch = 0;
};

struct PatchPlace {
  std::int64_t case_index = 0;
  Shape3 begin{};  // of the drawn shape in the case; may lie outside of it
  bool forced_foreground = false;
};

// A case drawn uniformly and a place in it. The last samples of a batch, from round(batch_size * (1 -
// foreground_share)) on, are forced to show foreground: a class drawn uniformly among those that the case has, and a
// voxel of it as the centre. In a batch of one the share is the probability of that (nnU-Net never forces it then). All
// others, and those of cases without foreground, are uniform over places that reach the image's border with the patch
// shape; where labels can be `ignore`, their centre is an annotated voxel.
PatchPlace draw(std::span<const CachedCase> cases, const SamplingRule& rule, const SampleKey& key);

// Begin of the patch shape in the middle of a drawn shape that begins at `begin`.
Shape3 patch_begin(const Shape3& begin, const SamplingRule& rule);

// The case's voxels in [begin, begin + shape); 0 (in every array) outside of it.
Patch cut(const CachedCase& item, const Shape3& begin, const Shape3& shape);

}  // namespace twintrack

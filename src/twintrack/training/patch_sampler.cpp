#include "twintrack/training/patch_sampler.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/random.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace twintrack {
namespace {

constexpr std::uint64_t kPurpose = 0x7061746368;  // "patch"

// Where a drawn shape may begin, both ends included.
struct Limits {
  Shape3 low{};
  Shape3 high{};
};

// nnU-Net's get_bbox: the image is padded by what the drawn shape exceeds the patch shape, or by what it lacks of the
// drawn shape if that is more; half on each side, an odd voxel on both.
Limits limits_of(const Shape3& image, const SamplingRule& rule) {
  Limits limits;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t drawn = rule.drawn_shape[axis];
    const std::int64_t pad = std::max(drawn - rule.patch_shape[axis], drawn - image[axis]);
    const std::int64_t half = pad / 2 + pad % 2;
    limits.low[axis] = -half;
    limits.high[axis] = image[axis] + half - drawn;
  }
  return limits;
}

Shape3 anywhere(const Limits& limits, Random& random) {
  Shape3 begin{};
  for (int axis = 0; axis < 3; ++axis)
    begin[axis] = limits.low[axis] + random.below(limits.high[axis] - limits.low[axis] + 1);
  return begin;
}

// As nnU-Net, only the lower limit holds: around a voxel near the upper border the patch hangs over it.
Shape3 around(std::int64_t voxel, const Shape3& image, const Limits& limits, const SamplingRule& rule) {
  const Shape3 centre{voxel / (image[1] * image[2]), voxel / image[2] % image[1], voxel % image[2]};
  Shape3 begin{};
  for (int axis = 0; axis < 3; ++axis)
    begin[axis] = std::max(limits.low[axis], centre[axis] - rule.drawn_shape[axis] / 2);
  return begin;
}

bool force_foreground(const SamplingRule& rule, const SampleKey& key, Random& random) {
  if (rule.batch_size == 1) return random.happens(rule.foreground_share);
  const double first_forced = std::nearbyint(static_cast<double>(rule.batch_size) * (1 - rule.foreground_share));
  return static_cast<double>(key.index_in_batch) >= first_forced;
}

std::int64_t any_of(std::span<const std::int64_t> voxels, Random& random) {
  return voxels[random.below(std::ssize(voxels))];
}

std::optional<std::int64_t> foreground_voxel(const CachedCase& item, Random& random) {
  std::vector<std::span<const std::int64_t>> present;
  for (const auto& voxels : item.foreground) {
    if (!voxels.empty()) present.push_back(voxels);
  }
  if (present.empty()) return {};
  return any_of(present[random.below(std::ssize(present))], random);
}

void check(std::span<const CachedCase> cases, const SamplingRule& rule) {
  if (cases.empty()) throw InputError("there is no case to draw a patch from");
  for (int axis = 0; axis < 3; ++axis) {
    if (rule.patch_shape[axis] < 1 || rule.drawn_shape[axis] < rule.patch_shape[axis]) {
      throw InputError("a patch of {} voxels drawn as {} on axis {} (z, y, x): expected at least 1, drawn as no fewer",
                       rule.patch_shape[axis], rule.drawn_shape[axis], axis);
    }
  }
}

Random random_of(const SamplingRule& rule, const SampleKey& key) {
  const auto bits = [](std::int64_t number) { return static_cast<std::uint64_t>(number); };
  return {rule.seed, combine_bits(combine_bits(combine_bits(kPurpose, bits(key.epoch)), bits(key.iteration)),
                                  bits(key.index_in_batch))};
}

// A row of the image's voxels within [begin, begin + size), and where it goes.
struct Overlap {
  std::int64_t from = 0;  // in the image
  std::int64_t to = 0;    // in the patch
  std::int64_t count = 0;
};

Overlap overlap(std::int64_t begin, std::int64_t size, std::int64_t image_size) {
  const std::int64_t from = std::clamp<std::int64_t>(begin, 0, image_size);
  const std::int64_t end = std::clamp<std::int64_t>(begin + size, from, image_size);
  return {from, from - begin, end - from};
}

template <typename T>
void copy_overlap(const T* image, const Shape3& image_shape, const std::array<Overlap, 3>& parts, const Shape3& shape,
                  T* patch) {
  const auto& [z, y, x] = parts;
  if (x.count == 0) return;
  for (std::int64_t i = 0; i < z.count; ++i) {
    for (std::int64_t j = 0; j < y.count; ++j) {
      const T* const from = image + ((z.from + i) * image_shape[1] + y.from + j) * image_shape[2] + x.from;
      std::copy_n(from, x.count, patch + ((z.to + i) * shape[1] + y.to + j) * shape[2] + x.to);
    }
  }
}

}  // namespace

PatchPlace draw(std::span<const CachedCase> cases, const SamplingRule& rule, const SampleKey& key) {
  check(cases, rule);
  Random random = random_of(rule, key);
  PatchPlace place;
  place.case_index = random.below(std::ssize(cases));
  const CachedCase& item = cases[place.case_index];
  const Limits limits = limits_of(item.shape, rule);
  const bool forced = force_foreground(rule, key, random);
  std::optional<std::int64_t> centre;
  if (forced) {
    centre = foreground_voxel(item, random);
    place.forced_foreground = centre.has_value();
  }
  if (!centre && !item.annotated.empty()) centre = any_of(item.annotated, random);
  place.begin = centre ? around(*centre, item.shape, limits, rule) : anywhere(limits, random);
  return place;
}

Shape3 patch_begin(const Shape3& begin, const SamplingRule& rule) {
  Shape3 inner = begin;
  for (int axis = 0; axis < 3; ++axis) inner[axis] += (rule.drawn_shape[axis] - rule.patch_shape[axis]) / 2;
  return inner;
}

Patch cut(const CachedCase& item, const Shape3& begin, const Shape3& shape) {
  const std::int64_t voxels = voxel_count(shape);
  const std::int64_t image_voxels = voxel_count(item.shape);
  std::array<Overlap, 3> parts;
  for (int axis = 0; axis < 3; ++axis) parts[axis] = overlap(begin[axis], shape[axis], item.shape[axis]);
  Patch patch;
  patch.shape = shape;
  patch.channels = item.channels;
  patch.image.resize(item.channels * voxels);
  patch.labels.resize(voxels);
  patch.soft.resize(item.soft.empty() ? 0 : voxels);
  for (std::int64_t c = 0; c < item.channels; ++c)
    copy_overlap(item.image.data() + c * image_voxels, item.shape, parts, shape, patch.image.data() + c * voxels);
  copy_overlap(item.labels.data(), item.shape, parts, shape, patch.labels.data());
  if (!item.soft.empty()) copy_overlap(item.soft.data(), item.shape, parts, shape, patch.soft.data());
  return patch;
}

}  // namespace twintrack

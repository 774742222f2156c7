#include "twintrack/augmentation/spatial.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/multiversion.hpp"
#include "twintrack/resample/checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

namespace twintrack {
namespace {

void check_patch(const Patch& patch) {
  const std::int64_t voxels = checked_voxel_count(patch.shape, "drawn patch");
  if (voxels > std::numeric_limits<std::int32_t>::max()) {
    throw InputError("drawn patch of {} voxels: less than 2^31 is right", voxels);
  }
  if (patch.channels < 1 || std::ssize(patch.image) / patch.channels != voxels ||
      std::ssize(patch.image) % patch.channels != 0) {
    throw InputError("drawn patch: {} values of the image in {} channels of {} voxels", patch.image.size(),
                     patch.channels, voxels);
  }
  check_array(patch.labels.size(), patch.shape, "drawn patch's labels");
  if (!patch.soft.empty()) check_array(patch.soft.size(), patch.shape, "drawn patch's soft labels");
}

Patch empty_patch(const Patch& like, const Shape3& shape) {
  const std::int64_t voxels = checked_voxel_count(shape, "patch");
  Patch patch{shape, like.channels, std::vector<float>(voxels * like.channels), std::vector<std::int16_t>(voxels), {}};
  if (!like.soft.empty()) patch.soft.resize(voxels);
  return patch;
}

// Calls visit(from, to, T{}) for pointers to each array of one patch and of another.
template <typename Visit>
void for_each_array(const Patch& from, Patch& to, const Visit& visit) {
  const std::int64_t from_voxels = voxel_count(from.shape);
  const std::int64_t to_voxels = voxel_count(to.shape);
  for (std::int64_t c = 0; c < from.channels; ++c) {
    visit(from.image.data() + c * from_voxels, to.image.data() + c * to_voxels);
  }
  visit(from.labels.data(), to.labels.data());
  if (!from.soft.empty()) visit(from.soft.data(), to.soft.data());
}

// The region [begin, begin + to.shape) of `from`; what lies outside is left as it is.
void copy_region(const Patch& from, const Shape3& begin, Patch& to) {
  Box3 box;  // in coordinates of `to`
  for (int axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::max<std::int64_t>(0, -begin[axis]);
    box.end[axis] = std::min(to.shape[axis], from.shape[axis] - begin[axis]);
  }
  if (box.empty()) return;
  for_each_array(from, to, [&](const auto* source, auto* target) {
    for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
      for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
        const std::int64_t row = ((z + begin[0]) * from.shape[1] + y + begin[1]) * from.shape[2];
        std::copy_n(source + row + begin[2] + box.begin[2], box.end[2] - box.begin[2],
                    target + (z * to.shape[1] + y) * to.shape[2] + box.begin[2]);
      }
    }
  });
}

Patch centre_crop(const Patch& drawn, const Shape3& shape) {
  if (drawn.shape == shape) return drawn;
  Patch patch = empty_patch(drawn, shape);
  Shape3 begin{};
  for (int axis = 0; axis < 3; ++axis) begin[axis] = drawn.shape[axis] / 2 - shape[axis] / 2;
  copy_region(drawn, begin, patch);
  return patch;
}

Patch with_border_of_zeros(const Patch& drawn) {
  Patch padded = empty_patch(drawn, {drawn.shape[0] + 2, drawn.shape[1] + 2, drawn.shape[2] + 2});
  copy_region(drawn, {-1, -1, -1}, padded);
  return padded;
}

constexpr std::int64_t kRun = 64;  // voxels of a row that are looked up together

// Where a run's voxels lie in the source: the first of eight neighbours, and shares of the upper ones.
struct Neighbours {
  std::int32_t index[kRun];
  float z[kRun];
  float y[kRun];
  float x[kRun];
};

struct Line {
  std::array<float, 3> start;  // of its first voxel
  std::array<float, 3> step;
};

TWINTRACK_MULTIVERSION void locate(const Line& line, const Shape3& source, std::int64_t count, Neighbours& out) {
  float last[3];
  std::int32_t last_index[3];
  for (int axis = 0; axis < 3; ++axis) {
    last[axis] = static_cast<float>(source[axis] - 1);
    last_index[axis] = static_cast<std::int32_t>(source[axis] - 2);
  }
  const auto plane = static_cast<std::int32_t>(source[1] * source[2]);
  const auto row = static_cast<std::int32_t>(source[2]);
  const auto split = [&](int axis, float place, std::int32_t& whole, float& share) {
    place = place > 0.0F ? place : 0.0F;
    place = place < last[axis] ? place : last[axis];
    whole = static_cast<std::int32_t>(place);
    whole = whole < last_index[axis] ? whole : last_index[axis];
    share = place - static_cast<float>(whole);
  };
  for (std::int64_t i = 0; i < count; ++i) {
    const auto distance = static_cast<float>(static_cast<std::int32_t>(i));
    std::int32_t z;
    std::int32_t y;
    std::int32_t x;
    split(0, line.start[0] + distance * line.step[0], z, out.z[i]);
    split(1, line.start[1] + distance * line.step[1], y, out.y[i]);
    split(2, line.start[2] + distance * line.step[2], x, out.x[i]);
    out.index[i] = z * plane + y * row + x;
  }
}

TWINTRACK_MULTIVERSION void interpolate(const float* __restrict source, std::int64_t row, std::int64_t plane,
                                        const Neighbours& at, std::int64_t count, float* __restrict out) {
  const float* __restrict const below = source + row;
  const float* __restrict const behind = source + plane;
  const float* __restrict const behind_below = source + plane + row;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t k = at.index[i];
    const float x = at.x[i];
    const float a = source[k] + x * (source[k + 1] - source[k]);
    const float b = below[k] + x * (below[k + 1] - below[k]);
    const float c = behind[k] + x * (behind[k + 1] - behind[k]);
    const float d = behind_below[k] + x * (behind_below[k + 1] - behind_below[k]);
    const float front = a + at.y[i] * (b - a);
    const float back = c + at.y[i] * (d - c);
    out[i] = front + at.z[i] * (back - front);
  }
}

// The label with the largest share of eight neighbours, the lowest of equals.
std::int16_t prevailing_label(const std::array<std::int16_t, 8>& labels, float z, float y, float x) {
  const std::array<float, 4> shares{(1 - z) * (1 - y), (1 - z) * y, z * (1 - y), z * y};
  std::array<float, 8> weights;
  for (int k = 0; k < 8; ++k) weights[k] = shares[k / 2] * (k % 2 == 0 ? 1 - x : x);
  std::int16_t best = labels[0];
  float best_share = -1;
  for (int k = 0; k < 8; ++k) {
    float share = 0;
    for (int other = 0; other < 8; ++other) share += labels[other] == labels[k] ? weights[other] : 0;
    if (share > 0.5F) return labels[k];
    if (share > best_share || (share == best_share && labels[k] < best)) {
      best = labels[k];
      best_share = share;
    }
  }
  return best;
}

void choose_labels(const std::int16_t* source, std::int64_t row, std::int64_t plane, const Neighbours& at,
                   std::int64_t count, std::int16_t* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int16_t* const first = source + at.index[i];
    std::array<std::uint32_t, 4> pairs;
    std::memcpy(&pairs[0], first, sizeof(std::uint32_t));
    std::memcpy(&pairs[1], first + row, sizeof(std::uint32_t));
    std::memcpy(&pairs[2], first + plane, sizeof(std::uint32_t));
    std::memcpy(&pairs[3], first + plane + row, sizeof(std::uint32_t));
    const std::uint32_t all_as_first = static_cast<std::uint16_t>(*first) * 0x10001U;
    const std::uint32_t different =
        (pairs[0] ^ all_as_first) | (pairs[1] ^ all_as_first) | (pairs[2] ^ all_as_first) | (pairs[3] ^ all_as_first);
    if (different == 0) {
      out[i] = *first;
      continue;
    }
    std::array<std::int16_t, 8> labels;
    std::memcpy(labels.data(), pairs.data(), sizeof labels);
    out[i] = prevailing_label(labels, at.z[i], at.y[i], at.x[i]);
  }
}

void look_up_run(const Patch& source, const Line& line, std::int64_t count, std::int64_t first, Patch& patch) {
  const std::int64_t row = source.shape[2];
  const std::int64_t plane = row * source.shape[1];
  Neighbours at;
  locate(line, source.shape, count, at);
  for (std::int64_t c = 0; c < source.channels; ++c) {
    interpolate(source.image.data() + c * voxel_count(source.shape), row, plane, at, count,
                patch.image.data() + c * voxel_count(patch.shape) + first);
  }
  choose_labels(source.labels.data(), row, plane, at, count, patch.labels.data() + first);
  if (!source.soft.empty()) interpolate(source.soft.data(), row, plane, at, count, patch.soft.data() + first);
}

// Every voxel is looked up within the source, or at its edge where it lies beyond.
void look_up(const Patch& source, const SpatialTransform& transform, Patch& patch) {
  const auto& matrix = transform.matrix;
  std::array<double, 3> to_centre{};
  for (int axis = 0; axis < 3; ++axis) to_centre[axis] = static_cast<double>(patch.shape[axis] - 1) / 2;
  Line line{};
  for (int axis = 0; axis < 3; ++axis) line.step[axis] = static_cast<float>(matrix[axis][2]);
  for (std::int64_t z = 0; z < patch.shape[0]; ++z) {
    for (std::int64_t y = 0; y < patch.shape[1]; ++y) {
      for (std::int64_t x = 0; x < patch.shape[2]; x += kRun) {
        const std::array<double, 3> p{static_cast<double>(z) - to_centre[0], static_cast<double>(y) - to_centre[1],
                                      static_cast<double>(x) - to_centre[2]};
        for (int axis = 0; axis < 3; ++axis) {
          line.start[axis] =
              static_cast<float>(static_cast<double>(source.shape[axis] - 1) / 2 + matrix[axis][0] * p[0] +
                                 matrix[axis][1] * p[1] + matrix[axis][2] * p[2]);
        }
        look_up_run(source, line, std::min(kRun, patch.shape[2] - x), (z * patch.shape[1] + y) * patch.shape[2] + x,
                    patch);
      }
    }
  }
}

}  // namespace

Patch resample_patch(const Patch& drawn, const Shape3& shape, const SpatialTransform& transform) {
  check_patch(drawn);
  if (transform.identity) return centre_crop(drawn, shape);
  Patch patch = empty_patch(drawn, shape);
  const Shape3 needed = source_shape(shape, transform);
  bool inside = true;
  for (int axis = 0; axis < 3; ++axis) {
    inside = inside && drawn.shape[axis] >= std::max<std::int64_t>(2, needed[axis]);
  }
  if (inside) {
    look_up(drawn, transform, patch);
  } else {
    look_up(with_border_of_zeros(drawn), transform, patch);
  }
  for (float& share : patch.soft) share = std::clamp(share, 0.0F, 1.0F);  // rounding
  return patch;
}

}  // namespace twintrack

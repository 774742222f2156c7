#include "twintrack/nnunet/sliding_window.hpp"

#include "twintrack/core/multiversion.hpp"
#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

// Weights along one axis: a Gaussian of an eighth of the size around the middle.
std::vector<double> axis_weights(std::int64_t size) {
  const double sigma = static_cast<double>(size) / 8.0;
  std::vector<double> weights(size);
  for (std::int64_t i = 0; i < size; ++i) {
    const double distance = static_cast<double>(i - size / 2) / sigma;
    weights[i] = std::exp(-0.5 * distance * distance);
  }
  return weights;
}

TWINTRACK_MULTIVERSION void add_weighted(float* sum, const float* logits, const float* weights, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += logits[i] * weights[i];
}

TWINTRACK_MULTIVERSION void add(float* sum, const float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) sum[i] += values[i];
}

TWINTRACK_MULTIVERSION void divide(float* to, const float* sum, const float* weights, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = weights[i] > 0.0F ? sum[i] / weights[i] : 0.0F;
}

// Weighted sums of the slices that tiles may still reach: a ring of patch-depth slices, each (class, y, x) and one more
// plane for the weights.
class Band {
 public:
  explicit Band(const SlidingWindow& window)
      : window_(window),
        padded_(window.padded_shape()),
        plane_(padded_[1] * padded_[2]),
        sums_((window.classes + 1) * window.patch[0] * plane_, 0.0F),
        weights_(tile_weights(window.patch)) {}

  void accumulate(const Shape3& tile, std::span<const float> logits) {
    const Shape3& patch = window_.patch;
    parallel_for((window_.classes + 1) * patch[0], [&](std::int64_t task) {
      const std::int64_t c = task / patch[0];
      const std::int64_t z = task % patch[0];
      float* const slice = plane_of(c, tile[0] + z);
      for (std::int64_t y = 0; y < patch[1]; ++y) {
        float* const to = slice + (tile[1] + y) * padded_[2] + tile[2];
        const float* const weights = weights_.data() + (z * patch[1] + y) * patch[2];
        if (c == window_.classes) {
          add(to, weights, patch[2]);
        } else {
          add_weighted(to, logits.data() + ((c * patch[0] + z) * patch[1] + y) * patch[2], weights, patch[2]);
        }
      }
    });
  }

  // Takes the slices up to `end` (exclusive) out of the ring.
  void finish_until(std::int64_t end, const SliceFunction& finish) {
    const Shape3 before = window_.padding_before();
    const Shape3& shape = window_.shape;
    std::vector<float> logits(window_.classes * shape[1] * shape[2]);
    for (; first_ < end; ++first_) {
      const std::int64_t z = first_ - before[0];
      if (z >= 0 && z < shape[0]) {
        parallel_for(window_.classes * shape[1], [&](std::int64_t row) {
          const std::int64_t from = (row % shape[1] + before[1]) * padded_[2] + before[2];
          divide(logits.data() + row * shape[2], plane_of(row / shape[1], first_) + from,
                 plane_of(window_.classes, first_) + from, shape[2]);
        });
        finish(z, logits);
      }
      parallel_for(window_.classes + 1, [&](std::int64_t c) { std::fill_n(plane_of(c, first_), plane_, 0.0F); });
    }
  }

 private:
  float* plane_of(std::int64_t c, std::int64_t z) {
    return sums_.data() + (c * window_.patch[0] + z % window_.patch[0]) * plane_;
  }

  const SlidingWindow& window_;
  Shape3 padded_;
  std::int64_t plane_;
  std::vector<float> sums_;
  std::vector<float> weights_;
  std::int64_t first_ = 0;  // the lowest slice in the ring
};

// The tile of the zero-padded image.
void cut_tile(const SlidingWindow& window, std::span<const float> image, const Shape3& tile, std::span<float> out) {
  const Shape3 before = window.padding_before();
  const Shape3& shape = window.shape;
  const Shape3& patch = window.patch;
  parallel_for_blocks(patch[0] * patch[1], 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      float* const to = out.data() + row * patch[2];
      const std::int64_t z = tile[0] + row / patch[1] - before[0];
      const std::int64_t y = tile[1] + row % patch[1] - before[1];
      std::fill_n(to, patch[2], 0.0F);
      if (z < 0 || z >= shape[0] || y < 0 || y >= shape[1]) continue;
      const std::int64_t x = tile[2] - before[2];
      const std::int64_t first = std::max<std::int64_t>(0, x);
      const std::int64_t last = std::min(shape[2], x + patch[2]);
      std::copy(image.data() + (z * shape[1] + y) * shape[2] + first,
                image.data() + (z * shape[1] + y) * shape[2] + last, to + first - x);
    }
  });
}

bool contains_any(const SlidingWindow& window, std::span<const std::uint8_t> needed, const Shape3& tile) {
  if (needed.empty()) return true;
  const Shape3 before = window.padding_before();
  Box3 box;
  for (int axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::max<std::int64_t>(0, tile[axis] - before[axis]);
    box.end[axis] = std::min(window.shape[axis], tile[axis] - before[axis] + window.patch[axis]);
  }
  for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
      const std::uint8_t* const row = needed.data() + (z * window.shape[1] + y) * window.shape[2];
      if (std::any_of(row + box.begin[2], row + box.end[2], [](std::uint8_t v) { return v != 0; })) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::int64_t> tile_starts(std::int64_t size, std::int64_t patch, double step_size) {
  const double target_step = static_cast<double>(patch) * step_size;
  const auto count = static_cast<std::int64_t>(std::ceil(static_cast<double>(size - patch) / target_step)) + 1;
  std::vector<std::int64_t> starts{0};
  for (std::int64_t i = 1; i < count; ++i) {
    const double step = static_cast<double>(size - patch) / static_cast<double>(count - 1);
    starts.push_back(static_cast<std::int64_t>(std::nearbyint(step * static_cast<double>(i))));
  }
  return starts;
}

std::vector<float> tile_weights(const Shape3& patch) {
  const auto z = axis_weights(patch[0]);
  const auto y = axis_weights(patch[1]);
  const auto x = axis_weights(patch[2]);
  std::vector<float> weights;
  weights.reserve(voxel_count(patch));
  for (std::int64_t i = 0; i < patch[0]; ++i) {
    for (std::int64_t j = 0; j < patch[1]; ++j) {
      for (std::int64_t k = 0; k < patch[2]; ++k) weights.push_back(static_cast<float>(10.0 * z[i] * y[j] * x[k]));
    }
  }
  return weights;
}

Shape3 SlidingWindow::padded_shape() const {
  return {std::max(shape[0], patch[0]), std::max(shape[1], patch[1]), std::max(shape[2], patch[2])};
}

Shape3 SlidingWindow::padding_before() const {
  const Shape3 padded = padded_shape();
  return {(padded[0] - shape[0]) / 2, (padded[1] - shape[1]) / 2, (padded[2] - shape[2]) / 2};
}

std::vector<Shape3> SlidingWindow::tiles(std::span<const std::uint8_t> needed) const {
  const Shape3 padded = padded_shape();
  std::vector<Shape3> result;
  for (const std::int64_t z : tile_starts(padded[0], patch[0], step_size)) {
    for (const std::int64_t y : tile_starts(padded[1], patch[1], step_size)) {
      for (const std::int64_t x : tile_starts(padded[2], patch[2], step_size)) {
        if (contains_any(*this, needed, {z, y, x})) result.push_back({z, y, x});
      }
    }
  }
  return result;
}

void slide(const SlidingWindow& window, std::span<const float> image, std::span<const std::uint8_t> needed,
           std::int64_t batch, const TileFunction& predict, const SliceFunction& finish,
           const std::function<void()>& on_tile) {
  Band band(window);
  const std::vector<Shape3> starts = window.tiles(needed);
  const auto most = std::min(batch, std::ssize(starts));
  const std::int64_t patch_voxels = voxel_count(window.patch);
  const std::int64_t tile_logits = window.classes * patch_voxels;
  std::vector<float> tiles(most * patch_voxels);
  std::vector<float> logits(most * tile_logits);
  for (std::int64_t first = 0; first < std::ssize(starts); first += most) {
    const std::int64_t count = std::min(most, std::ssize(starts) - first);
    for (std::int64_t i = 0; i < count; ++i) {
      cut_tile(window, image, starts[first + i], std::span(tiles).subspan(i * patch_voxels, patch_voxels));
    }
    predict(std::span(tiles).first(count * patch_voxels), std::span(logits).first(count * tile_logits));
    for (std::int64_t i = 0; i < count; ++i) {
      band.finish_until(starts[first + i][0], finish);
      band.accumulate(starts[first + i], std::span(logits).subspan(i * tile_logits, tile_logits));
      on_tile();
    }
  }
  band.finish_until(window.padded_shape()[0], finish);
}

}  // namespace twintrack

#include "twintrack/planning/topology.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kSmallestEdge = 4;  // voxels of the lowest-resolution feature map
constexpr double kSimilar = 2;       // spacings within this factor are treated alike

// Axes to halve next; none when the network is deep enough.
std::vector<int> axes_to_halve(const Spacing3& spacing_mm, const std::array<double, 3>& size) {
  std::vector<int> axes;
  double finest = HUGE_VAL;
  for (int axis = 0; axis < 3; ++axis) {
    if (size[axis] < 2 * kSmallestEdge) continue;
    axes.push_back(axis);
    finest = std::min(finest, spacing_mm[axis]);
  }
  std::erase_if(axes, [&](int axis) { return spacing_mm[axis] / finest >= kSimilar; });
  if (axes.size() == 1 && size[axes[0]] < 3 * kSmallestEdge) axes.clear();
  return axes;
}

double elements(std::int64_t channels, const Shape3& size) {
  return static_cast<double>(channels) * static_cast<double>(voxel_count(size));
}

Shape3 divided(const Shape3& size, const Shape3& stride) {
  return {size[0] / stride[0], size[1] / stride[1], size[2] / stride[2]};
}

// Of one encoder stage; `input` and `channels` are what enters it.
double stage_elements(const Architecture& architecture, std::size_t stage, const Shape3& input, std::int64_t channels) {
  const Shape3 size = divided(input, architecture.strides[stage]);
  const double map = elements(architecture.features[stage], size);
  const int blocks = architecture.encoder_blocks[stage];
  if (architecture.kind == Architecture::Kind::plain_conv_unet) return blocks * map;
  const bool projected = channels != architecture.features[stage] || size != input;
  return (2 * blocks + (projected ? 1 : 0)) * map;
}

}  // namespace

Topology plan_topology(const Spacing3& spacing_mm, const std::array<double, 3>& size, int maximal_stages) {
  Topology result{{{1, 1, 1}}, {}, {1, 1, 1}};
  Spacing3 spacing = spacing_mm;
  std::array<double, 3> extent = size;
  Shape3 kernel{1, 1, 1};
  while (result.stages() < maximal_stages) {
    const std::vector<int> axes = axes_to_halve(spacing, extent);
    if (axes.empty()) break;
    const double finest = *std::ranges::min_element(spacing);
    for (int axis = 0; axis < 3; ++axis) {
      if (spacing[axis] / finest < kSimilar) kernel[axis] = 3;
    }
    Shape3 stride{1, 1, 1};
    for (const int axis : axes) {
      stride[axis] = 2;
      result.divisor[axis] *= 2;
      spacing[axis] *= 2;
      extent[axis] = std::ceil(extent[axis] / 2);
    }
    result.strides.push_back(stride);
    result.kernels.push_back(kernel);
  }
  result.kernels.push_back({3, 3, 3});
  return result;
}

Shape3 pad_to_multiple(const std::array<double, 3>& size, const Shape3& divisor) {
  Shape3 padded{};
  for (int axis = 0; axis < 3; ++axis) {
    const auto unit = static_cast<double>(divisor[axis]);
    padded[axis] = static_cast<std::int64_t>(std::ceil(size[axis] / unit) * unit);
  }
  return padded;
}

double feature_map_elements(const Architecture& architecture, const Shape3& patch) {
  const bool residual = architecture.kind == Architecture::Kind::residual_encoder_unet;
  double total = residual ? elements(architecture.features[0], patch) : 0;  // the stem
  std::int64_t channels = residual ? architecture.features[0] : architecture.input_channels;
  Shape3 size = patch;
  const std::size_t stages = architecture.features.size();
  for (std::size_t stage = 0; stage < stages; ++stage) {
    total += stage_elements(architecture, stage, size, channels);
    size = divided(size, architecture.strides[stage]);
    channels = architecture.features[stage];
    if (stage + 1 == stages) break;
    const int convolutions = architecture.decoder_convolutions[stages - 2 - stage];
    total += (convolutions + 1) * elements(channels, size);  // one more: the transposed convolution
    if (stage == 0) total += elements(architecture.classes, size);
  }
  return total;
}

}  // namespace twintrack

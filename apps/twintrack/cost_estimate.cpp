#include "cost_estimate.hpp"

#include <algorithm>

#include "twintrack/core/parallel.hpp"
#include "twintrack/nnunet/sliding_window.hpp"
#include "twintrack/resample/resize.hpp"

namespace twintrack::cli {
namespace {

constexpr double kFloat = sizeof(float);
constexpr double kIndex = sizeof(std::int32_t);
// Of a thread, for reading, resampling to the networks' grids and back, and writing; measured on CTs of 10 and 62
// million voxels.
constexpr double kSecondsAVoxel = 0.3e-6;

double count(const Shape3& shape) { return static_cast<double>(voxel_count(shape)); }

// A part of an image on a network's grid.
struct Window {
  double from_voxels = 0;  // on the image's grid
  double to_voxels = 0;    // on the network's
  double band_bytes = 0;   // of logits that tiles may still reach, and of slices on their way to the image
  std::int64_t tiles = 0;
};

Window window_of(const NetworkCost& network, const Shape3& part, const Geometry& geometry, double step_size) {
  const Plans& plans = network.plans;
  const Spacing3 spacing = geometry.spacing_zyx_mm();
  Shape3 from{};
  Spacing3 from_spacing{};
  for (int axis = 0; axis < 3; ++axis) {
    from[axis] = part[plans.transpose_forward[axis]];
    from_spacing[axis] = spacing[plans.transpose_forward[axis]];
  }
  const Shape3 to = resampled_shape(from, from_spacing, plans.spacing_mm);
  const SlidingWindow window{to, plans.patch_size, network.classes, step_size};
  const Shape3 padded = window.padded_shape();
  std::int64_t tiles = 1;
  for (int axis = 0; axis < 3; ++axis)
    tiles *= std::ssize(tile_starts(padded[axis], plans.patch_size[axis], step_size));
  const auto classes = static_cast<double>(network.classes);
  const double ring = (classes + 1) * static_cast<double>(plans.patch_size[0] * padded[1] * padded[2]);
  const double slices = classes * static_cast<double>(3 * to[1] * to[2] + 2 * from[1] * from[2]);
  return {count(from), count(to), kFloat * (ring + slices), tiles};
}

// What preprocess() holds besides the volume: a copy of the part, the result, and one array between them.
double preprocessing_bytes(const Window& window) {
  return kFloat * (window.from_voxels + window.to_voxels + std::max(window.from_voxels, window.to_voxels));
}

// The part of the image where the members will look, if the pancreas is a usual one.
Shape3 region_of_interest(const RunCost& run, const Geometry& geometry) {
  if (!run.localizer) return geometry.shape();
  Shape3 region{};
  for (int axis = 0; axis < 3; ++axis) {
    const int xyz = 2 - axis;
    const double extent_mm = kUsualPancreasMm[xyz] + 2 * run.roi_margin_mm[xyz];
    const auto voxels = static_cast<std::int64_t>(extent_mm / geometry.spacing_mm[xyz]) + 1;
    region[axis] = std::min(voxels, geometry.size[xyz]);
  }
  return region;
}

}  // namespace

// The figures below are what Pipeline and the functions that it calls hold at the same time, in bytes a voxel: a
// float32 volume 4, a mask 1, labels of components 4.
CaseCost pipeline_cost(const RunCost& run, const Geometry& geometry) {
  const double voxels = static_cast<double>(geometry.voxel_count());
  const double ct = kFloat * voxels, map = kFloat * voxels, mask = voxels, components = kIndex * voxels;
  CaseCost cost;
  cost.seconds = kSecondsAVoxel * voxels / thread_count();
  double reading = ct, prepared = 0;
  double peak = 0;
  if (run.localizer) {
    const Window window = window_of(*run.localizer, geometry.shape(), geometry, run.step_size);
    prepared = kFloat * window.to_voxels;
    reading = ct + preprocessing_bytes(window);
    peak = ct + mask + prepared + window.band_bytes;
    cost.tiles += window.tiles;
    cost.seconds += static_cast<double>(window.tiles) * run.localizer->tile.seconds();
  }
  const double finding_region = ct + 3 * mask + components;
  const double writing = ct + (run.keeps_uncalibrated ? 2 : 1) * map + 2 * mask + components;
  peak = std::max({peak, finding_region, writing});
  for (const NetworkCost& member : run.members) {
    const Window window = window_of(member, region_of_interest(run, geometry), geometry, run.step_size);
    const double image = (kFloat + 1) * window.to_voxels;  // and which of its voxels are needed
    peak = std::max({peak, ct + map + mask + preprocessing_bytes(window), ct + map + mask + image + window.band_bytes});
    cost.tiles += window.tiles;
    cost.seconds += static_cast<double>(window.tiles) * member.tile.seconds();
  }
  cost.reading_bytes = static_cast<std::int64_t>(reading);
  cost.peak_bytes = run.resident_bytes + static_cast<std::int64_t>(std::max(peak, reading));
  return cost;
}

CaseCost segmentation_cost(const RunCost& run, const Geometry& geometry, bool keeps_probabilities) {
  const double voxels = static_cast<double>(geometry.voxel_count());
  const NetworkCost& network = run.members.front();
  const Window window = window_of(network, geometry.shape(), geometry, run.step_size);
  const double labels = sizeof(std::uint16_t) * voxels;
  const double kept = keeps_probabilities ? kFloat * static_cast<double>(network.classes) * voxels : 0;
  const double reading = kFloat * voxels + preprocessing_bytes(window);
  const double computing = kFloat * voxels + labels + kept + kFloat * window.to_voxels + window.band_bytes;
  CaseCost cost;
  cost.tiles = window.tiles;
  cost.seconds = static_cast<double>(window.tiles) * network.tile.seconds() + kSecondsAVoxel * voxels / thread_count();
  cost.reading_bytes = static_cast<std::int64_t>(reading);
  cost.peak_bytes = run.resident_bytes + static_cast<std::int64_t>(std::max(reading, computing));
  return cost;
}

}  // namespace twintrack::cli

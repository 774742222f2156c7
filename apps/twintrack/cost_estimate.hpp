// What a case will cost in memory and time, from its size and the networks alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "tile_time.hpp"
#include "twintrack/nnunet/plans.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::cli {

// A network as the estimate sees it.
struct NetworkCost {
  Plans plans;
  std::int64_t classes = 0;
  TileTime tile;
};

// All of a run. Without a localiser the members search the whole image.
struct RunCost {
  std::optional<NetworkCost> localizer;
  std::vector<NetworkCost> members;
  std::array<double, 3> roi_margin_mm{};  // x, y, z
  double step_size = 0.5;
  bool keeps_uncalibrated = false;
  std::int64_t resident_bytes = 0;  // with all networks loaded
};

struct CaseCost {
  std::int64_t tiles = 0;
  double seconds = 0;
  std::int64_t reading_bytes = 0;  // while it is read and prepared
  std::int64_t peak_bytes = 0;     // while it is computed
};

// Extents of a pancreas of usual size, x, y, z: around it and its margin the members are taken to look.
inline constexpr std::array<double, 3> kUsualPancreasMm{150, 80, 100};

// Of the pipeline (`predict`).
CaseCost pipeline_cost(const RunCost& run, const Geometry& geometry);

// Of one network on the whole image, its only member (`segment`); `keeps_probabilities` of every class and voxel.
CaseCost segmentation_cost(const RunCost& run, const Geometry& geometry, bool keeps_probabilities);

}  // namespace twintrack::cli

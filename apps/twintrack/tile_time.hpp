// How long networks take here.
#pragma once

#include "twintrack/nnunet/predictor.hpp"

namespace twintrack::cli {

// What one tile costs: all folds and mirrored runs.
struct TileTime {
  double seconds_a_run = 0;
  int folds = 0;
  int mirrorings = 1;
  int runs() const { return folds * mirrorings; }
  double seconds() const { return seconds_a_run * runs(); }
};

// Of `model` with `options`, the median of runs on an empty patch for about a second. Allocates what prediction would.
TileTime measure_tile_time(const Model& model, const InferenceOptions& options);

}  // namespace twintrack::cli

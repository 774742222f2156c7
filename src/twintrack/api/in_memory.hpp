// Arrays of a caller, checked and as the modules below want them. Internal to this module and to the Python module.
#pragma once

#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/vascular_vessels.hpp"
#include "twintrack/twintrack.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

// A probability map that is used where it lies; copied only when rounding (1e-6) left values outside [0, 1].
class CheckedProbability {
 public:
  // Throws InputError naming `what` and the voxel for NaN and values further outside.
  CheckedProbability(const VolumeView<float>& map, const std::string& what);

  VolumeView<float> view() const { return {geometry_, clamped_.empty() ? voxels_ : std::span<const float>(clamped_)}; }

 private:
  Geometry geometry_;
  std::span<const float> voxels_;
  std::vector<float> clamped_;
};

// Throws InputError naming `what` when the size is not the grid's, or a value is neither 0 nor 1.
BitMask pack_mask(MaskView mask, const Geometry& grid, const std::string& what);

// Throws InputError also for a number of raters that is not 1 to kMaximalRaters.
RaterSet pack_raters(std::span<const MaskView> raters, const Geometry& grid, const std::string& of_what);

// The challenge's vessels. Throws InputError when the size is not the grid's or none of their labels is there.
std::vector<VesselMask> pack_vessels(std::span<const std::uint8_t> labels, const Geometry& grid);

// Sets the number of threads (0: leaves it) until the end of the scope.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(thread_count()) {
    if (threads > 0) set_thread_count(threads);
  }
  ~ThreadScope() { set_thread_count(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

}  // namespace twintrack

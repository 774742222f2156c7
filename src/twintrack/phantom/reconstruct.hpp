// What a scanner makes of attenuation: thickness of slices and the noise that reconstruction leaves.
#pragma once

#include <cstdint>
#include <vector>

#include "twintrack/volume/volume.hpp"

namespace twintrack::phantom {

struct Scanner {
  double noise_hu = 12;         // standard deviation in the middle of the body
  double kernel_mm = 0.65;      // of the Gaussian that the noise is filtered with
  double slice_overlap = 0.12;  // share of each neighbouring slice
};

// HU from `attenuation` (kStepsPerHu steps a HU, x fastest): overlapping slices, and band-pass noise in the plane (the
// difference of two Gaussians over white noise, as a ramp filter with a soft window leaves it) that is correlated
// between neighbouring slices and weaker towards the skin. Needs 2 bytes a voxel for the result. The same bits for any
// number of threads.
std::vector<std::int16_t> reconstruct(const std::vector<std::int16_t>& attenuation, const Geometry& grid,
                                      const Scanner& scanner, std::uint64_t key);

}  // namespace twintrack::phantom

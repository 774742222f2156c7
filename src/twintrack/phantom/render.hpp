// From a patient to voxels: attenuation without noise, labels, vessels, and the latent field of the tumour.
#pragma once

#include <cstdint>
#include <vector>

#include "twintrack/core/shape.hpp"
#include "twintrack/phantom/anatomy.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::phantom {

// What the raters' model is built on, in a box around the tumour; x fastest. Depths are millimetres inside the
// respective outline (negative outside), and at most the distance to the lumen of the nearest named vessel.
struct LatentField {
  Box3 box;                          // z, y, x voxels
  std::vector<float> core_mm;        // tumour without its extension
  std::vector<float> full_mm;        // with it: positive is what labels.nii.gz calls tumour
  std::vector<float> stranding_mm;   // reaction of the fat beside it
  std::vector<float> background_hu;  // what would be there without the tumour
};

struct Rendering {
  std::vector<std::int16_t> attenuation;  // 8 steps a HU
  std::vector<std::uint8_t> labels;
  std::vector<std::uint8_t> vessels;
  LatentField latent;
};
inline constexpr float kStepsPerHu = 8;

// The patient on the grid, whose origin here is in the patient's own coordinates. Parallel over slices; bit by bit the
// same for any number of threads. Needs 4 bytes a voxel for the result and some 25 bytes a voxel of one slice a thread.
Rendering render(const Anatomy& anatomy, const Geometry& grid, std::uint64_t key);

}  // namespace twintrack::phantom

// From the positions of DICOM slices to the geometry of a volume. Internal to this module.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/volume/dicom_slice.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::volume_io {

// Where a slice lies in the grid of a volume that is resampled.
struct SlicePlace {
  double height_mm = 0;           // above the first slice, along the normal
  std::array<double, 2> shift{};  // of its first pixel from the grid's, in pixels along rows (x) and columns (y)
};

struct Stack {
  std::vector<Slice> slices;  // sorted along their normal, one at each position
  Geometry geometry;          // of the volume
  // Empty where the slices are those of the volume; else one a slice, and the volume is to be resampled.
  std::vector<SlicePlace> places;
};

// Whether two slices at one position have the same pixels.
using SamePixels = std::function<bool(const Slice&, const Slice&)>;

// Slices that lie at equal distances along their normal are a volume as they are; distances may deviate by a tenth
// from their mean, positions by 0.05 mm (some scanners round them), the whole stack may be sheared by a quarter of a
// pixel. Else the stack is resampled, and `warnings` says so:
// - gantry tilt of at most 45 degrees: to an upright grid of the same pixels, as large as all slices together;
// - distances that differ: to the smallest distance, but at least half the median; from the first slice to the last.
// Slices that are there twice with the same pixels are taken once.
// Throws InputError, naming files and positions, for fewer than two slices, different sizes, orientations or pixel
// spacings, slices shifted otherwise, several different slices at one position (phases, time points), and gaps of
// more than 2.5 times the median distance or more than 10 mm: what lies in them is not known.
Stack stack_of(std::vector<Slice> slices, const std::filesystem::path& path, const SamePixels& same_pixels,
               std::vector<std::string>& warnings);

}  // namespace twintrack::volume_io

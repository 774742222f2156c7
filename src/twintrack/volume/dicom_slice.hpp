// Slices as DICOM files hold them. Internal to this module.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "twintrack/volume/dicom_instance.hpp"
#include "twintrack/volume/dicom_pixels.hpp"

namespace twintrack::volume_io {

// What may tell the slices of several time points, phases or reconstructions at one position apart.
inline constexpr DicomAttribute phase_attributes[] = {
    attribute::temporal_position_index, attribute::temporal_position, attribute::stack_id,
    attribute::acquisition_number,      attribute::trigger_time,      attribute::convolution_kernel,
    attribute::acquisition_time,        attribute::content_time};

struct Slice {
  std::filesystem::path file;
  std::size_t frame = 0;                     // from 1; 0: the file has one image
  std::array<double, 3> position_mm{};       // Image Position (Patient): centre of the first pixel, LPS
  std::array<double, 6> orientation{};       // Image Orientation (Patient): direction of rows, then of columns
  std::array<double, 2> pixel_spacing_mm{};  // Pixel Spacing: between rows, between columns
  std::array<std::string, std::size(phase_attributes)> phase;
  PixelLayout pixels;
};

// "IM0001" or "IM0001, frame 7".
std::string name_of(const Slice& slice);

// The slice of a single-frame image, or those of an enhanced multi-frame one in the order of its frames. Throws
// InputError, which names file and attribute, for a position, orientation or spacing that is missing or impossible, and
// for pixels as pixel_layout does.
std::vector<Slice> slices_of(const DicomInstance& image);

// Cross product of rows and columns.
std::array<double, 3> normal_of(const std::array<double, 6>& orientation);

}  // namespace twintrack::volume_io

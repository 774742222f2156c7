#include "twintrack/volume/dicom_slice.hpp"

#include <algorithm>
#include <cmath>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/raw_image.hpp"

namespace twintrack::volume_io {
namespace {

constexpr double smallest_pixel_spacing_mm = 1e-3;
constexpr double largest_pixel_spacing_mm = 1e3;
constexpr double largest_position_mm = 1e6;

void check_orientation(const Slice& slice, const std::string& text) {
  const auto& o = slice.orientation;
  const double row = o[0] * o[0] + o[1] * o[1] + o[2] * o[2];
  const double column = o[3] * o[3] + o[4] * o[4] + o[5] * o[5];
  const double both = o[0] * o[3] + o[1] * o[4] + o[2] * o[5];
  if (std::max({std::abs(row - 1), std::abs(column - 1), std::abs(both)}) > largest_orthonormality_error)
    throw InputError("{}: {} ({}) is not orthonormal, two perpendicular unit vectors are needed", slice.file.string(),
                     attribute::orientation.name, text);
}

void check_place(const Slice& slice) {
  for (const double spacing : slice.pixel_spacing_mm) {
    if (!(spacing >= smallest_pixel_spacing_mm && spacing <= largest_pixel_spacing_mm))
      throw InputError("{}: {} says a spacing of {} mm, expected {} to {} mm", slice.file.string(),
                       attribute::pixel_spacing.name, spacing, smallest_pixel_spacing_mm, largest_pixel_spacing_mm);
  }
  for (const double position : slice.position_mm) {
    if (!(std::abs(position) <= largest_position_mm))
      throw InputError("{}: {} says {} mm, expected at most {} mm", slice.file.string(), attribute::position.name,
                       position, largest_position_mm);
  }
}

Slice slice_of(const DicomInstance& image, const DicomInstance& frame, std::size_t index, std::size_t count) {
  Slice slice;
  slice.file = image.file();
  slice.frame = image.is_enhanced() ? index + 1 : 0;
  std::ranges::copy(frame.numbers(attribute::position, 3), slice.position_mm.begin());
  std::ranges::copy(frame.numbers(attribute::orientation, 6), slice.orientation.begin());
  std::ranges::copy(frame.numbers(attribute::pixel_spacing, 2), slice.pixel_spacing_mm.begin());
  check_orientation(slice, frame.text(attribute::orientation));
  check_place(slice);
  for (std::size_t i = 0; i < std::size(phase_attributes); ++i) {
    slice.phase[i] = phase_attributes[i].tag == attribute::temporal_position_index.tag
                         ? frame.unsigned_long_text(phase_attributes[i])
                         : frame.text(phase_attributes[i]);
  }
  slice.pixels = pixel_layout(image, frame, index, count);
  return slice;
}

}  // namespace

std::string name_of(const Slice& slice) {
  const std::string file = slice.file.filename().string();
  return slice.frame == 0 ? file : fmt::format("{}, frame {}", file, slice.frame);
}

std::vector<Slice> slices_of(const DicomInstance& image) {
  const auto count = static_cast<std::size_t>(image.frame_count());
  const std::size_t described = image.header().per_frame.size();
  if (!image.is_enhanced()) {
    if (count > 1)
      throw InputError(
          "{}: a multi-frame image ({} frames) without Per-Frame Functional Groups, which say where the "
          "frames lie",
          image.file().string(), count);
    return {slice_of(image, image, 0, 1)};
  }
  if (described != count)
    throw InputError("{}: {} is {}, but its Per-Frame Functional Groups describe {}", image.file().string(),
                     attribute::frames.name, count, described);
  std::vector<Slice> slices;
  for (std::size_t i = 0; i < count; ++i) slices.push_back(slice_of(image, image.frame(i), i, count));
  if (image.header().deflated_offset != 0) {
    const auto inflated = inflated_pixels(image);
    for (Slice& slice : slices) {
      slice.pixels.inflated = inflated;
      slice.pixels.offset -= image.header().pixel_offset;
    }
  }
  return slices;
}

std::array<double, 3> normal_of(const std::array<double, 6>& o) {
  const std::array<double, 3> cross = {o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]};
  const double length = std::sqrt(cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]);
  return {cross[0] / length + 0.0, cross[1] / length + 0.0, cross[2] / length + 0.0};
}

}  // namespace twintrack::volume_io

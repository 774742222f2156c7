#include "twintrack/volume/dicom_stack.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <tuple>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/dicom_duplicates.hpp"
#include "twintrack/volume/vector3.hpp"

namespace twintrack::volume_io {
namespace {

namespace fs = std::filesystem;

constexpr double same_cosine = 1e-3;
constexpr double same_pixel_spacing_mm = 1e-4;
// Of the slice distance: what rounded positions may deviate from equal distances.
constexpr double tolerated_deviation = 0.1;
// Some scanners write positions to a tenth of a millimetre.
constexpr double position_rounding_mm = 0.051;
// Of the pixel spacing: what the whole stack may be sheared.
constexpr double tolerated_shear = 0.25;
constexpr double largest_tilt_degrees = 45;
constexpr double largest_gap_in_medians = 2.5;
constexpr double largest_gap_mm = 10;
constexpr std::size_t most_gaps_named = 3;
constexpr std::size_t most_values_named = 5;

void check_alike(const std::vector<Slice>& slices, const fs::path& path) {
  const Slice& first = slices.front();
  for (const Slice& slice : slices) {
    if (slice.pixels.rows != first.pixels.rows || slice.pixels.columns != first.pixels.columns)
      throw InputError("{}: mixed sizes, {} x {} pixels in {} and {} x {} in {}", path.string(), first.pixels.columns,
                       first.pixels.rows, name_of(first), slice.pixels.columns, slice.pixels.rows, name_of(slice));
    for (std::size_t i = 0; i < 6; ++i) {
      if (std::abs(slice.orientation[i] - first.orientation[i]) > same_cosine)
        throw InputError("{}: mixed orientations, {} and {} are not parallel", path.string(), name_of(first),
                         name_of(slice));
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (std::abs(slice.pixel_spacing_mm[i] - first.pixel_spacing_mm[i]) > same_pixel_spacing_mm)
        throw InputError("{}: mixed spacing, pixels of {} mm in {} and of {} mm in {}", path.string(),
                         first.pixel_spacing_mm[i], name_of(first), slice.pixel_spacing_mm[i], name_of(slice));
    }
  }
}

// Frames of an enhanced image say which stack and time they belong to.
void check_one_stack(const std::vector<Slice>& slices, const fs::path& path) {
  for (std::size_t i = 0; i < std::size(phase_attributes); ++i) {
    const DicomTag tag = phase_attributes[i].tag;
    if (tag != attribute::stack_id.tag && tag != attribute::temporal_position_index.tag) continue;
    std::map<std::string, std::size_t> counts;
    for (const Slice& slice : slices) ++counts[slice.phase[i].substr(0, 32)];
    if (counts.size() == 1) continue;
    std::vector<std::string> values;
    for (const auto& [value, count] : counts) values.push_back(fmt::format("'{}' ({} frames)", value, count));
    values.resize(std::min(values.size(), most_values_named));
    throw InputError("{}: frames of several stacks or time points, {}: {}; one is needed", path.string(),
                     phase_attributes[i].name, fmt::join(values, ", "));
  }
}

// Positions relative to the first slice, in its axes: along rows, along columns, along the normal; mm.
std::vector<Vector3> places_mm(const std::vector<Slice>& slices) {
  const Slice& first = slices.front();
  const auto& o = first.orientation;
  const Vector3 normal = normal_of(o);
  std::vector<Vector3> places;
  for (const Slice& slice : slices) {
    const Vector3 step = slice.position_mm - first.position_mm;
    places.push_back({dot(step, {o[0], o[1], o[2]}), dot(step, {o[3], o[4], o[5]}), dot(step, normal)});
  }
  return places;
}

// The angle in degrees that the stack leans by; 0 within the tolerance.
double tilt_of(const std::vector<Slice>& slices, const std::vector<Vector3>& places, const fs::path& path) {
  const double tolerated =
      tolerated_shear * std::min(slices.front().pixel_spacing_mm[0], slices.front().pixel_spacing_mm[1]);
  const auto aside = [](const Vector3& place) { return std::hypot(place[0], place[1]); };
  if (std::ranges::all_of(places, [&](const Vector3& place) { return aside(place) <= tolerated; })) return 0;
  const Vector3& last = places.back();
  const double angle = std::atan2(aside(last), last[2]) * 180 / std::numbers::pi;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    const double part = places[i][2] / last[2];
    const double away = std::hypot(places[i][0] - part * last[0], places[i][1] - part * last[1]);
    if (away > std::max(tolerated, position_rounding_mm * std::numbers::sqrt2))
      throw InputError("{}: shifted slices: {} lies {:.2f} mm aside of where {} and {} would have it", path.string(),
                       name_of(slices[i]), away, name_of(slices.front()), name_of(slices.back()));
  }
  if (angle > largest_tilt_degrees)
    throw InputError("{}: gantry tilt of {:.1f} degrees between {} and {}, at most {} are possible", path.string(),
                     angle, name_of(slices.front()), name_of(slices.back()), largest_tilt_degrees);
  return angle;
}

std::vector<double> distances_of(const std::vector<Vector3>& places) {
  std::vector<double> distances;
  for (std::size_t i = 1; i < places.size(); ++i) distances.push_back(places[i][2] - places[i - 1][2]);
  return distances;
}

// Lower median: with few slices, the smaller distance is the right one and the larger a gap.
double median_of(std::vector<double> distances) {
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>((distances.size() - 1) / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return *middle;
}

// To 1e-9 mm: what decimal positions lose in binary arithmetic is not meant.
double as_decimal(double distance_mm) { return std::round(distance_mm * 1e9) / 1e9; }

bool equally_spaced(const std::vector<Vector3>& places, double mean) {
  const double tolerated = std::max(tolerated_deviation * mean, position_rounding_mm);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (std::abs(places[i][2] - static_cast<double>(i) * mean) > tolerated) return false;
  }
  return true;
}

std::string span_of(const Slice& below, const Slice& above, const Vector3& normal) {
  return fmt::format("{:.3f} mm ({}) to {:.3f} mm ({})", dot(below.position_mm, normal), name_of(below),
                     dot(above.position_mm, normal), name_of(above));
}

void check_gaps(const std::vector<Slice>& slices, const std::vector<double>& distances, const fs::path& path) {
  const double median = median_of(distances);
  const double allowed = std::min(largest_gap_in_medians * median, largest_gap_mm);
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (distances[i] > allowed)
      throw InputError(
          "{}: slices are missing: a gap of {:.3f} mm from {}, where slices are {:.3f} mm apart; at most {:.3f} mm are "
          "interpolated",
          path.string(), distances[i], span_of(slices[i], slices[i + 1], normal_of(slices.front().orientation)), median,
          allowed);
  }
}

std::string warning_of_gaps(const std::vector<Slice>& slices, const std::vector<double>& distances, double spacing) {
  const Vector3 normal = normal_of(slices.front().orientation);
  std::vector<std::string> named;
  std::size_t count = 0;
  for (std::size_t i = 0; i < distances.size(); ++i) {
    if (distances[i] <= spacing * (1 + tolerated_deviation)) continue;
    if (++count <= most_gaps_named) named.push_back(span_of(slices[i], slices[i + 1], normal));
  }
  if (count > most_gaps_named) named.push_back(fmt::format("{} more", count - most_gaps_named));
  const auto [smallest, largest] = std::ranges::minmax(distances);
  return fmt::format(
      "mixed slice spacing, {:.3f} to {:.3f} mm: resampled linearly to {:.3f} mm; slices are wider apart, and what is "
      "between them is interpolated, from {}",
      smallest, largest, spacing, fmt::join(named, ", from "));
}

// Where the grid begins and how many pixels it has, so that it holds all slices; whole pixels from the first slice's.
struct Extent {
  std::int64_t begin = 0;
  std::int64_t size = 0;
};

Extent extent_of(const std::vector<Vector3>& places, std::size_t axis, double spacing_mm, std::int64_t size) {
  double lowest = 0;
  double highest = 0;
  for (const Vector3& place : places) {
    lowest = std::min(lowest, place[axis] / spacing_mm);
    highest = std::max(highest, place[axis] / spacing_mm);
  }
  constexpr double rounding = 1e-6;
  const auto begin = static_cast<std::int64_t>(std::floor(lowest + rounding));
  const auto end = static_cast<std::int64_t>(std::ceil(highest - rounding)) + size;
  return {begin, end - begin};
}

Geometry upright_geometry(const Slice& first, std::int64_t count, double distance_mm) {
  Geometry geometry;
  geometry.size = {first.pixels.columns, first.pixels.rows, count};
  geometry.spacing_mm = {first.pixel_spacing_mm[1], first.pixel_spacing_mm[0], distance_mm};
  const Vector3 normal = normal_of(first.orientation);
  for (std::size_t row = 0; row < 3; ++row) {
    geometry.origin_mm[row] = first.position_mm[row] + 0.0;
    geometry.direction[row * 3] = first.orientation[row] + 0.0;
    geometry.direction[row * 3 + 1] = first.orientation[3 + row] + 0.0;
    geometry.direction[row * 3 + 2] = normal[row];
  }
  return geometry;
}

// Widens the grid to all slices, and says where each lies in it.
void place_slices(Stack& stack, const std::vector<Vector3>& places, bool tilted) {
  Geometry& g = stack.geometry;
  std::array<Extent, 2> extents{};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    extents[axis] = tilted ? extent_of(places, axis, g.spacing_mm[axis], g.size[axis]) : Extent{0, g.size[axis]};
    g.size[axis] = extents[axis].size;
    for (std::size_t row = 0; row < 3; ++row)
      g.origin_mm[row] += g.direction[row * 3 + axis] * static_cast<double>(extents[axis].begin) * g.spacing_mm[axis];
  }
  for (const Vector3& place : places) {
    SlicePlace& placed = stack.places.emplace_back(SlicePlace{place[2], {}});
    for (std::size_t axis = 0; axis < 2; ++axis)
      placed.shift[axis] = (tilted ? place[axis] / g.spacing_mm[axis] : 0) - static_cast<double>(extents[axis].begin);
  }
}

}  // namespace

Stack stack_of(std::vector<Slice> slices, const fs::path& path, const SamePixels& same_pixels,
               std::vector<std::string>& warnings) {
  if (slices.size() < 2)
    throw InputError("{}: the series has {} slice, a volume needs at least 2", path.string(), slices.size());
  check_alike(slices, path);
  check_one_stack(slices, path);
  const Vector3 normal = normal_of(slices.front().orientation);
  std::ranges::sort(slices, [&](const Slice& a, const Slice& b) {
    const double first = dot(a.position_mm, normal);
    const double second = dot(b.position_mm, normal);
    return std::tie(first, a.file, a.frame) < std::tie(second, b.file, b.frame);
  });
  slices = without_duplicates(std::move(slices), path, same_pixels, warnings);

  const std::vector<Vector3> places = places_mm(slices);
  const double tilt_degrees = tilt_of(slices, places, path);
  double distance = as_decimal(places.back()[2] / static_cast<double>(slices.size() - 1));
  auto count = static_cast<std::int64_t>(slices.size());
  const bool equal = equally_spaced(places, distance);
  if (tilt_degrees != 0)
    warnings.push_back(
        fmt::format("gantry tilt of {:.1f} degrees: resampled linearly to an upright stack, {:g} HU "
                    "outside the slices",
                    tilt_degrees, air_hu));
  if (!equal) {
    const std::vector<double> distances = distances_of(places);
    check_gaps(slices, distances, path);
    distance = as_decimal(std::max(std::ranges::min(distances), median_of(distances) / 2));
    count = static_cast<std::int64_t>(std::floor(places.back()[2] / distance + 1e-6)) + 1;
    warnings.push_back(warning_of_gaps(slices, distances, distance));
  }
  Stack stack{std::move(slices), {}, {}};
  stack.geometry = upright_geometry(stack.slices.front(), count, distance);
  if (!equal || tilt_degrees != 0) place_slices(stack, places, tilt_degrees != 0);
  return stack;
}

}  // namespace twintrack::volume_io

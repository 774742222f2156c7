#include "twintrack/evaluation/vascular_challenge.hpp"

#include "twintrack/resample/morphology.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>
#include <numeric>

namespace twintrack {
namespace {

constexpr double kFullCircle = 360;
constexpr int kPoints = 1000;
constexpr double kAddedDeviation = 1e-6;
constexpr double kVanishing = 1e-8;
constexpr std::int64_t kReach = 2;  // voxels between an edge voxel and the nearest tumour that may count for it

// The two maps of a region in one plane.
class Plane {
 public:
  Plane(const VesselRegion& vessel, const TumorMaps& tumor, std::int64_t row, std::int64_t column)
      : vessel_(vessel.voxel.data()), tumor_(tumor.bits.data()), row_(row), column_(column) {}

  bool edge(std::int64_t i) const {
    return vessel_[i] != 0 &&
           (vessel_[i - row_] & vessel_[i + row_] & vessel_[i - column_] & vessel_[i + column_]) == 0;
  }

  // Calls add(maps, how often they count) for what touches the edge voxel i.
  template <typename Add>
  void contact(std::int64_t i, const Add& add) const {
    const std::uint8_t inside = dilated(i);
    const auto outside = static_cast<std::uint8_t>(~inside);
    const std::uint8_t next_row = outside & tumor_only(i + row_);
    const std::uint8_t next_column = outside & tumor_only(i + column_);
    for (const std::uint8_t maps : {inside, next_row, next_column, static_cast<std::uint8_t>(next_row | next_column),
                                    static_cast<std::uint8_t>(outside & tumor_only(i + row_ + column_))})
      add(maps);
  }

 private:
  std::uint8_t dilated(std::int64_t i) const {
    return tumor_[i] | tumor_[i - row_] | tumor_[i + row_] | tumor_[i - column_] | tumor_[i + column_];
  }
  std::uint8_t tumor_only(std::int64_t i) const { return edge(i) ? 0 : dilated(i); }

  const std::uint8_t* vessel_;
  const std::uint8_t* tumor_;
  std::int64_t row_;
  std::int64_t column_;
};

// In the region's own indices, the part where edge voxels can be in contact: around the set voxels, within the margin.
Box3 contact_box(const VesselRegion& vessel, const TumorMaps& tumor) {
  Box3 box = bounding_box(std::span<const std::uint8_t>(tumor.bits), vessel.shape());
  if (box.empty()) return {};
  for (int axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::max(box.begin[axis] - kReach, VesselRegion::kMargin);
    box.end[axis] = std::min(box.end[axis] + kReach, vessel.shape()[axis] - VesselRegion::kMargin);
  }
  return box;
}

// Calls visit(index, position) for the vessel's voxels in the box.
template <typename Visit>
void for_each_vessel_voxel(const VesselRegion& vessel, const Box3& box, const Visit& visit) {
  const Shape3 shape = vessel.shape();
  for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
      const std::int64_t row = (z * shape[1] + y) * shape[2];
      for (std::int64_t x = box.begin[2]; x < box.end[2]; ++x) {
        if (vessel.voxel[row + x] != 0) visit(row + x, Shape3{z, y, x});
      }
    }
  }
}

// Of each map, the largest angle over the slices across `axis` (of z, y, x).
std::vector<double> largest_over_slices(const VesselRegion& vessel, const TumorMaps& tumor, const Box3& near,
                                        int axis) {
  const Shape3 strides = vessel.strides();
  const Plane plane(vessel, tumor, strides[axis == 0 ? 1 : 0], strides[axis == 2 ? 1 : 2]);
  Box3 slices{{}, vessel.shape()};  // those that can be in contact, whole
  slices.begin[axis] = near.begin[axis];
  slices.end[axis] = near.end[axis];
  const std::int64_t slice_count = slices.shape()[axis];
  std::vector<std::int64_t> edges(slice_count);
  std::vector<std::int64_t> contact(slice_count * tumor.count);
  for_each_vessel_voxel(vessel, slices, [&](std::int64_t i, const Shape3& at) {
    if (plane.edge(i)) ++edges[at[axis] - slices.begin[axis]];
  });
  for_each_vessel_voxel(vessel, near, [&](std::int64_t i, const Shape3& at) {
    if (!plane.edge(i)) return;
    std::int64_t* const counts = contact.data() + (at[axis] - slices.begin[axis]) * tumor.count;
    plane.contact(i, [&](unsigned maps) {
      for (; maps != 0; maps &= maps - 1) ++counts[std::countr_zero(maps)];
    });
  });
  std::vector<double> largest(tumor.count, 0.0);
  for (std::int64_t s = 0; s < slice_count; ++s) {
    for (int k = 0; k < tumor.count && edges[s] > 0; ++k) {
      const auto count = static_cast<double>(contact[s * tumor.count + k]);
      largest[k] = std::max(largest[k], count / static_cast<double>(edges[s]) * kFullCircle);
    }
  }
  return largest;
}

double point(int i) { return i * (kFullCircle / (kPoints - 1)); }

// The density at the points. Sums over them, as the challenge takes them, leave out the distance between points.
using Density = std::vector<double>;

Density tabulate(const MeanAndSd& normal) {
  const double sd = normal.sd + kAddedDeviation;
  Density density(kPoints);
  for (int i = 0; i < kPoints; ++i) {
    const double z = (point(i) - normal.mean) / sd;
    density[i] = std::exp(-z * z / 2) / (std::sqrt(2 * std::numbers::pi) * sd);
  }
  return density;
}

double sum(const Density& density) { return std::accumulate(density.begin(), density.end(), 0.0); }

bool vanishes(const Density& density) {
  return std::ranges::all_of(density, [](double value) { return value <= kVanishing; });
}

double sum_of_points(const Density& density) {
  double total = 0;
  for (int i = 0; i < kPoints; ++i) total += point(i) * density[i];
  return total;
}

// The distance from a density that vanishes to one that does not. `mean`: of the latter, as the challenge reckons it.
double distance_from_nothing(const Density& density, double mean) {
  double squares = 0;
  for (int i = 0; i < kPoints; ++i) squares += density[i] * (point(i) - mean) * (point(i) - mean);
  return std::sqrt(squares / sum(density)) <= kVanishing ? std::abs(mean) : kFullCircle;
}

}  // namespace

std::vector<PlaneDegrees> challenge_contact_degrees(const VesselRegion& vessel, const TumorMaps& tumor) {
  std::vector<PlaneDegrees> degrees(tumor.count, PlaneDegrees{});
  if (vessel.box.empty()) return degrees;
  const Box3 near = contact_box(vessel, tumor);
  if (near.empty()) return degrees;
  for (int plane = 0; plane < 3; ++plane) {
    const std::vector<double> of_maps = largest_over_slices(vessel, tumor, near, 2 - plane);
    for (int k = 0; k < tumor.count; ++k) degrees[k][plane] = of_maps[k];
  }
  return degrees;
}

double challenge_distance_degrees(const MeanAndSd& raters, const MeanAndSd& prediction) {
  const Density p = tabulate(raters);
  const Density q = tabulate(prediction);
  const bool nothing_in_p = vanishes(p);
  const bool nothing_in_q = vanishes(q);
  if (nothing_in_p && nothing_in_q) return 0;
  // The challenge divides the raters' mean by the density's sum, the prediction's it does not.
  if (nothing_in_p) return distance_from_nothing(q, sum_of_points(q));
  if (nothing_in_q) return distance_from_nothing(p, sum_of_points(p) / sum(p));
  const double all_p = sum(p);
  const double all_q = sum(q);
  double below_p = 0;
  double below_q = 0;
  double distance = 0;
  for (int i = 0; i + 1 < kPoints; ++i) {
    below_p += p[i] / all_p;
    below_q += q[i] / all_q;
    distance += std::abs(below_p - below_q) * (point(i + 1) - point(i));
  }
  return distance;
}

}  // namespace twintrack

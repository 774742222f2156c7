#include "synthetic_ct.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "hash_random.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack::demo {
namespace {

// Millimetres from the middle of the image: x to the patient's left, y to the back, z to the head.
struct Point {
  float x, y, z;
};

constexpr float squared(float value) { return value * value; }

// Below 1 inside.
constexpr float ellipsoid(const Point& p, const Point& centre, const Point& half_axes) {
  return squared((p.x - centre.x) / half_axes.x) + squared((p.y - centre.y) / half_axes.y) +
         squared((p.z - centre.z) / half_axes.z);
}

constexpr float kEndless = 1e6F;
constexpr float tube(const Point& p, float x, float y, float half_x, float half_y) {
  return ellipsoid(p, {x, y, 0}, {half_x, half_y, kEndless});
}

// The pancreas is what lies around an arc from the head (t = -1) to the tail (t = 1).
constexpr Point arc(float t) { return {22 + 62 * t, -14 + 30 * t * t, 16 * t}; }
constexpr Point kLesion = arc(-0.2F);

struct ArcDistance {
  float millimetres;
  float t;
};

ArcDistance distance_to_arc(const Point& p) {
  constexpr int steps = 64;
  ArcDistance nearest{kEndless, 0};
  for (int i = 0; i <= steps; ++i) {
    const float t = 2.0F * static_cast<float>(i) / steps - 1.0F;
    const float square = ellipsoid(p, arc(t), {1, 1, 1});
    if (square < nearest.millimetres) nearest = {square, t};
  }
  return {std::sqrt(nearest.millimetres), nearest.t};
}

// Later structures cover earlier ones.
void paint_wall_and_spine(const Point& p, float& hu) {
  if (tube(p, 0, 0, 148, 114) < 1) hu = -105;
  if (tube(p, 0, 4, 134, 100) < 1) hu = 55;
  if (tube(p, 0, -4, 122, 84) < 1) hu = -100;
  for (const float side : {-1.0F, 1.0F}) {
    if (tube(p, side * 36, 76, 30, 20) < 1) hu = 60;
    if (tube(p, side * 42, 44, 15, 19) < 1) hu = 62;
    for (const Point& rib : {Point{128, 0, 0}, Point{119, -40, 0}, Point{112, 46, 0}, Point{78, 82, 0}}) {
      const float slant = 0.25F * p.z;
      if (tube(p, side * rib.x, rib.y + slant, 5, 9) < 1) hu = 380;
    }
  }
  const float level = p.z / 36.0F - std::floor(p.z / 36.0F);
  const float vertebra = tube(p, 0, 58, 23, 19);
  if (vertebra < 1) hu = level < 0.2F ? 110.0F : vertebra > 0.8F ? 420.0F : 210.0F;
  if (tube(p, 0, 86, 17, 12) < 1) hu = 380;
  if (tube(p, 0, 85, 10, 8) < 1) hu = 30;
}

void paint_organs(const Point& p, float& hu) {
  if (ellipsoid(p, {-68, -8, 48}, {52, 66, 76}) < 1) hu = 112;
  if (ellipsoid(p, {-20, -45, 55}, {60, 32, 40}) < 1) hu = 112;
  if (ellipsoid(p, {-48, -48, -14}, {15, 20, 26}) < 1) hu = 12;
  if (ellipsoid(p, {98, 28, 48}, {22, 40, 48}) < 1) hu = 128;
  if (ellipsoid(p, {62, -42, 40}, {40, 30, 48}) < 1) hu = p.y < -56 ? -900.0F : 35.0F;
  for (const float side : {-1.0F, 1.0F}) {
    const float kidney = ellipsoid(p, {side * 74, 40, side * 6 - 22}, {27, 24, 52});
    if (kidney < 1) hu = kidney < 0.12F ? 40.0F : 175.0F;
  }
  for (const Point& loop : {Point{-70, -30, -60}, Point{-36, -52, -72}, Point{4, -56, -58}, Point{44, -54, -64},
                            Point{78, -32, -52}, Point{30, -24, -74}, Point{-22, -22, -80}}) {
    const float bowel = ellipsoid(p, loop, {23, 19, 34});
    if (bowel < 1) hu = bowel > 0.62F ? 85.0F : 20.0F;
  }
}

void paint_pancreas(const Point& p, float& hu) {
  const auto [distance, t] = distance_to_arc(p);
  if (distance < 13.5F - 3.5F * t) hu = 118;
  if (t > -0.2F && distance < 3.2F) hu = 12;
  if (ellipsoid(p, kLesion, {17, 15, 17}) < 1) hu = 52;
}

void paint_vessels(const Point& p, float& hu) {
  if (tube(p, 13, 27, 11, 11) < 1) hu = 190;
  if (tube(p, -20, 26, 14, 10) < 1) hu = 150;
  if (p.z < 20 && tube(p, 17, 9, 4.5F, 4.5F) < 1) hu = 185;
  if (p.z < 12 && tube(p, -6, 6, 7, 7) < 1) hu = 172;
}

float tissue_hu(const Point& p) {
  float hu = -1000;
  paint_wall_and_spine(p, hu);
  paint_organs(p, hu);
  paint_pancreas(p, hu);
  paint_vessels(p, hu);
  return hu;
}

// The weights 1, 2, 1 along one axis: the scanner's blur, roughly.
std::vector<float> blurred(const std::vector<float>& values, std::int64_t size, std::int64_t step) {
  std::vector<float> result(values.size());
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(values.size()); ++i) {
    const std::int64_t place = i / step % size;
    const float before = values[place > 0 ? i - step : i];
    const float after = values[place + 1 < size ? i + step : i];
    result[i] = 0.25F * (before + 2.0F * values[i] + after);
  }
  return result;
}

}  // namespace

Volume<float> synthetic_ct(const std::array<std::int64_t, 3>& size, const std::array<double, 3>& spacing_mm) {
  constexpr std::uint64_t grain_seed = 11;
  constexpr std::uint64_t noise_seed = 12;
  Volume<float> ct{{size, spacing_mm}, {}};
  for (int axis = 0; axis < 3; ++axis) {
    ct.geometry.origin_mm[axis] = -0.5 * spacing_mm[axis] * static_cast<double>(size[axis] - 1);
  }
  ct.voxels.resize(ct.geometry.voxel_count());
  parallel_for(size[2], [&](std::int64_t z) {
    for (std::int64_t y = 0; y < size[1]; ++y) {
      for (std::int64_t x = 0; x < size[0]; ++x) {
        const auto position = [&](std::int64_t index, int axis) {
          return static_cast<float>(ct.geometry.origin_mm[axis] +
                                    ct.geometry.spacing_mm[axis] * static_cast<double>(index));
        };
        const std::int64_t i = (z * size[1] + y) * size[0] + x;
        ct.voxels[i] = tissue_hu({position(x, 0), position(y, 1), position(z, 2)}) + 38.0F * normal(grain_seed, i);
      }
    }
  });
  ct.voxels = blurred(ct.voxels, size[0], 1);
  ct.voxels = blurred(ct.voxels, size[1], size[0]);
  ct.voxels = blurred(ct.voxels, size[2], size[0] * size[1]);
  for (std::size_t i = 0; i < ct.voxels.size(); ++i) {
    ct.voxels[i] = std::max(-1024.0F, std::nearbyint(ct.voxels[i] + 4.0F * normal(noise_seed, i)));
  }
  return ct;
}

}  // namespace twintrack::demo

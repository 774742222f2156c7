// A case in memory, and its voxels one by one for reference computations.
#pragma once

#include "twintrack/calibration/statistics.hpp"

#include <map>
#include <random>

namespace twintrack::test {

struct MemoryCase {
  std::vector<float> probability;
  RaterSet raters;
  BitMask region;

  CalibrationCase as(const std::string& name) const { return {name, "", probability, raters, region}; }
  int marks(std::int64_t voxel) const {
    int marks = 0;
    for (const BitMask& mask : raters.masks) marks += mask[voxel] ? 1 : 0;
    return marks;
  }
};

enum class Region { whole, half, sparse };

// Probabilities on 1/64 (with 0, -0 and 1 among them) and free ones; raters mark a part of the voxels only, so that
// whole words are unmarked.
inline MemoryCase random_case(const Shape3& shape, int raters, Region region, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&] { return static_cast<float>(random() >> 8) * 0x1p-24F; };
  MemoryCase made;
  Geometry geometry;
  geometry.size = {shape[2], shape[1], shape[0]};
  made.raters = {geometry, std::vector<BitMask>(raters, BitMask(shape))};
  made.region = BitMask(shape);
  for (std::int64_t i = 0; i < voxel_count(shape); ++i) {
    const float u = uniform();
    float p = random() % 2 == 0 ? std::floor(u * 65) / 64 : u * u * u;
    if (p == 0 && random() % 2 == 0) p = -0.0F;
    made.probability.push_back(std::min(p, 1.0F));
    const bool marked = i / 128 % 2 == 0;
    for (BitMask& mask : made.raters.masks) {
      if (marked && uniform() < 0.1F + 0.8F * p) mask.set(i);
    }
    const bool inside = region == Region::whole || (region == Region::half && i > voxel_count(shape) / 3) ||
                        (region == Region::sparse && random() % 5 == 0);
    if (inside) made.region.set(i);
  }
  made.region.set(voxel_count(shape) - 1);
  return made;
}

}  // namespace twintrack::test

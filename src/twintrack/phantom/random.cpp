#include "twintrack/phantom/random.hpp"

#include <cmath>

#include "twintrack/core/portable_math.hpp"

namespace twintrack::phantom {
namespace {

struct Cell {
  int low;
  int high;
  float share;  // of the higher one
};

Cell cell_of(float x, int period) {
  const float below = std::floor(x);
  const float t = x - below;
  const int low = static_cast<int>(below) & (period - 1);
  return {low, (low + 1) & (period - 1), t * t * (3 - 2 * t)};
}

}  // namespace

SmoothNoise::SmoothNoise(std::uint64_t key) : values_(kPeriod * kPeriod * kPeriod) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i] = static_cast<float>(2 * to_unit(combine_bits(key, i)) - 1);
  }
}

float SmoothNoise::operator()(float x, float y, float z) const {
  const Cell cx = cell_of(x, kPeriod);
  const Cell cy = cell_of(y, kPeriod);
  const Cell cz = cell_of(z, kPeriod);
  const auto along_x = [&](int iy, int iz) {
    const float* const row = values_.data() + (iz * kPeriod + iy) * kPeriod;
    return row[cx.low] + cx.share * (row[cx.high] - row[cx.low]);
  };
  const auto along_y = [&](int iz) {
    const float low = along_x(cy.low, iz);
    return low + cy.share * (along_x(cy.high, iz) - low);
  };
  const float low = along_y(cz.low);
  return low + cz.share * (along_y(cz.high) - low);
}

GaussianField::GaussianField(std::uint64_t key, const Shape3& shape, const Spacing3& step_voxels) {
  for (int axis = 0; axis < 3; ++axis) {
    for (std::int64_t i = 0; i < shape[axis]; ++i) {
      const double place = static_cast<double>(i) / step_voxels[axis];
      const double nearest = std::floor(place + 0.5);
      const double t = place - nearest;  // in [-1/2, 1/2)
      const double weights[3] = {(0.5 - t) * (0.5 - t) / 2, 0.75 - t * t, (0.5 + t) * (0.5 + t) / 2};
      const double norm = std::sqrt(weights[0] * weights[0] + weights[1] * weights[1] + weights[2] * weights[2]);
      Weights w{static_cast<std::int64_t>(nearest), {}};
      for (int n = 0; n < 3; ++n) w.weight[n] = static_cast<float>(weights[n] / norm);
      weights_[axis].push_back(w);
    }
    lattice_[axis] = (weights_[axis].empty() ? 0 : weights_[axis].back().first) + 3;
  }
  values_.resize(static_cast<std::size_t>(voxel_count(lattice_)));
  for (std::size_t i = 0; i < values_.size(); ++i) {
    values_[i] = static_cast<float>(normal_quantile(to_unit(combine_bits(key, i))));
  }
}

void GaussianField::row(std::int64_t z, std::int64_t y, float* values) const {
  const Weights& wz = weights_[0][z];
  const Weights& wy = weights_[1][y];
  std::vector<float> line(static_cast<std::size_t>(lattice_[2]));
  for (int iz = 0; iz < 3; ++iz) {
    for (int iy = 0; iy < 3; ++iy) {
      const float weight = wz.weight[iz] * wy.weight[iy];
      const float* const source = values_.data() + ((wz.first + iz) * lattice_[1] + wy.first + iy) * lattice_[2];
      for (std::int64_t x = 0; x < lattice_[2]; ++x) line[x] += weight * source[x];
    }
  }
  for (std::size_t x = 0; x < weights_[2].size(); ++x) {
    const Weights& wx = weights_[2][x];
    const float* const from = line.data() + wx.first;
    values[x] = wx.weight[0] * from[0] + wx.weight[1] * from[1] + wx.weight[2] * from[2];
  }
}

}  // namespace twintrack::phantom

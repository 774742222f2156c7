#include "twintrack/phantom/render.hpp"

#include <algorithm>
#include <cmath>

#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack::phantom {
namespace {

constexpr float kAir_hu = -1000;
constexpr float kLung_hu = -850;
constexpr float kGas_hu = -960;
constexpr float kRaterMargin_mm = 28;  // around the tumour and its surroundings: raters mark nothing further away

float mixed(float a, float b, float share) { return a + share * (b - a); }
// How much of a voxel lies inside, at this distance from the surface.
float share_inside(float distance, float width) { return std::clamp(0.5F - distance / width, 0.0F, 1.0F); }

class SlicePainter {
 public:
  SlicePainter(const Anatomy& anatomy, const SmoothNoise& noise, const SliceGrid& slice, float edge_mm,
               float thinnest_mm)
      : anatomy_(anatomy),
        noise_(noise),
        slice_(slice),
        edge_mm_(edge_mm),
        thinnest_mm_(thinnest_mm),
        pixels_(static_cast<std::size_t>(slice.size_x) * slice.size_y),
        hu_(pixels_, kAir_hu),
        beyond_abdomen_mm_(pixels_, kFar_mm),
        vessel_mm_(pixels_, kFar_mm) {}

  void paint(std::uint8_t* labels, std::uint8_t* vessels, LatentField& latent, std::int64_t z) {
    labels_ = labels;
    vessels_ = vessels;
    paint_trunk();
    for (const Organ& organ : anatomy_.organs) paint(organ, false);
    for (const Organ& organ : anatomy_.vessels) paint(organ, true);
    if (z >= latent.box.begin[0] && z < latent.box.end[0]) paint_tumor(latent, z);
  }

  const std::vector<float>& hu() const { return hu_; }

 private:
  std::size_t pixel(int x, int y) const { return static_cast<std::size_t>(y) * slice_.size_x + x; }

  float noise_at(int x, int y, float scale_mm, float offset) const {
    return noise_(slice_.x_mm(x) / scale_mm + offset, slice_.y_mm(y) / scale_mm, slice_.origin.z / scale_mm);
  }

  // Height of the diaphragm: distance beyond the domes, negative below them.
  void lower_to_domes(std::vector<float>& distance) const {
    Solid domes = {{{{anatomy_.trunk.domes[0]}, 0}, {{anatomy_.trunk.domes[1]}, 45}}, 0, 10, {}};
    DistanceMap map;
    std::vector<float> scratch;
    evaluate(domes, slice_, noise_, map, scratch);
    std::fill(distance.begin(), distance.end(), kFar_mm);
    for (int y = map.box.begin_y; y < map.box.end_y; ++y)
      for (int x = map.box.begin_x; x < map.box.end_x; ++x) distance[pixel(x, y)] = map.at(x, y);
  }

  void paint_trunk() {
    const Trunk& trunk = anatomy_.trunk;
    const bool has_lungs = slice_.origin.z > trunk.dome_floor_mm;
    std::vector<float> beyond_dome(pixels_, -kFar_mm);
    if (has_lungs) lower_to_domes(beyond_dome);
    for (int y = 0; y < slice_.size_y; ++y) {
      for (int x = 0; x < slice_.size_x; ++x) {
        const float px = slice_.x_mm(x), py = slice_.y_mm(y);
        const float skin = distance_to(trunk.skin, px, py);
        if (skin > edge_mm_) continue;
        const std::size_t i = pixel(x, y);
        const float slow = noise_at(x, y, 13, 3.3F);
        const float fat = trunk.fat_hu + 6 * slow + 5 * noise_at(x, y, 4, 7.7F);
        float value = mixed(fat, 25, share_inside(-skin - 2.2F, edge_mm_));
        const float muscle = distance_to(trunk.muscle, px, py) + 1.5F * slow;
        const float cavity = distance_to(trunk.cavity, px, py);
        if (muscle < edge_mm_) {
          value =
              mixed(value, trunk.muscle_hu + 9 * slow + 10 * noise_at(x, y, 5, 1.1F), share_inside(muscle, edge_mm_));
          // The layers of the wall, with fat between them.
          const float layer = std::abs(cavity - 5.5F - 2 * slow);
          value = mixed(value, fat + 25, 0.6F * share_inside(layer - 0.4F, 2 * edge_mm_));
        }
        const float beyond = std::max(cavity, beyond_dome[i]);
        beyond_abdomen_mm_[i] = beyond;
        if (cavity < edge_mm_) {
          const float inside = beyond_dome[i] < 0 ? fat + 4 : trunk.muscle_hu;
          float content = inside;
          if (has_lungs && beyond_dome[i] > 0)
            content = mixed(content, lung(x, y), share_inside(2 - beyond_dome[i], edge_mm_));
          value = mixed(value, content, share_inside(cavity, edge_mm_));
        }
        hu_[i] = mixed(kAir_hu, value, share_inside(skin, edge_mm_));
      }
    }
  }

  // Lung with its vessels, and the heart.
  float lung(int x, int y) const {
    const float px = slice_.x_mm(x) - 18, py = slice_.y_mm(y) + 45, pz = slice_.origin.z - 165;
    const float heart = (std::sqrt(px * px / 3600 + py * py / 2500 + pz * pz / 3000) - 1) * 50;
    const float vessels = std::max(0.0F, noise_at(x, y, 6, 5.5F) - 0.45F) * 1100;
    return mixed(kLung_hu + vessels, anatomy_.trunk.blood_hu, share_inside(heart, edge_mm_));
  }

  float content_of(const Organ& organ, int x, int y, float distance) const {
    float value = organ.hu;
    if (organ.mottle_hu > 0) value += organ.mottle_hu * noise_at(x, y, 6, organ.hu * 0.37F);
    if (organ.wall_mm <= 0) return value;
    const float gas = share_inside(slice_.y_mm(y) - organ.gas_before_y_mm, edge_mm_);
    value = mixed(value, kGas_hu, gas);
    const float wall = organ.wall_hu + 0.3F * std::min(organ.mottle_hu, 15.0F) * noise_at(x, y, 5, 2.9F);
    return mixed(wall, value, share_inside(distance + organ.wall_mm, edge_mm_));
  }

  void paint(const Organ& organ, bool is_named_vessel) {
    evaluate(organ.solid, slice_, noise_, map_, scratch_);
    // Tubes thinner than the grid are labelled as wide as it takes to stay in one piece.
    const float widen = organ.label == Label::background || organ.label == Label::pancreas ? 0.0F : thinnest_mm_;
    for (int y = map_.box.begin_y; y < map_.box.end_y; ++y) {
      for (int x = map_.box.begin_x; x < map_.box.end_x; ++x) {
        const std::size_t i = pixel(x, y);
        float d = map_.at(x, y);
        if (organ.inside_abdomen) d = std::max(d, beyond_abdomen_mm_[i] + 2.5F);
        if (d > kReach_mm) continue;
        if (is_named_vessel) vessel_mm_[i] = std::min(vessel_mm_[i], d);
        const float share = share_inside(d, edge_mm_);
        if (share > 0) hu_[i] = mixed(hu_[i], content_of(organ, x, y, d), share);
        if (d > widen) continue;
        if (is_named_vessel || organ.label != Label::background) {
          if (d <= 0 || within_thin_tube(organ, x, y)) mark(organ, i);
        } else if (d < 0) {
          labels_[i] = 0;
        }
      }
    }
  }

  // The voxel is one of those that the tube's centre line passes closest to.
  bool within_thin_tube(const Organ& organ, int x, int y) const {
    const Point at{slice_.x_mm(x), slice_.y_mm(y), slice_.origin.z};
    for (const Primitive& primitive : organ.solid.parts[0].primitives) {
      const auto* const s = std::get_if<Segment>(&primitive);
      if (s == nullptr) continue;
      const Point axis = s->to - s->from;
      const float t = std::clamp(dot(at - s->from, axis) / std::max(dot(axis, axis), 1e-6F), 0.0F, 1.0F);
      if (length(at - s->from - t * axis) <= thinnest_mm_) return true;
    }
    return false;
  }

  void mark(const Organ& organ, std::size_t i) {
    labels_[i] = static_cast<std::uint8_t>(organ.label);
    vessels_[i] = static_cast<std::uint8_t>(organ.vessel);
  }

  void copy_depth(const Solid& solid, const LatentField& latent, std::vector<float>& depth) {
    const std::int64_t width = latent.box.shape()[2];
    depth.assign(static_cast<std::size_t>(width * latent.box.shape()[1]), -kFar_mm);
    if (solid.parts.empty()) return;
    evaluate(solid, slice_, noise_, map_, scratch_, kRaterMargin_mm);
    for (int y = map_.box.begin_y; y < map_.box.end_y; ++y)
      for (int x = map_.box.begin_x; x < map_.box.end_x; ++x) {
        const std::int64_t row = y - latent.box.begin[1], column = x - latent.box.begin[2];
        if (row < 0 || row >= latent.box.shape()[1] || column < 0 || column >= width) continue;
        depth[row * width + column] = -map_.at(x, y);
      }
  }

  void paint_tumor(LatentField& latent, std::int64_t z) {
    const Tumor& tumor = anatomy_.tumor;
    const Shape3 shape = latent.box.shape();
    std::vector<float> core, extension, stranding;
    copy_depth(tumor.core, latent, core);
    copy_depth(tumor.extension, latent, extension);
    copy_depth(tumor.stranding, latent, stranding);
    std::int64_t to = (z - latent.box.begin[0]) * shape[1] * shape[2];
    for (std::int64_t j = 0; j < shape[1] * shape[2]; ++j, ++to) {
      const int x = static_cast<int>(latent.box.begin[2] + j % shape[2]);
      const int y = static_cast<int>(latent.box.begin[1] + j / shape[2]);
      const std::size_t i = pixel(x, y);
      const float full = std::max(core[j], extension[j]);
      latent.background_hu[to] = hu_[i];
      latent.core_mm[to] = std::min(core[j], vessel_mm_[i]);
      latent.full_mm[to] = std::min(full, vessel_mm_[i]);
      latent.stranding_mm[to] = std::min(stranding[j], vessel_mm_[i]);

      const float outside_vessel = 1 - share_inside(vessel_mm_[i], edge_mm_);
      // Streaks of dense fat.
      const float streaks = 0.35F + 0.45F * noise_at(x, y, 4, 9.1F);
      const float strand = share_inside(-stranding[j], 5) * std::clamp(streaks, 0.0F, 1.0F) * outside_vessel;
      if (hu_[i] < tumor.hu && hu_[i] > -200) hu_[i] = mixed(hu_[i], tumor.hu, strand);
      const float value = tumor.hu + 7 * noise_at(x, y, 5, 4.2F);
      hu_[i] = mixed(hu_[i], value, share_inside(-full, tumor.margin_mm) * outside_vessel);
      const bool lumen = labels_[i] == static_cast<std::uint8_t>(Label::veins) ||
                         labels_[i] == static_cast<std::uint8_t>(Label::arteries);
      if (latent.full_mm[to] > 0 && !lumen) labels_[i] = static_cast<std::uint8_t>(Label::tumor);
    }
  }

  const Anatomy& anatomy_;
  const SmoothNoise& noise_;
  SliceGrid slice_;
  float edge_mm_;
  float thinnest_mm_;
  std::size_t pixels_;
  std::vector<float> hu_;
  std::vector<float> beyond_abdomen_mm_;
  std::vector<float> vessel_mm_;
  std::uint8_t* labels_ = nullptr;
  std::uint8_t* vessels_ = nullptr;
  DistanceMap map_;
  std::vector<float> scratch_;
};

Box3 box_of(const Tumor& tumor, const Geometry& grid) {
  Extent all = extent_of(tumor.core, kRaterMargin_mm);
  for (const Solid* solid : {&tumor.extension, &tumor.stranding}) {
    if (solid->parts.empty()) continue;
    const Extent e = extent_of(*solid, kRaterMargin_mm);
    all.low = {std::min(all.low.x, e.low.x), std::min(all.low.y, e.low.y), std::min(all.low.z, e.low.z)};
    all.high = {std::max(all.high.x, e.high.x), std::max(all.high.y, e.high.y), std::max(all.high.z, e.high.z)};
  }
  const float low[3] = {all.low.z, all.low.y, all.low.x}, high[3] = {all.high.z, all.high.y, all.high.x};
  Box3 box;
  for (int axis = 0; axis < 3; ++axis) {
    const double origin = grid.origin_mm[2 - axis], step = grid.spacing_mm[2 - axis];
    const std::int64_t size = grid.size[2 - axis];
    box.begin[axis] =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor((low[axis] - origin) / step)), 0, size);
    box.end[axis] =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil((high[axis] - origin) / step)) + 1, 0, size);
  }
  return box;
}

}  // namespace

Rendering render(const Anatomy& anatomy, const Geometry& grid, std::uint64_t key) {
  const SmoothNoise noise(combine_bits(key, 2));
  const std::int64_t pixels = grid.size[0] * grid.size[1];
  Rendering result;
  result.attenuation.resize(static_cast<std::size_t>(grid.voxel_count()));
  result.labels.resize(result.attenuation.size());
  result.vessels.resize(result.attenuation.size());
  result.latent.box = box_of(anatomy.tumor, grid);
  for (auto* field :
       {&result.latent.core_mm, &result.latent.full_mm, &result.latent.stranding_mm, &result.latent.background_hu})
    field->resize(result.latent.box.empty() ? 0 : static_cast<std::size_t>(voxel_count(result.latent.box.shape())));
  const auto& s = grid.spacing_mm;
  const auto edge = static_cast<float>(std::max(1.1, 1.2 * std::max(s[0], s[1])));
  const auto thinnest = static_cast<float>(0.5 * std::sqrt(s[0] * s[0] + s[1] * s[1] + s[2] * s[2]));
  parallel_for(grid.size[2], [&](std::int64_t z) {
    throw_if_interrupted();
    const SliceGrid slice{static_cast<int>(grid.size[0]),
                          static_cast<int>(grid.size[1]),
                          {static_cast<float>(grid.origin_mm[0]), static_cast<float>(grid.origin_mm[1]),
                           static_cast<float>(grid.origin_mm[2] + static_cast<double>(z) * s[2])},
                          static_cast<float>(s[0]),
                          static_cast<float>(s[1])};
    SlicePainter painter(anatomy, noise, slice, edge, thinnest);
    painter.paint(result.labels.data() + z * pixels, result.vessels.data() + z * pixels, result.latent, z);
    std::int16_t* const to = result.attenuation.data() + z * pixels;
    for (std::int64_t i = 0; i < pixels; ++i) {
      to[i] =
          static_cast<std::int16_t>(std::floor(std::clamp(painter.hu()[i], -1024.0F, 3071.0F) * kStepsPerHu + 0.5F));
    }
  });
  return result;
}

}  // namespace twintrack::phantom

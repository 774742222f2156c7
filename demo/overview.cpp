#include "overview.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "twintrack/core/error.hpp"

namespace twintrack::demo {
namespace {

constexpr std::int64_t kPanel = 320;  // pixels
constexpr std::int64_t kGap = 8;
constexpr double kZoomMm = 100;
constexpr float kWindowCentreHu = 50;
constexpr float kWindowWidthHu = 400;
constexpr float kOpacity = 0.72F;
constexpr Colour kOutline{80, 220, 255};
constexpr std::array<Colour, 5> kRaters{
    {{80, 220, 255}, {255, 200, 60}, {130, 255, 130}, {255, 120, 200}, {190, 150, 255}}};

// Linear interpolation in one slice, constant beyond its edge.
class Slice {
 public:
  template <typename T>
  Slice(const Volume<T>& volume, std::int64_t z) : geometry_(volume.geometry) {
    const std::int64_t voxels = geometry_.size[0] * geometry_.size[1];
    values_.assign(volume.voxels.begin() + z * voxels, volume.voxels.begin() + (z + 1) * voxels);
  }

  // (x, y) in millimetres from the corner of the first voxel.
  float at(double x_mm, double y_mm) const {
    const auto [left, right, across] = between(x_mm, 0);
    const auto [above, below, down] = between(y_mm, 1);
    const float upper = value(left, above) + across * (value(right, above) - value(left, above));
    const float lower = value(left, below) + across * (value(right, below) - value(left, below));
    return upper + down * (lower - upper);
  }

 private:
  struct Between {
    std::int64_t first, second;
    float weight;
  };
  Between between(double position_mm, int axis) const {
    const double last = static_cast<double>(geometry_.size[axis] - 1);
    const double index = std::clamp(position_mm / geometry_.spacing_mm[axis] - 0.5, 0.0, last);
    const auto first = static_cast<std::int64_t>(index);
    return {first, std::min(first + 1, geometry_.size[axis] - 1), static_cast<float>(index - std::floor(index))};
  }
  float value(std::int64_t x, std::int64_t y) const { return values_[y * geometry_.size[0] + x]; }

  Geometry geometry_;
  std::vector<float> values_;
};

std::uint8_t grey(float hu) {
  const float level = std::clamp((hu - kWindowCentreHu) / kWindowWidthHu + 0.5F, 0.0F, 1.0F);
  return static_cast<std::uint8_t>(std::lround(level * 63) * 255 / 63);
}

// From violet over red to yellow.
Colour heat(float p) {
  constexpr std::array<std::array<float, 3>, 4> stops{{{70, 20, 120}, {190, 40, 90}, {245, 125, 20}, {255, 240, 90}}};
  const float place = std::clamp(p, 0.0F, 1.0F) * (stops.size() - 1);
  const auto below = std::min<std::size_t>(static_cast<std::size_t>(place), stops.size() - 2);
  const float weight = place - static_cast<float>(below);
  Colour colour;
  for (int c = 0; c < 3; ++c) {
    colour[c] = static_cast<std::uint8_t>(stops[below][c] + weight * (stops[below + 1][c] - stops[below][c]));
  }
  return colour;
}

void wash(Colour& pixel, float p) {
  const float opacity = kOpacity * std::clamp(p / 0.25F, 0.0F, 1.0F);
  const Colour colour = heat(p);
  for (int c = 0; c < 3; ++c) {
    pixel[c] = static_cast<std::uint8_t>(static_cast<float>(pixel[c]) * (1 - opacity) +
                                         static_cast<float>(colour[c]) * opacity);
  }
}

struct Place {
  std::int64_t z = 0;
  double x_mm = 0;  // middle of the marks, from the corner of the first voxel
  double y_mm = 0;
};

// The slice with most marks, all raters' together, and their middle there.
Place place_of_marks(const std::vector<Volume<std::uint16_t>>& raters) {
  const Geometry& geometry = raters.front().geometry;
  const std::int64_t plane = geometry.size[0] * geometry.size[1];
  Place best;
  double most = 0;
  for (std::int64_t z = 0; z < geometry.size[2]; ++z) {
    double marks = 0, x = 0, y = 0;
    for (const auto& rater : raters) {
      for (std::int64_t i = 0; i < plane; ++i) {
        if (rater.voxels[z * plane + i] == 0) continue;
        ++marks;
        x += static_cast<double>(i % geometry.size[0]) + 0.5;
        y += static_cast<double>(i / geometry.size[0]) + 0.5;
      }
    }
    if (marks <= most) continue;
    most = marks;
    best = {z, x / marks * geometry.spacing_mm[0], y / marks * geometry.spacing_mm[1]};
  }
  if (most == 0) throw InputError("no rater marked anything");
  return best;
}

// A square of the picture that shows a square of the slice.
struct Panel {
  std::int64_t left;
  double x_mm, y_mm;  // of its middle
  double extent_mm;

  double pixel_mm() const { return extent_mm / kPanel; }
};

// Calls paint(pixel, x_mm, y_mm) for every pixel, which is the CT's grey before.
template <typename Paint>
void draw(Picture& picture, const Panel& panel, const Slice& hu, const Paint& paint) {
  for (std::int64_t y = 0; y < kPanel; ++y) {
    for (std::int64_t x = 0; x < kPanel; ++x) {
      const double x_mm = panel.x_mm + (static_cast<double>(x) + 0.5 - kPanel / 2.0) * panel.pixel_mm();
      const double y_mm = panel.y_mm + (static_cast<double>(y) + 0.5 - kPanel / 2.0) * panel.pixel_mm();
      const std::uint8_t level = grey(hu.at(x_mm, y_mm));
      Colour& pixel = picture.at(panel.left + x, y) = {level, level, level};
      paint(pixel, x_mm, y_mm);
    }
  }
}

bool on_edge(const Slice& mask, double x_mm, double y_mm, double width_mm) {
  const bool inside = mask.at(x_mm, y_mm) > 0.5F;
  return inside != (mask.at(x_mm + width_mm, y_mm) > 0.5F) || inside != (mask.at(x_mm, y_mm + width_mm) > 0.5F);
}

}  // namespace

Picture overview(const Scene& scene) {
  const Place place = place_of_marks(scene.raters);
  const Geometry& geometry = scene.ct.geometry;
  const Slice hu(scene.ct, place.z);
  const Slice probability(scene.probability, place.z);
  const Slice roi(scene.roi, place.z);
  std::vector<Slice> raters;
  for (const auto& rater : scene.raters) raters.emplace_back(rater, place.z);

  Picture picture{4 * kPanel + 3 * kGap, kPanel, {}};
  picture.pixels.assign(picture.width * picture.height, Colour{255, 255, 255});
  const double width_mm = geometry.spacing_mm[0] * static_cast<double>(geometry.size[0]);
  const double height_mm = geometry.spacing_mm[1] * static_cast<double>(geometry.size[1]);
  const Panel whole{0, width_mm / 2, height_mm / 2, std::max(width_mm, height_mm)};
  draw(picture, whole, hu, [&](Colour& pixel, double x, double y) {
    wash(pixel, probability.at(x, y));
    if (on_edge(roi, x, y, 2 * whole.pixel_mm())) pixel = kOutline;
  });
  const auto zoom = [&](int number) { return Panel{number * (kPanel + kGap), place.x_mm, place.y_mm, kZoomMm}; };
  draw(picture, zoom(1), hu, [&](Colour& pixel, double x, double y) {
    for (std::size_t k = 0; k < raters.size(); ++k) {
      if (on_edge(raters[k], x, y, 2 * kZoomMm / kPanel)) pixel = kRaters[k % kRaters.size()];
    }
  });
  draw(picture, zoom(2), hu, [&](Colour& pixel, double x, double y) {
    float share = 0;
    for (const Slice& rater : raters) share += rater.at(x, y) / static_cast<float>(raters.size());
    wash(pixel, share);
  });
  draw(picture, zoom(3), hu, [&](Colour& pixel, double x, double y) { wash(pixel, probability.at(x, y)); });
  return picture;
}

}  // namespace twintrack::demo

#include "twintrack/phantom/frame.hpp"

#include <cmath>

namespace twintrack::phantom {
namespace {

Enhancement draw_enhancement(Phase phase, Random& random) {
  const auto hu = [&](double low, double high) { return static_cast<float>(random.uniform(low, high)); };
  if (phase == Phase::pancreatic) {
    return {hu(250, 320), hu(130, 165), hu(85, 120), hu(102, 122), hu(75, 92),
            hu(118, 138), hu(185, 215), hu(95, 120), hu(85, 105)};
  }
  return {hu(150, 185), hu(165, 195), hu(125, 155), hu(90, 108), hu(103, 120),
          hu(112, 128), hu(180, 200), hu(165, 185), hu(75, 95)};
}

}  // namespace

std::string name_of(Phase phase) { return phase == Phase::pancreatic ? "pancreatic" : "venous"; }

std::string name_of(Site site) {
  if (site == Site::head) return "head";
  return site == Site::body ? "body" : "tail";
}

Frame::Frame(std::uint64_t key) : random_(key, 1) {
  const float size = between(0.92, 1.07);
  scale_ = {size * between(0.96, 1.05), size * between(0.96, 1.05), size * between(0.95, 1.06)};
  phase_ = random_.happens(0.5) ? Phase::pancreatic : Phase::venous;
  hu_ = draw_enhancement(phase_, random_);
}

Point Frame::moved(float x, float y, float z, float jitter_mm) {
  const Point at = point(x, y, z);
  const float dx = between(-jitter_mm, jitter_mm);
  const float dy = between(-jitter_mm, jitter_mm);
  const float dz = between(-jitter_mm, jitter_mm);
  return at + Point{dx, dy, dz};
}

std::vector<Knot> Frame::knots(std::initializer_list<TemplateKnot> knots, float jitter_mm, float radius_factor) {
  std::vector<Knot> moved_knots;
  for (const TemplateKnot& k : knots) {
    moved_knots.push_back({moved(k.x, k.y, k.z, jitter_mm), k.radius * radius_factor});
  }
  return moved_knots;
}

void Frame::roughen(Solid& solid, float roughness_mm, float scale_mm) {
  solid.roughness_mm = roughness_mm;
  solid.roughness_scale_mm = scale_mm;
  solid.roughness_place = {between(0, 32), between(0, 32), between(0, 32)};
}

Solid Frame::rough(std::vector<Primitive> primitives, float roughness_mm, float scale_mm) {
  Solid made = solid(std::move(primitives));
  roughen(made, roughness_mm, scale_mm);
  return made;
}

}  // namespace twintrack::phantom

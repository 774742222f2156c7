// The patient's build: scales and wobbles the points of the template anatomy. Internal to this module.
#pragma once

#include <initializer_list>
#include <vector>

#include "twintrack/phantom/anatomy.hpp"

namespace twintrack::phantom {

struct Enhancement {  // HU of this patient in this phase
  float aorta, portal, cava, pancreas, liver, spleen, cortex, medulla, bowel_wall;
};

struct TemplateKnot {
  float x, y, z, radius;
};

// No call has two arguments that draw: in which order they would is left to the compiler. (Braces draw in order.)
class Frame {
 public:
  explicit Frame(std::uint64_t key);

  Random& random() { return random_; }
  Phase phase() const { return phase_; }
  const Enhancement& hu() const { return hu_; }
  float scale_x() const { return scale_.x; }
  float scale_y() const { return scale_.y; }

  float between(double low, double high) { return static_cast<float>(random_.uniform(low, high)); }
  Point point(float x, float y, float z) const { return {x * scale_.x, y * scale_.y, z * scale_.z}; }
  Point moved(float x, float y, float z, float jitter_mm);
  // Knots moved together by up to `shift_mm` (the same shift for all) and by up to `jitter_mm` each.
  std::vector<Knot> knots(std::initializer_list<TemplateKnot> knots, float jitter_mm, float radius_factor = 1);

  static Solid solid(std::vector<Primitive> primitives) { return {{{std::move(primitives), 0}}, 0, 10, {}}; }
  Solid rough(std::vector<Primitive> primitives, float roughness_mm, float scale_mm);
  void roughen(Solid& solid, float roughness_mm, float scale_mm);

 private:
  Random random_;
  Point scale_;
  Phase phase_;
  Enhancement hu_{};
};

Trunk draw_trunk(Frame& frame);
void add_muscles_and_bones(Frame& frame, const Trunk& trunk, std::vector<Organ>& organs);
void add_upper_organs(Frame& frame, std::vector<Organ>& organs);
void add_bowel(Frame& frame, std::vector<Organ>& organs);

// Centre lines of what the pancreas lies between; shared by organs, vessels and tumour.
struct Pancreas {
  std::vector<Knot> line;  // papilla, head, neck, body, body, tail, tail's end
  std::vector<Knot> duct;
  std::vector<Knot> bile_duct;  // from the liver to the papilla
  float head_size = 1;          // in relation to the template's
};
Pancreas draw_pancreas(Frame& frame);

struct VesselLines {
  std::vector<Knot> portal_vein, splenic_vein, smv, aorta, cava, celiac, sma, hepatic_artery, splenic_artery;
};
VesselLines draw_vessel_lines(Frame& frame);
void add_branches(Frame& frame, const VesselLines& lines, std::vector<Organ>& organs);
std::vector<Organ> named_vessels(Frame& frame, const VesselLines& lines);

Tumor draw_tumor(Frame& frame, const Pancreas& pancreas, const VesselLines& vessels);
// Dilates the ducts and thins the gland upstream of the tumour.
void obstruct(Frame& frame, const Tumor& tumor, Pancreas& pancreas);
void add_pancreas(Frame& frame, const Pancreas& pancreas, std::vector<Organ>& organs);

}  // namespace twintrack::phantom

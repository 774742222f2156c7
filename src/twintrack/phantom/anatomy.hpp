// One synthetic patient: where everything lies and what it absorbs, drawn from a seed.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "twintrack/phantom/shape.hpp"

namespace twintrack::phantom {

// PANORAMA's numbering.
enum class Label : std::uint8_t {
  background = 0,
  tumor = 1,
  veins = 2,
  arteries = 3,
  pancreas = 4,
  pancreatic_duct = 5,
  bile_duct = 6,
};

// CURVAS-PDACVI's numbering.
enum class Vessel : std::uint8_t { none = 0, portal_vein = 1, smv = 2, aorta = 3, celiac_trunk = 4, sma = 5 };

enum class Phase { pancreatic, venous };
enum class Site { head, body, tail };
std::string name_of(Phase phase);
std::string name_of(Site site);

// What one organ looks like.
struct Organ {
  Solid solid;
  float hu = 0;
  float mottle_hu = 0;  // amplitude of slow variation inside
  float wall_mm = 0;    // 0: all of it is `hu`; otherwise a wall of `wall_hu` around a content of `hu`
  float wall_hu = 0;
  float gas_before_y_mm = -std::numeric_limits<float>::infinity();  // content further to the front is gas
  bool inside_abdomen = false;                                      // cut off by the abdominal wall and the diaphragm
  Label label = Label::background;
  Vessel vessel = Vessel::none;
};

// Outline of trunk and abdominal cavity: superellipses |x/a|^2.5 + |(y - y0)/b|^2.5 = 1.
struct Oval {
  float y_mm = 0;
  float half_width_mm = 1;
  float half_depth_mm = 1;
};
// First-order signed distance.
float distance_to(const Oval& oval, float x, float y);

struct Trunk {
  Oval skin;
  Oval muscle;
  Oval cavity;
  std::vector<Ellipsoid> domes;  // the abdomen ends here towards the lungs, above dome_floor_mm
  float dome_floor_mm = 20;
  float fat_hu = -100;
  float muscle_hu = 55;
  float blood_hu = 150;  // in the heart
};

// Base of the latent tumour field, before vessels are left out (see lesion.hpp).
struct Tumor {
  Solid core;
  Solid extension;  // towards a vessel; no parts when there is none
  Solid stranding;  // reaction of the fat around the extension
  Point centre;
  float radius_mm = 0;
  float hu = 65;
  float margin_mm = 4;  // width of the ill-defined border
  Site site = Site::head;
  std::string nearest_vessel;
  bool dilates_pancreatic_duct = false;
  bool dilates_bile_duct = false;
};

struct Anatomy {
  Trunk trunk;
  std::vector<Organ> organs;  // in the order of painting: later ones replace earlier ones
  std::vector<Organ> vessels;
  Tumor tumor;
  Point pancreas_centre;
  Phase phase = Phase::venous;
  float pancreas_hu = 100;
};

Anatomy draw_anatomy(std::uint64_t key);

}  // namespace twintrack::phantom

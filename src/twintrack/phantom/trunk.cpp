// Wall, muscles and bones.
#include <algorithm>
#include <cmath>

#include "twintrack/core/portable_math.hpp"
#include "twintrack/phantom/frame.hpp"

namespace twintrack::phantom {
namespace {

constexpr float kVertebraSpacing_mm = 36;

Organ bone(Solid solid, float cortex_mm, float cortex_hu, float marrow_hu) {
  Organ organ;
  organ.solid = std::move(solid);
  organ.hu = marrow_hu;
  organ.mottle_hu = 25;
  organ.wall_mm = cortex_mm;
  organ.wall_hu = cortex_hu;
  return organ;
}

Organ muscle(Frame& frame, std::vector<Primitive> primitives, float hu) {
  Organ organ;
  organ.solid = frame.rough(std::move(primitives), 2, 18);
  organ.hu = hu;
  organ.mottle_hu = 8;
  return organ;
}

void add_spine(Frame& frame, std::vector<Organ>& organs) {
  const float marrow = frame.between(150, 230);
  const Point middle = frame.point(0, 40, 0);
  const float width = 23 * frame.scale_x();
  const float depth = 17 * frame.scale_y();
  std::vector<Primitive> bodies, arches;
  for (int i = -8; i <= 8; ++i) {
    const float z = (static_cast<float>(i) + 0.3F) * kVertebraSpacing_mm;
    bodies.push_back(Drum{{0, middle.y, z}, width, depth, 13.5F});
    const float back = middle.y + depth;
    for (const float side : {-1.0F, 1.0F}) {
      arches.push_back(Segment{{side * 13, back - 2, z + 4}, {side * 14, back + 14, z + 2}, 5, 5.5F});  // pedicle
      arches.push_back(Segment{{side * 14, back + 14, z + 2}, {0, back + 25, z - 6}, 5, 4});            // lamina
      arches.push_back(Segment{{side * 14, back + 9, z + 2}, {side * 40, back + 13, z + 2}, 4, 3});     // transverse
    }
    arches.push_back(Segment{{0, back + 24, z - 4}, {0, back + 43, z - 12}, 3.5F, 4.5F});  // spinous process
  }
  Organ discs;
  discs.solid = Frame::solid({Drum{{0, middle.y, 0}, width * 0.96F, depth * 0.96F, 400}});
  discs.hu = 85;
  discs.mottle_hu = 10;
  organs.push_back(std::move(discs));
  organs.push_back(bone(frame.rough(std::move(bodies), 1.2F, 14), 1.6F, 430, marrow));
  organs.push_back(bone(Frame::solid(std::move(arches)), 1.8F, 520, marrow + 40));
  Organ canal;
  canal.solid = Frame::solid({Drum{{0, middle.y + depth + 9, 0}, 10, 8, 400}});
  canal.hu = 28;
  organs.push_back(std::move(canal));
  Organ cord;
  cord.solid = Frame::solid({Drum{{0, middle.y + depth + 9, 0}, 5.5F, 4.5F, 400}});
  cord.hu = 45;
  organs.push_back(std::move(cord));
}

// Ribs run forwards and down between the muscle's and the cavity's outline; `reach_turns` from the spine.
void add_ribs(Frame& frame, const Trunk& trunk, std::vector<Organ>& organs) {
  std::vector<Primitive> ribs, cartilage;
  const float a = (trunk.cavity.half_width_mm + trunk.muscle.half_width_mm) / 2;
  const float b = (trunk.cavity.half_depth_mm + trunk.muscle.half_depth_mm) / 2;
  const float y0 = (trunk.cavity.y_mm + trunk.muscle.y_mm) / 2;
  constexpr float reach_turns[] = {0.15F, 0.24F, 0.36F, 0.40F, 0.42F, 0.42F, 0.42F, 0.42F};
  for (const float side : {-1.0F, 1.0F}) {
    for (int rib = 0; rib < 8; ++rib) {
      const float top = (18 + 27 * static_cast<float>(rib)) + frame.between(-2, 2);
      std::vector<Knot> line{{{side * 26, 50 * frame.scale_y(), top + 3}, 4.5F}};
      for (float turns = 0.075F; turns <= reach_turns[rib]; turns += 0.025F) {
        const auto s = static_cast<float>(sine_of_turns(turns));
        const auto c = static_cast<float>(cosine_of_turns(turns));
        // The point on the superellipse in this direction.
        const float u = std::abs(s), v = std::abs(c);
        const float norm = 1 / std::sqrt(std::sqrt(u * u * u * u + v * v * v * v));
        line.push_back({{side * a * s * norm, y0 + b * c * norm, top - 190 * turns}, 4.6F});
      }
      std::vector<Primitive> cones = sweep(line, 3);
      ribs.insert(ribs.end(), cones.begin(), cones.end());
      if (rib < 2) continue;
      const Knot end = line.back();
      const Point sternum{side * 20, y0 - b, end.point.z + 25};
      cartilage.push_back(Segment{end.point, 0.5F * (end.point + sternum) + Point{0, -6, -4}, 5, 5});
      cartilage.push_back(Segment{0.5F * (end.point + sternum) + Point{0, -6, -4}, sternum, 5, 5});
    }
  }
  organs.push_back(bone(Frame::solid(std::move(cartilage)), 1.0F, 140, 100));
  organs.push_back(bone(Frame::solid(std::move(ribs)), 1.5F, 560, 260));
}

void add_muscles(Frame& frame, const Trunk& trunk, std::vector<Organ>& organs) {
  std::vector<Primitive> back, psoas, crura;
  for (const float side : {-1.0F, 1.0F}) {
    back.push_back(Drum{{side * 32 * frame.scale_x(), 78 * frame.scale_y(), 0}, 25, 18, 400});
    psoas = sweep(frame.knots({{side * 27, 40, 35, 4},
                               {side * 33, 40, -20, 12},
                               {side * 40, 38, -80, 19},
                               {side * 46, 32, -160, 22},
                               {side * 52, 20, -300, 24}},
                              1));
    organs.push_back(muscle(frame, psoas, trunk.muscle_hu + 3));
    organs.push_back(muscle(
        frame, sweep(frame.knots({{side * 50, 62, 20, 8}, {side * 62, 58, -60, 15}, {side * 66, 56, -140, 16}}, 1)),
        trunk.muscle_hu));
    for (const Primitive& p : sweep(frame.knots(
             {{side * 12, 20, -45, 4}, {side * 17, 12, 20, 6}, {side * 18, 4, 70, 5}, {side * 26, 0, 110, 4}}, 1)))
      crura.push_back(p);
  }
  organs.push_back(muscle(frame, std::move(back), trunk.muscle_hu - 3));
  organs.push_back(muscle(frame, std::move(crura), trunk.muscle_hu));
}

}  // namespace

float distance_to(const Oval& oval, float x, float y) {
  const float u = std::abs(x) / oval.half_width_mm;
  const float v = std::abs(y - oval.y_mm) / oval.half_depth_mm;
  const float ru = u * std::sqrt(u), rv = v * std::sqrt(v);  // to the power of 1.5
  const float gx = ru / oval.half_width_mm, gy = rv / oval.half_depth_mm;
  return (u * ru + v * rv - 1) / (2.5F * std::sqrt(gx * gx + gy * gy) + 2e-3F);
}

Trunk draw_trunk(Frame& frame) {
  Trunk trunk;
  const float visceral = frame.between(-4, 14);
  trunk.cavity = {-9 * frame.scale_y(), 132 * frame.scale_x() + visceral, 88 * frame.scale_y() + visceral * 0.6F};
  trunk.cavity.y_mm -= visceral * 0.6F;
  const float wall = frame.between(11, 16);
  trunk.muscle = {trunk.cavity.y_mm + 6, trunk.cavity.half_width_mm + wall, trunk.cavity.half_depth_mm + wall + 5};
  const float front = frame.between(8, 26), back = frame.between(8, 16), side = frame.between(8, 24);
  trunk.skin = {trunk.muscle.y_mm + (back - front) / 2, trunk.muscle.half_width_mm + side,
                trunk.muscle.half_depth_mm + (front + back) / 2};
  trunk.domes = {{frame.point(-58, -15, 10), {104 * frame.scale_x(), 98 * frame.scale_y(), frame.between(108, 122)}, 0},
                 {frame.point(60, -15, 10), {100 * frame.scale_x(), 98 * frame.scale_y(), frame.between(100, 112)}, 0}};
  trunk.fat_hu = frame.between(-108, -94);
  trunk.muscle_hu = frame.between(50, 62);
  trunk.blood_hu = 0.5F * (frame.hu().aorta + frame.hu().cava);
  return trunk;
}

void add_muscles_and_bones(Frame& frame, const Trunk& trunk, std::vector<Organ>& organs) {
  add_muscles(frame, trunk, organs);
  add_spine(frame, organs);
  add_ribs(frame, trunk, organs);
}

}  // namespace twintrack::phantom

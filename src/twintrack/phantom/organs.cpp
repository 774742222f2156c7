// Liver, gallbladder, spleen, kidneys, stomach and bowel.
#include <algorithm>
#include <array>

#include "twintrack/phantom/frame.hpp"

namespace twintrack::phantom {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

Organ parenchyma(Solid solid, float hu, float mottle_hu) {
  Organ organ;
  organ.solid = std::move(solid);
  organ.hu = hu;
  organ.mottle_hu = mottle_hu;
  organ.inside_abdomen = true;
  return organ;
}

Organ hollow(Solid solid, float wall_mm, float wall_hu, float content_hu, float gas_before_y_mm) {
  Organ organ = parenchyma(std::move(solid), content_hu, 14);
  organ.wall_mm = wall_mm;
  organ.wall_hu = wall_hu;
  organ.gas_before_y_mm = gas_before_y_mm;
  return organ;
}

void add_liver(Frame& frame, std::vector<Organ>& organs) {
  Solid liver;
  const float size = frame.between(0.94, 1.06);
  liver.parts.push_back({{Ellipsoid{frame.moved(-80, -6, 62, 4), {68 * size, 84 * size, 88 * size}, 0.03F}}, 0});
  liver.parts.push_back({{Ellipsoid{frame.moved(-98, 8, 10, 4), {36 * size, 58 * size, 70 * size}, 0}}, 20});
  liver.parts.push_back({{Ellipsoid{frame.moved(-18, -58, 78, 5), {74 * size, 38 * size, 40 * size}, -0.04F}}, 24});
  frame.roughen(liver, 4, 45);
  organs.push_back(parenchyma(std::move(liver), frame.hu().liver, 5));

  std::vector<Primitive> veins;
  const auto add = [&](std::initializer_list<TemplateKnot> knots) {
    for (const Primitive& p : sweep(frame.knots(knots, 3))) veins.push_back(p);
  };
  add({{-46, -26, 54, 6}, {-66, -20, 60, 5}, {-88, -10, 58, 4}, {-110, 5, 45, 2.2F}});
  add({{-66, -20, 60, 4.5F}, {-84, -28, 78, 3.5F}, {-100, -40, 90, 2}});
  add({{-66, -20, 60, 4}, {-90, 20, 70, 3}, {-104, 35, 80, 2}});
  add({{-48, -28, 55, 5}, {-36, -45, 66, 4}, {-18, -58, 76, 3}, {6, -66, 84, 2}});
  organs.push_back(parenchyma(Frame::solid(std::move(veins)), frame.hu().portal, 3));
  veins.clear();
  add({{-28, -5, 108, 6}, {-55, 5, 100, 5}, {-85, 15, 85, 3.5F}, {-108, 25, 60, 2}});
  add({{-28, -8, 108, 6}, {-48, -30, 98, 4.5F}, {-66, -52, 78, 3}, {-72, -60, 55, 2}});
  add({{-26, -10, 108, 5}, {-14, -40, 98, 4}, {-2, -60, 84, 2.5F}});
  const float hepatic = frame.phase() == Phase::venous ? frame.hu().portal - 10 : frame.hu().liver - 2;
  organs.push_back(parenchyma(Frame::solid(std::move(veins)), hepatic, 3));

  const Point fundus = frame.moved(-58, -58, 2, 5);
  const float radius = frame.between(11, 16);
  const float bile = frame.between(3, 14);
  organs.push_back(hollow(frame.rough({Segment{fundus, fundus + Point{12, 24, 26}, radius, radius * 0.6F}}, 1.5F, 20),
                          1.6F, 70, bile, kNone));
}

void add_spleen(Frame& frame, std::vector<Organ>& organs) {
  const float size = frame.between(0.85, 1.12);
  Organ spleen = parenchyma(
      frame.rough({Ellipsoid{frame.moved(108, 32, 64, 5), {35 * size, 50 * size, 56 * size}, -0.04F}}, 3.5F, 30),
      frame.hu().spleen, 4);
  organs.push_back(std::move(spleen));
}

void add_kidney(Frame& frame, float side, float z, std::vector<Organ>& organs) {
  const float size = frame.between(0.92, 1.1);
  const Point centre = frame.moved(side * 66, 38, z, 4);
  const float tilt = side * 0.035F;
  const auto ellipsoid = [&](float rx, float ry, float rz, float inwards) {
    return Ellipsoid{centre - Point{side * inwards, 0, 0}, {rx * size, ry * size, rz * size}, tilt};
  };
  organs.push_back(parenchyma(frame.rough({ellipsoid(25, 26, 53, 0)}, 2, 22), frame.hu().cortex, 5));
  // Pyramids between columns of cortex: what strong noise leaves of an inner ellipsoid.
  organs.push_back(parenchyma(frame.rough({ellipsoid(17, 18.5F, 43, 0)}, 9, 9), frame.hu().medulla, 5));
  organs.push_back(parenchyma(frame.rough({ellipsoid(10, 9, 30, 6), ellipsoid(14, 6, 16, 16)}, 4, 12), -70, 20));
  organs.push_back(
      parenchyma(frame.rough({ellipsoid(5, 5, 12, 13)}, 2, 10), frame.phase() == Phase::venous ? 60.0F : 12.0F, 3));
}

void add_stomach(Frame& frame, std::vector<Organ>& organs) {
  const float fill = frame.between(0.72, 1.05);
  const auto line = frame.knots({{62, 0, 98, 25},
                                 {74, -18, 76, 33},
                                 {66, -46, 50, 29},
                                 {44, -68, 28, 21},
                                 {14, -74, 18, 17},
                                 {-14, -68, 18, 13},
                                 {-32, -55, 20, 8}},
                                3, fill);
  const float level = line[1].point.y - frame.between(2, 22);
  const float content = frame.between(8, 30);
  organs.push_back(hollow(frame.rough(sweep(line), 3, 20), 3.4F, frame.hu().bowel_wall, content, level));
}

void add_duodenum(Frame& frame, std::vector<Organ>& organs) {
  const auto line = frame.knots({{-32, -55, 20, 8},
                                 {-46, -46, 20, 12},
                                 {-58, -30, 12, 12},
                                 {-62, -14, -12, 11.5F},
                                 {-60, -8, -38, 11.5F},
                                 {-42, -4, -56, 11},
                                 {-12, -6, -60, 10.5F},
                                 {18, -8, -56, 10.5F},
                                 {34, -20, -40, 10.5F},
                                 {44, -42, -38, 11}},
                                1.5F);
  const float content = frame.between(10, 35);
  const float level = line[3].point.y - frame.between(6, 30);
  organs.push_back(hollow(frame.rough(sweep(line), 1.8F, 9), 2.6F, frame.hu().bowel_wall, content, level));
}

void add_colon(Frame& frame, std::vector<Organ>& organs) {
  struct Stretch {
    std::vector<Knot> line;
    float back_mm;  // how far gas reaches behind the front of the lumen
  };
  const float width = frame.between(0.85, 1.15);
  const std::array<Stretch, 3> stretches{
      Stretch{frame.knots({{-98, 18, -220, 24}, {-98, 16, -130, 24}, {-97, 10, -75, 21}, {-94, -8, -38, 19}}, 4, width),
              8},
      Stretch{frame.knots({{-94, -8, -38, 19},
                           {-74, -60, -40, 17},
                           {-30, -76, -58, 17},
                           {20, -78, -58, 16},
                           {64, -66, -24, 16},
                           {98, -26, 14, 16},
                           {106, 10, 22, 15}},
                          3, width),
              18},
      Stretch{frame.knots({{106, 10, 22, 15}, {110, 30, -20, 13}, {110, 32, -80, 13}, {108, 28, -220, 14}}, 3, width),
              4}};
  for (const Stretch& s : stretches) {
    const Knot middle = s.line[s.line.size() / 2];
    const float content = frame.between(25, 55);
    const float level = middle.point.y - middle.radius_mm + s.back_mm + frame.between(-4, 8);
    Organ colon = hollow(frame.rough(sweep(s.line), 4, 14), 2, frame.hu().bowel_wall - 10, content, level);
    colon.mottle_hu = 60;  // stool
    organs.push_back(std::move(colon));
  }
}

void add_small_bowel(Frame& frame, std::vector<Organ>& organs) {
  for (int loop = 0; loop < 34; ++loop) {
    std::vector<Knot> line;
    const float side = loop % 3 == 0 ? -1.0F : 1.0F;
    const float highest = side > 0 ? -26.0F : -48.0F;  // jejunum lies higher, on the left
    Point at{side * frame.between(20, 75), frame.between(-62, 0), frame.between(-230, highest)};
    for (int i = 0; i < 6; ++i) {
      line.push_back({at, frame.between(8, 12.5)});
      at = at + Point{frame.between(-32, 32), frame.between(-22, 22), frame.between(-14, 14)};
      at.x = std::clamp(at.x, -88.0F, 92.0F);
      at.y = std::clamp(at.y, -66.0F, 4.0F);
      at.z = std::min(at.z, highest);
    }
    const float level = frame.random().happens(0.2) ? line[2].point.y - 4 : kNone;
    const float content = frame.between(12, 40);
    organs.push_back(hollow(frame.rough(sweep(line, 4), 1.5F, 7), 2.2F, frame.hu().bowel_wall + 5, content, level));
  }
}

}  // namespace

void add_upper_organs(Frame& frame, std::vector<Organ>& organs) {
  add_spleen(frame, organs);
  add_liver(frame, organs);
  add_kidney(frame, -1, -24, organs);
  add_kidney(frame, 1, -8, organs);
}

void add_bowel(Frame& frame, std::vector<Organ>& organs) {
  add_small_bowel(frame, organs);
  add_colon(frame, organs);
  add_stomach(frame, organs);
  add_duodenum(frame, organs);
}

}  // namespace twintrack::phantom

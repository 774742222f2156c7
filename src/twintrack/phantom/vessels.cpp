// Arteries and veins around the pancreas.
#include <algorithm>
#include <utility>

#include "twintrack/phantom/frame.hpp"

namespace twintrack::phantom {
namespace {

constexpr float kWobble_mm = 1.2F;

Organ vessel(std::vector<Primitive> tube, float hu, Label label, Vessel number) {
  Organ organ;
  organ.solid = Frame::solid(std::move(tube));
  organ.hu = hu;
  organ.mottle_hu = 4;
  organ.label = label;
  organ.vessel = number;
  return organ;
}

}  // namespace

VesselLines draw_vessel_lines(Frame& frame) {
  VesselLines v;
  const float artery = frame.between(0.88, 1.15);
  const float vein = frame.between(0.88, 1.15);
  v.aorta = frame.knots({{6, 12, 260, 11.5F},
                         {6, 9, 110, 11},
                         {6, 8, 60, 10.5F},
                         {6, 8, 26, 10.5F},
                         {7, 9, 0, 10},
                         {7, 12, -60, 9},
                         {6, 15, -130, 8.5F},
                         {5, 17, -300, 8}},
                        0.6F, artery);
  v.cava = frame.knots({{-23, 15, -300, 11},
                        {-24, 14, -100, 11},
                        {-25, 13, -40, 11},
                        {-26, 9, 5, 11.5F},
                        {-29, 1, 55, 12},
                        {-27, -5, 110, 12},
                        {-16, -10, 150, 12}},
                       kWobble_mm, vein);
  const Point out_of_aorta = v.aorta[3].point;
  v.celiac = frame.knots({{6, 4, 26, 3.8F}, {5, -10, 29, 3.7F}, {3, -20, 30, 3.5F}}, 0.6F, artery);
  v.celiac[0].point = out_of_aorta + Point{0, -6, 0};
  v.sma = frame.knots({{7, 2, 13, 4.1F},
                       {6, -11, 8, 4},
                       {5, -19, -8, 3.9F},
                       {3, -23, -35, 3.6F},
                       {0, -27, -80, 3.1F},
                       {-6, -30, -130, 2.4F}},
                      kWobble_mm, artery);
  v.sma[0].point = along(v.aorta, 3.5F).point + Point{0, -6, 0};
  v.hepatic_artery = frame.knots(
      {{3, -20, 30, 2.9F}, {-12, -29, 30, 2.7F}, {-26, -33, 30, 2.6F}, {-38, -33, 42, 2.4F}, {-46, -34, 53, 2.1F}},
      kWobble_mm, artery);
  v.splenic_artery = frame.knots({{3, -20, 30, 2.9F},
                                  {20, -27, 36, 2.8F},
                                  {34, -20, 34, 2.7F},
                                  {50, -14, 41, 2.7F},
                                  {64, -2, 38, 2.6F},
                                  {80, 6, 46, 2.5F},
                                  {100, 22, 52, 2.2F}},
                                 kWobble_mm, artery);
  v.hepatic_artery[0].point = v.splenic_artery[0].point = v.celiac[2].point;
  const Knot confluence = frame.knots({{-13, -22, 0, 6}}, kWobble_mm, vein)[0];
  v.smv = frame.knots(
      {{-18, -29, -130, 3.6F}, {-17, -27, -80, 4.8F}, {-16, -26, -45, 5.3F}, {-15, -25, -20, 5.7F}, {0, 0, 0, 0}},
      kWobble_mm, vein);
  v.smv.back() = confluence;
  v.portal_vein =
      frame.knots({{0, 0, 0, 0}, {-19, -21, 16, 6.5F}, {-32, -24, 35, 6.4F}, {-48, -28, 54, 5.8F}}, kWobble_mm, vein);
  v.portal_vein.front() = confluence;
  v.splenic_vein = frame.knots({{0, 0, 0, 0},
                                {8, -25, 9, 4.3F},
                                {36, -19, 17, 4.1F},
                                {66, 1, 27, 3.9F},
                                {94, 22, 40, 3.5F},
                                {106, 30, 48, 2.8F}},
                               kWobble_mm, vein);
  v.splenic_vein.front() = {confluence.point, 4.4F * vein};
  return v;
}

void add_branches(Frame& frame, const VesselLines& lines, std::vector<Organ>& organs) {
  const auto add = [&](const std::vector<Knot>& line, float hu) {
    organs.push_back(vessel(sweep(line), hu, Label::background, Vessel::none));
  };
  const float vein_hu = frame.hu().cava + 15;
  add(frame.knots({{20, -6, -7, 4}, {30, 12, -6, 4.2F}, {56, 34, -8, 3.8F}}, 1), vein_hu);
  add(frame.knots({{-24, 9, -7, 4.5F}, {3, -6, -7, 3.4F}, {20, -6, -7, 4}}, 0.5F), vein_hu);
  add(frame.knots({{-27, 11, -20, 4.5F}, {-42, 24, -22, 4.2F}, {-58, 34, -24, 3.6F}}, 1), vein_hu);
  add(frame.knots({{2, 12, -4, 2.8F}, {-24, 25, -12, 2.5F}, {-58, 36, -20, 2.3F}}, 1), frame.hu().aorta - 20);
  add(frame.knots({{12, 12, -4, 2.8F}, {34, 24, -6, 2.5F}, {56, 36, -6, 2.3F}}, 1), frame.hu().aorta - 20);
  for (int i = 0; i < 12; ++i) {  // mesenteric branches
    const bool artery = i % 2 == 0;
    const auto& trunk = artery ? lines.sma : lines.smv;
    const float place = artery ? frame.between(3, 4.6) : frame.between(0.3, 1.8);
    const Knot start = along(trunk, place);
    const Point away{frame.between(18, 55) * (i % 3 == 0 ? -1.0F : 1.0F), frame.between(-26, 4),
                     frame.between(-40, -8)};
    const std::vector<Knot> line{{start.point, 2.0F},
                                 {start.point + 0.5F * away + Point{0, frame.between(-6, 6), 0}, 1.7F},
                                 {start.point + away, 1.2F}};
    add(line, artery ? frame.hu().aorta - 30 : frame.hu().portal - 10);
  }
  organs.push_back(vessel(sweep(lines.cava), frame.hu().cava, Label::background, Vessel::none));
}

std::vector<Organ> named_vessels(Frame& frame, const VesselLines& lines) {
  const Enhancement& hu = frame.hu();
  std::vector<Organ> vessels;
  vessels.push_back(vessel(sweep(lines.splenic_vein), hu.portal, Label::veins, Vessel::none));
  vessels.push_back(vessel(sweep(lines.hepatic_artery), hu.aorta - 15, Label::arteries, Vessel::none));
  vessels.push_back(vessel(sweep(lines.splenic_artery), hu.aorta - 15, Label::arteries, Vessel::none));
  vessels.push_back(vessel(sweep(lines.smv), hu.portal - 4, Label::veins, Vessel::smv));
  vessels.push_back(vessel(sweep(lines.portal_vein), hu.portal, Label::veins, Vessel::portal_vein));
  vessels.push_back(vessel(sweep(lines.sma), hu.aorta - 5, Label::arteries, Vessel::sma));
  vessels.push_back(vessel(sweep(lines.celiac), hu.aorta - 5, Label::arteries, Vessel::celiac_trunk));
  vessels.push_back(vessel(sweep(lines.aorta), hu.aorta, Label::arteries, Vessel::aorta));
  return vessels;
}

}  // namespace twintrack::phantom

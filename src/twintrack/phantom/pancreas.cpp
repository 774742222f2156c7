// The pancreas with its ducts, and the tumour in it.
#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "twintrack/phantom/frame.hpp"

namespace twintrack::phantom {
namespace {

// Places on the centre line that belong to head, body and tail.
constexpr std::array<std::pair<float, float>, 3> kSitePlaces{{{0.4F, 1.3F}, {2.2F, 3.7F}, {4.1F, 5.2F}}};

struct Approach {
  std::string name;
  Point point;
  float distance_mm;
};

Approach approach(const std::string& name, const std::vector<Knot>& line, Point centre) {
  const Point nearest = along(line, nearest_place(line, centre)).point;
  return {name, nearest, length(nearest - centre)};
}

Site draw_site(Random& random) {
  const double share = random.uniform(0, 1);
  if (share < 0.6) return Site::head;
  return share < 0.82 ? Site::body : Site::tail;
}

// A lobe of the tumour towards the vessel, and the reaction of the fat ahead of it.
void extend(Frame& frame, Tumor& tumor, Point towards, bool with_lobe) {
  const Point way = towards - tumor.centre;
  const float distance = std::max(length(way), 1.0F);
  const Point direction = (1 / distance) * way;
  const float reach = std::min(distance + frame.between(-2, 5), tumor.radius_mm + 15);
  const Point tip = tumor.centre + reach * direction;
  if (with_lobe) {
    tumor.extension = frame.rough(
        {Segment{tumor.centre, tip, 0.55F * tumor.radius_mm, std::max(4.0F, 0.36F * tumor.radius_mm)}}, 2, 7);
  }
  const Point side{frame.between(-6, 6), frame.between(-6, 6), frame.between(-6, 6)};
  const float radius = frame.between(6, 10);
  tumor.stranding = frame.rough({Segment{tip, tip + 8 * direction + side, radius, radius * 0.8F}}, 3.5F, 6);
}

}  // namespace

Pancreas draw_pancreas(Frame& frame) {
  const float size = frame.between(1.0, 1.25);
  Pancreas p;
  p.head_size = size;
  p.line = frame.knots({{-38, -10, -26, 9},
                        {-34, -16, -8, 12.5F},
                        {-13, -36, 3, 8},
                        {12, -41, 12, 9},
                        {40, -31, 20, 9.5F},
                        {70, -9, 30, 9},
                        {94, 11, 39, 6.5F}},
                       1.5F, size);
  p.duct = p.line;
  const Point papilla = frame.point(-49, -11, -24);
  p.duct.front().point = papilla;
  p.duct[1].point = p.duct[1].point + Point{1, 3, 0};
  p.duct.back().point = along(p.line, 5.8F).point;
  for (std::size_t i = 0; i < p.duct.size(); ++i) p.duct[i].radius_mm = 1.45F - 0.08F * static_cast<float>(i);
  p.bile_duct =
      frame.knots({{-50, -26, 58, 2.6F}, {-41, -15, 34, 3}, {-39, -7, 10, 3}, {-38, -6, -8, 2.7F}, {0, 0, 0, 1.8F}}, 1);
  p.bile_duct.back().point = papilla + Point{1, 1, 2};
  return p;
}

Tumor draw_tumor(Frame& frame, const Pancreas& pancreas, const VesselLines& vessels) {
  Tumor tumor;
  tumor.site = draw_site(frame.random());
  const auto [first, last] = kSitePlaces[static_cast<std::size_t>(tumor.site)];
  const Knot knot = along(pancreas.line, frame.between(first, last));
  tumor.radius_mm = frame.between(8, 16.5);
  const Point offset{frame.between(-3, 3), frame.between(-3, 3), frame.between(-4, 4)};
  tumor.centre = knot.point + offset;
  const Point radii{tumor.radius_mm * frame.between(0.85, 1.2), tumor.radius_mm * frame.between(0.8, 1.05),
                    tumor.radius_mm * frame.between(0.85, 1.25)};
  tumor.core = frame.rough({Ellipsoid{tumor.centre, radii, frame.between(-0.1, 0.1)}}, 0.3F * tumor.radius_mm,
                           0.75F * tumor.radius_mm);
  const float contrast = frame.between(18, frame.phase() == Phase::pancreatic ? 52.0 : 42.0);
  tumor.hu = std::clamp(frame.hu().pancreas - contrast, 48.0F, 84.0F);
  tumor.margin_mm = frame.between(3, 7);

  std::array<Approach, 5> nearby{approach("smv", vessels.smv, tumor.centre), approach("sma", vessels.sma, tumor.centre),
                                 approach("celiac_trunk", vessels.celiac, tumor.centre),
                                 approach("portal_vein", vessels.portal_vein, tumor.centre),
                                 approach("splenic_vein", vessels.splenic_vein, tumor.centre)};
  std::ranges::sort(nearby, {}, &Approach::distance_mm);
  const Approach& target = nearby[frame.random().happens(0.6) ? 0 : 1];
  tumor.nearest_vessel = nearby[0].name;
  extend(frame, tumor, target.point, frame.random().happens(0.75));
  tumor.dilates_pancreatic_duct = frame.random().happens(0.85);
  const Point bile = along(pancreas.bile_duct, nearest_place(pancreas.bile_duct, tumor.centre)).point;
  tumor.dilates_bile_duct = tumor.site == Site::head && length(bile - tumor.centre) < tumor.radius_mm;
  return tumor;
}

void obstruct(Frame& frame, const Tumor& tumor, Pancreas& pancreas) {
  const float duct_mm = frame.between(2.2, 4.2);
  const float atrophy = frame.between(0.6, 0.85);
  const float bile_mm = frame.between(4.5, 8);
  // Finer knots, so that the change of calibre happens at the tumour.
  const auto refine = [](std::vector<Knot>& line) {
    std::vector<Knot> fine;
    for (int i = 0; i <= 4 * (static_cast<int>(line.size()) - 1); ++i)
      fine.push_back(along(line, static_cast<float>(i) / 4));
    line = std::move(fine);
  };
  if (tumor.dilates_pancreatic_duct) {
    refine(pancreas.duct);
    refine(pancreas.line);
    const float at = nearest_place(pancreas.duct, tumor.centre);
    const auto last = static_cast<float>(pancreas.duct.size() - 1);
    for (std::size_t i = 0; i < pancreas.duct.size(); ++i) {
      const auto place = static_cast<float>(i);
      if (place <= at) continue;
      pancreas.duct[i].radius_mm = duct_mm * (1 - 0.45F * (place - at) / std::max(last - at, 1.0F));
      const float share = std::clamp((place - at) / 4, 0.0F, 1.0F);
      pancreas.line[i].radius_mm *= 1 + share * (atrophy - 1);
    }
  }
  if (tumor.dilates_bile_duct) {
    refine(pancreas.bile_duct);
    const float at = nearest_place(pancreas.bile_duct, tumor.centre);
    for (std::size_t i = 0; i < pancreas.bile_duct.size(); ++i) {
      if (static_cast<float>(i) < at) pancreas.bile_duct[i].radius_mm = bile_mm;
    }
  }
}

void add_pancreas(Frame& frame, const Pancreas& pancreas, std::vector<Organ>& organs) {
  Organ gland;
  const int cones = pancreas.line.size() > 10 ? 2 : 6;
  const float size = pancreas.head_size;
  gland.solid.parts.push_back({sweep(pancreas.line, cones), 0});
  gland.solid.parts.push_back({{Ellipsoid{frame.moved(-35, -14, -14, 1.5F), {13.5F * size, 12 * size, 23 * size}, 0},
                                Segment{frame.point(-32, -9, -28), frame.point(-13, -11, -27), 9 * size, 5}},
                               6});
  frame.roughen(gland.solid, 1.8F, 5);
  gland.hu = frame.hu().pancreas;
  gland.mottle_hu = frame.between(6, 14);
  gland.label = Label::pancreas;
  organs.push_back(std::move(gland));

  Organ duct;
  duct.solid = Frame::solid(sweep(pancreas.duct, cones));
  duct.hu = 15;
  duct.label = Label::pancreatic_duct;
  organs.push_back(std::move(duct));
  Organ bile;
  bile.solid = Frame::solid(sweep(pancreas.bile_duct, pancreas.bile_duct.size() > 10 ? 2 : 6));
  bile.hu = 10;
  bile.label = Label::bile_duct;
  organs.push_back(std::move(bile));
}

}  // namespace twintrack::phantom

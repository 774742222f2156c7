#include "twintrack/phantom/anatomy.hpp"

#include "twintrack/phantom/frame.hpp"

namespace twintrack::phantom {

Anatomy draw_anatomy(std::uint64_t key) {
  Frame frame(key);
  Anatomy anatomy;
  anatomy.phase = frame.phase();
  anatomy.pancreas_hu = frame.hu().pancreas;
  anatomy.trunk = draw_trunk(frame);
  Pancreas pancreas = draw_pancreas(frame);
  const VesselLines lines = draw_vessel_lines(frame);
  anatomy.tumor = draw_tumor(frame, pancreas, lines);
  obstruct(frame, anatomy.tumor, pancreas);
  anatomy.pancreas_centre = frame.point(18, -20, 6);

  add_muscles_and_bones(frame, anatomy.trunk, anatomy.organs);
  add_upper_organs(frame, anatomy.organs);
  add_bowel(frame, anatomy.organs);
  add_branches(frame, lines, anatomy.organs);
  add_pancreas(frame, pancreas, anatomy.organs);
  anatomy.vessels = named_vessels(frame, lines);
  return anatomy;
}

}  // namespace twintrack::phantom

// The demo's picture: an axial slice of the CT, what the raters drew there, and what `predict` made of it.
#pragma once

#include <vector>

#include "png.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::demo {

struct Scene {
  Volume<float> ct;
  Volume<float> probability;
  Volume<std::uint16_t> roi;
  std::vector<Volume<std::uint16_t>> raters;
};

// Four squares of the axial slice that most raters mark most of: the slice with the region of interest's outline and
// the probability as colour; then 100 mm around the raters' marks: the raters' outlines, the share of raters as colour,
// and the probability as colour. Throws InputError when no rater marked anything.
Picture overview(const Scene& scene);

}  // namespace twintrack::demo

// What a network sees while it is trained: one patch, varied.
#pragma once

#include "png.hpp"
#include "twintrack/augmentation/augment.hpp"

namespace twintrack::demo {

// Grey levels run from `black` to `white`, in the units of the patch's image.
struct GreyWindow {
  float black = 0;
  float white = 1;
};

// Three rows of four pictures of the middle slice along axis 0, labels outlined: first the patch as it is, then what
// keys 1 to 11 of Random(key, `purpose`) make of it, row by row. `drawn` is a region of drawn_shape(patch, settings),
// or any that is large enough for a picture without zeros. Throws what `augment` throws.
Picture augmentation_picture(const Patch& drawn, const Shape3& patch, const AugmentationSettings& settings,
                             std::uint64_t purpose, const GreyWindow& window);

}  // namespace twintrack::demo

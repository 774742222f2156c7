// The part of a case that a network is trained on: all of it, or the surroundings of some labels, as members of a
// bundle see the surroundings of the pancreas.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/core/shape.hpp"
#include "twintrack/nnunet/dataset.hpp"
#include "twintrack/volume/volume.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct CropToLabels {
  std::vector<std::string> labels;    // names in dataset.json
  std::array<double, 3> margin_mm{};  // x, y, z
  friend bool operator==(const CropToLabels&, const CropToLabels&) = default;
};

// {"labels": [...], "margin_mm": [x, y, z]}: the member "crop_to_labels" of fingerprints and plans.
Json to_json(const CropToLabels& crop);
std::optional<CropToLabels> find_crop(const JsonView& document);

// Values of a label map that the crop's names stand for, as a flag for each value. Throws InputError naming `file` for
// a name it does not have or that is background, and for a margin that is no number of 0 or more.
std::vector<bool> crop_values(const CropToLabels& crop, const LabelScheme& labels, const std::string& file);

// `box` (z, y, x), which is not empty, grown by the whole voxels within the margin (x, y, z), as far as the grid goes.
Box3 grow_box(const Box3& box, const std::array<double, 3>& margin_mm, const Geometry& geometry);

// The box (z, y, x) around the crop's labels, grown by its margin; the whole grid without a crop. Throws InputError
// naming `where` when the map has none of the labels.
Box3 training_box(const Volume<std::uint16_t>& map, const LabelScheme& labels, const std::optional<CropToLabels>& crop,
                  const std::string& where);

[[noreturn]] void throw_nothing_to_crop_to(const CropToLabels& crop, const std::string& where);

}  // namespace twintrack

#include "twintrack/planning/training_box.hpp"

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kMaximalMargin_mm = 10'000;
constexpr std::size_t kMaximalNames = 512;
constexpr std::int64_t kBlock = 1 << 16;  // whole words of a BitMask
// As dilate() has it: rounding must not decide about a voxel exactly on the margin.
constexpr double kRounding = 1 + 5e-10;

bool is_margin(double value) { return value >= 0 && value <= kMaximalMargin_mm; }

}  // namespace

Json to_json(const CropToLabels& crop) { return {{"labels", crop.labels}, {"margin_mm", crop.margin_mm}}; }

std::optional<CropToLabels> find_crop(const JsonView& document) {
  const auto view = document.find("crop_to_labels");
  if (!view || view->is_null()) return {};
  CropToLabels crop;
  const auto names = view->at("labels").elements();
  if (names.empty() || names.size() > kMaximalNames) {
    view->at("labels").fail(fmt::format("{} names; 1 to {} are right", names.size(), kMaximalNames));
  }
  for (const JsonView& name : names) crop.labels.push_back(name.as_string());
  const auto margin = view->at("margin_mm").elements();
  if (margin.size() != 3) view->at("margin_mm").fail(fmt::format("expected x, y, z, found {} numbers", margin.size()));
  for (int axis = 0; axis < 3; ++axis) crop.margin_mm[axis] = margin[axis].as_number(0, kMaximalMargin_mm);
  return crop;
}

std::vector<bool> crop_values(const CropToLabels& crop, const LabelScheme& labels, const std::string& file) {
  if (crop.labels.empty()) throw InputError("{}: no label to crop to; name one at least", file);
  if (!std::ranges::all_of(crop.margin_mm, is_margin)) {
    throw InputError("{}: margin of {} mm around {}: each must be 0 to {:g}", file, fmt::join(crop.margin_mm, ", "),
                     fmt::join(crop.labels, ", "), kMaximalMargin_mm);
  }
  std::vector<bool> chosen(std::size_t{1} << 16, false);
  for (const std::string& name : crop.labels) {
    const auto& members = labels.members.at(labels.channel(name, file));
    for (const std::uint16_t value : members) chosen[value] = true;
  }
  if (chosen[0]) throw InputError("{}: cannot crop to background; name the labels of an organ", file);
  return chosen;
}

Box3 grow_box(const Box3& box, const std::array<double, 3>& margin_mm, const Geometry& geometry) {
  const Shape3 shape = geometry.shape();
  Box3 grown = box;
  for (int axis = 0; axis < 3; ++axis) {
    const double reach = std::floor(margin_mm[2 - axis] / geometry.spacing_zyx_mm()[axis] * kRounding);
    const auto voxels = static_cast<std::int64_t>(std::min(reach, static_cast<double>(shape[axis])));
    grown.begin[axis] = std::max<std::int64_t>(box.begin[axis] - voxels, 0);
    grown.end[axis] = std::min(box.end[axis] + voxels, shape[axis]);
  }
  return grown;
}

Box3 training_box(const Volume<std::uint16_t>& map, const LabelScheme& labels, const std::optional<CropToLabels>& crop,
                  const std::string& where) {
  const Shape3 shape = map.geometry.shape();
  if (!crop) return {{0, 0, 0}, shape};
  const std::vector<bool> chosen = crop_values(*crop, labels, where);
  BitMask mask(shape);
  parallel_for_blocks(mask.size(), kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (map.voxels[i] != 0 && chosen[map.voxels[i]]) mask.set(i);
    }
  });
  const Box3 box = bounding_box(mask);
  if (box.empty()) throw_nothing_to_crop_to(*crop, where);
  return grow_box(box, crop->margin_mm, map.geometry);
}

void throw_nothing_to_crop_to(const CropToLabels& crop, const std::string& where) {
  throw InputError("{}: no voxel is labelled {}; training inside a region around it needs one in every case", where,
                   fmt::join(crop.labels, " or "));
}

}  // namespace twintrack

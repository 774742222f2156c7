#include "twintrack/planning/training_case.hpp"

#include "twintrack/cohort/bit_mask.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/volume/io.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace twintrack {
namespace {

struct LabelFacts {
  Geometry geometry;
  BitMask foreground;
  Box3 training_box;
};

std::string names_of(const std::vector<bool>& known) {
  std::vector<std::size_t> values;
  for (std::size_t value = 0; value < known.size(); ++value) {
    if (known[value]) values.push_back(value);
  }
  return fmt::format("{}", fmt::join(values, ", "));
}

LabelFacts read_label_facts(const TrainingDataset& dataset, const TrainingCase& item,
                            const std::optional<CropToLabels>& crop) {
  const LabelScheme& scheme = dataset.dataset.labels;
  const std::vector<bool> known = known_labels(scheme);
  std::vector<bool> chosen;
  if (crop) chosen = crop_values(*crop, scheme, dataset.json_path().string());
  LabelFacts facts;
  BitMask centre;
  const auto start = [&](const Geometry& geometry) {
    facts.geometry = geometry;
    facts.foreground = BitMask(geometry.shape());
    if (crop) centre = BitMask(geometry.shape());
  };
  read_label_blocks(item.labels, start, [&](std::int64_t begin, std::span<const std::uint16_t> labels) {
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] == 0) continue;
      const std::int64_t voxel = begin + static_cast<std::int64_t>(i);
      if (!known[labels[i]]) {
        throw InputError("{}: label {} at {} is not in {}, which knows {}", item.labels.string(), labels[i],
                         voxel_name(voxel, facts.geometry), dataset.json_path().string(), names_of(known));
      }
      facts.foreground.set(voxel);
      if (crop && chosen[labels[i]]) centre.set(voxel);
    }
  });
  facts.training_box = {{0, 0, 0}, facts.geometry.shape()};
  if (crop) {
    const Box3 box = bounding_box(centre);
    if (box.empty()) throw_nothing_to_crop_to(*crop, item.labels.string());
    facts.training_box = grow_box(box, crop->margin_mm, facts.geometry);
  }
  return facts;
}

// Calls visit(z, y, first x, first voxel, voxels) for each piece of a row that the voxels from number `begin` on have
// within the box.
template <typename Visit>
void visit_rows(std::int64_t begin, std::span<const float> voxels, const Shape3& shape, const Box3& box,
                const Visit& visit) {
  const std::int64_t end = begin + std::ssize(voxels);
  for (std::int64_t row = begin / shape[2]; row * shape[2] < end; ++row) {
    const std::int64_t z = row / shape[1];
    const std::int64_t y = row % shape[1];
    if (z < box.begin[0] || z >= box.end[0] || y < box.begin[1] || y >= box.end[1]) continue;
    const std::int64_t first = std::max(begin, row * shape[2] + box.begin[2]);
    const std::int64_t last = std::min(end, row * shape[2] + box.end[2]);
    if (first < last) visit(z, y, first - row * shape[2], first, voxels.subspan(first - begin, last - first));
  }
}

std::int64_t count_in_box(const BitMask& mask, const Box3& box) {
  const Shape3& shape = mask.shape();
  std::int64_t count = 0;
  for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
      const std::int64_t row = (z * shape[1] + y) * shape[2];
      for (std::int64_t x = box.begin[2]; x < box.end[2]; ++x) count += mask[row + x] ? 1 : 0;
    }
  }
  return count;
}

// Collects, of the image's voxels within a box, those that are labelled and the extent of those that are not 0.
class ImageCollector {
 public:
  explicit ImageCollector(const LabelFacts& labels) : labels_(labels) {}

  void take(std::int64_t begin, std::span<const float> voxels) {
    visit_rows(begin, voxels, labels_.geometry.shape(), labels_.training_box,
               [&](std::int64_t z, std::int64_t y, std::int64_t x, std::int64_t voxel, std::span<const float> row) {
                 extend(z, y, x, row);
                 for (std::size_t i = 0; i < row.size(); ++i) {
                   if (!labels_.foreground[voxel + static_cast<std::int64_t>(i)]) continue;
                   if (row[i] != 0.0F) {
                     foreground_.push_back(row[i]);
                   } else {
                     zeros_ = true;
                   }
                 }
               });
  }

  // Labelled voxels that are 0 count where they lie within the box of those that are not.
  CaseFacts finish() {
    CaseFacts facts{labels_.geometry, labels_.training_box, nonzero_, std::move(foreground_)};
    if (facts.nonzero_box.empty()) facts.nonzero_box = facts.training_box;
    if (zeros_) facts.foreground.resize(count_in_box(labels_.foreground, facts.nonzero_box), 0.0F);
    return facts;
  }

 private:
  void extend(std::int64_t z, std::int64_t y, std::int64_t x, std::span<const float> row) {
    const auto nonzero = [](float value) { return value != 0.0F; };
    const auto first = std::find_if(row.begin(), row.end(), nonzero);
    if (first == row.end()) return;
    const auto last = std::find_if(row.rbegin(), row.rend(), nonzero).base();
    nonzero_ = union_of(nonzero_, {{z, y, x + (first - row.begin())}, {z + 1, y + 1, x + (last - row.begin())}});
  }

  const LabelFacts& labels_;
  Box3 nonzero_;
  std::vector<float> foreground_;
  bool zeros_ = false;
};

}  // namespace

CaseFacts read_training_case(const TrainingDataset& dataset, const TrainingCase& item,
                             const std::optional<CropToLabels>& crop) {
  const LabelFacts labels = read_label_facts(dataset, item, crop);
  ImageCollector collector(labels);
  read_blocks(
      item.image,
      [&](const Geometry& geometry) { require_same_grid(geometry, item.image, labels.geometry, item.labels); },
      [&](std::int64_t begin, std::span<const float> voxels) { collector.take(begin, voxels); });
  return collector.finish();
}

}  // namespace twintrack

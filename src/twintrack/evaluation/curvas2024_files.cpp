// Reads the files of a CURVAS 2024 case, two probability maps at once and the third in blocks.
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/curvas2024.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;

struct LabelFile {
  Geometry geometry;
  OrganLabels labels;
};

LabelFile read_organ_labels(const fs::path& file) {
  LabelFile result;
  read_label_blocks(
      file,
      [&](const Geometry& geometry) {
        result.geometry = geometry;
        result.labels = OrganLabels(geometry.shape());
      },
      [&](std::int64_t begin, std::span<const std::uint16_t> labels) {
        for (std::size_t i = 0; i < labels.size(); ++i) {
          const std::int64_t voxel = begin + static_cast<std::int64_t>(i);
          if (labels[i] > kCurvasOrgans) {
            throw InputError("{}: label {} at {}; CURVAS 2024 has 0 background, 1 pancreas, 2 kidneys, 3 liver",
                             file.string(), labels[i], voxel_name(voxel, result.geometry));
          }
          result.labels.set(voxel, labels[i]);
        }
      });
  return result;
}

void check_columns(const CohortCase& row) {
  if (row.probability.size() != kCurvasOrgans) {
    throw InputError("case {}: {} probability maps; CURVAS 2024 needs three: pancreas; kidneys; liver", row.name,
                     row.probability.size());
  }
  if (!row.segmentation) {
    throw InputError("case {}: no segmentation; CURVAS 2024 needs the label map of the prediction", row.name);
  }
  if (row.raters.empty()) throw InputError("case {}: no raters", row.name);
}

}  // namespace

Curvas2024Scores evaluate_curvas2024(const CohortCase& row) {
  check_columns(row);
  LabelFile prediction;
  std::vector<LabelFile> raters(row.raters.size());
  std::array<Volume<float>, kCurvasOrgans - 1> maps;
  const std::int64_t map_files = std::ssize(maps);
  parallel_for(map_files + 1 + std::ssize(raters), [&](std::int64_t i) {  // the maps, the largest of them, first
    if (i < map_files) {
      maps[i] = read_probability(row.probability[i]);
    } else if (i == map_files) {
      prediction = read_organ_labels(*row.segmentation);
    } else {
      raters[i - map_files - 1] = read_organ_labels(row.raters[i - map_files - 1]);
    }
  });

  const Geometry& grid = raters.front().geometry;
  const fs::path& grid_file = row.raters.front();
  std::vector<OrganLabels> rater_labels;
  for (std::size_t k = 0; k < raters.size(); ++k) {
    require_same_grid(grid, grid_file, raters[k].geometry, row.raters[k]);
    rater_labels.push_back(std::move(raters[k].labels));
  }
  require_same_grid(grid, grid_file, prediction.geometry, *row.segmentation);
  for (std::size_t m = 0; m < maps.size(); ++m)
    require_same_grid(grid, grid_file, maps[m].geometry, row.probability[m]);

  Curvas2024Sums sums(rater_labels, prediction.labels);
  std::vector<float> third;
  read_blocks(
      row.probability.back(),
      [&](const Geometry& geometry) { require_same_grid(grid, grid_file, geometry, row.probability.back()); },
      [&](std::int64_t begin, std::span<const float> block) {
        third.assign(block.begin(), block.end());
        clamp_probabilities(third, begin, grid, row.probability.back());
        const std::span<const float> first = maps[0].voxels;
        const std::span<const float> second = maps[1].voxels;
        sums.add(begin, {first.subspan(begin, block.size()), second.subspan(begin, block.size()), third});
      });
  return sums.scores(grid.voxel_volume_mm3());
}

}  // namespace twintrack

#include "twintrack/cohort/case_files.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/volume/io.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace twintrack {
namespace {

constexpr float kRounding = 1e-6F;
constexpr double kCornerTolerance = 0.02;  // of the smallest spacing
constexpr double kMicrometre_mm = 1e-3;
constexpr std::int64_t kBlock = 1 << 16;

std::string describe(const Geometry& g) {
  return fmt::format("{} voxels of {:g} mm, origin {:g}, direction {:g}", fmt::join(g.size, "x"),
                     fmt::join(g.spacing_mm, "x"), fmt::join(g.origin_mm, ", "), fmt::join(g.direction, " "));
}

// Position of the corner voxel's centre; bit a of `corner`: the far end of axis a.
std::array<double, 3> corner_mm(const Geometry& g, int corner) {
  std::array<double, 3> position = g.origin_mm;
  for (int row = 0; row < 3; ++row) {
    for (int axis = 0; axis < 3; ++axis) {
      const double index = (corner >> axis & 1) != 0 ? static_cast<double>(g.size[axis] - 1) : 0.0;
      position[row] += g.direction[3 * row + axis] * index * g.spacing_mm[axis];
    }
  }
  return position;
}

bool same_grid(const Geometry& a, const Geometry& b) {
  if (a.size != b.size) return false;
  const double smallest = *std::min_element(a.spacing_mm.begin(), a.spacing_mm.end());
  const double tolerance = std::max(kCornerTolerance * smallest, kMicrometre_mm);
  for (int corner = 0; corner < 8; ++corner) {
    const auto p = corner_mm(a, corner);
    const auto q = corner_mm(b, corner);
    if (std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) > tolerance) return false;
  }
  return true;
}

constexpr std::int64_t kRegionMargin = 20;

void check_rater_number(const std::vector<std::filesystem::path>& files) {
  if (files.size() <= kMaximalRaters) return;
  throw InputError("{}: {} raters; at most {} can be given", files.front().string(), files.size(), kMaximalRaters);
}

// Smallest box around the probabilities above 0.
Box3 support_box(const VolumeView<float>& probability) {
  const auto [nz, ny, nx] = probability.geometry.shape();
  std::vector<Box3> boxes(nz, Box3{{nz, ny, nx}, {}});
  parallel_for(nz, [&, ny = ny, nx = nx](std::int64_t z) {
    Box3& box = boxes[z];
    for (std::int64_t y = 0; y < ny; ++y) {
      const float* const row = probability.voxels.data() + (z * ny + y) * nx;
      const auto above = [](float p) { return p > 0; };
      const float* const first = std::find_if(row, row + nx, above);
      if (first == row + nx) continue;
      std::int64_t last = nx;
      while (!above(row[last - 1])) --last;
      box.begin = {z, std::min(box.begin[1], y), std::min<std::int64_t>(box.begin[2], first - row)};
      box.end = {z + 1, y + 1, std::max(box.end[2], last)};
    }
  });
  Box3 all;
  for (const Box3& box : boxes) all = union_of(all, box);
  return all;
}

// Length of the run of zeros that the labels begin with.
std::size_t zeros_at(std::span<const std::uint16_t> labels) {
  constexpr std::size_t step = 64;
  std::size_t zeros = 0;
  while (labels.size() - zeros >= step) {
    int any = 0;
    for (std::size_t i = 0; i < step; ++i) any |= labels[zeros + i];
    if (any != 0) break;
    zeros += step;
  }
  while (zeros < labels.size() && labels[zeros] == 0) ++zeros;
  return zeros;
}

}  // namespace

CaseMaps read_case_maps(const CohortCase& item, const std::vector<int>& tumor_labels, const MapsWanted& wanted) {
  check_rater_number(item.raters);
  std::vector<std::pair<std::filesystem::path, std::vector<int>>> files;
  for (const auto& rater : item.raters) files.emplace_back(rater, tumor_labels);
  const bool segmentation = wanted.segmentation && item.segmentation;
  const bool roi = wanted.roi && item.roi;
  if (segmentation) files.emplace_back(*item.segmentation, tumor_labels);
  if (roi) files.emplace_back(*item.roi, std::vector<int>{});

  CaseMaps maps;
  std::vector<MaskFile> masks(files.size());
  parallel_for(std::ssize(files) + 1, [&](std::int64_t i) {  // the map, the largest of them, first
    if (i == 0) {
      maps.probability = read_probability(item.probability.front());
    } else {
      masks[i - 1] = read_mask(files[i - 1].first, files[i - 1].second);
    }
  });
  for (std::size_t i = 0; i < files.size(); ++i)
    require_same_grid(maps.probability.geometry, item.probability.front(), masks[i].geometry, files[i].first);
  if (roi) {
    maps.roi = std::move(masks.back().mask);
    masks.pop_back();
  }
  if (segmentation) {
    maps.segmentation = std::move(masks.back().mask);
    masks.pop_back();
  }
  maps.raters.geometry = maps.probability.geometry;
  for (MaskFile& rater : masks) maps.raters.masks.push_back(std::move(rater.mask));
  return maps;
}

std::string case_identity(const CohortCase& item) {
  std::string list = sha256_of_file(item.probability.front());
  for (const auto& rater : item.raters) list += sha256_of_file(rater);
  if (item.roi) list += sha256_of_file(*item.roi);
  return sha256_of(list);
}

BitMask region_of_marks(const VolumeView<float>& probability, const RaterSet& raters) {
  const Shape3 shape = probability.geometry.shape();
  Box3 box = union_of(support_box(probability), bounding_box(raters));
  if (box.empty()) box = {{0, 0, 0}, shape};
  BitMask region(shape);
  for (int axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::max<std::int64_t>(box.begin[axis] - kRegionMargin, 0);
    box.end[axis] = std::min(box.end[axis] + kRegionMargin, shape[axis]);
  }
  for (std::int64_t z = box.begin[0]; z < box.end[0]; ++z) {
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
      for (std::int64_t x = box.begin[2]; x < box.end[2]; ++x) region.set((z * shape[1] + y) * shape[2] + x);
    }
  }
  return region;
}

BitMask voxels_reaching(const VolumeView<float>& probability, double threshold) {
  BitMask mask(probability.geometry.shape());
  const auto level = static_cast<float>(threshold);
  parallel_for_blocks(mask.size(), kBlock, [&](std::int64_t begin, std::int64_t end) {  // whole words
    for (std::int64_t i = begin; i < end; ++i) {
      if (probability.voxels[i] >= level) mask.set(i);
    }
  });
  return mask;
}

void require_same_grid(const Geometry& a, const std::filesystem::path& a_file, const Geometry& b,
                       const std::filesystem::path& b_file) {
  if (same_grid(a, b)) return;
  throw InputError("{}: lies on another grid than {}; all files of a case need one\n  {}; not {}", b_file.string(),
                   a_file.string(), describe(b), describe(a));
}

void clamp_probabilities(std::span<float> probabilities, std::int64_t begin, const Geometry& geometry,
                         const std::filesystem::path& file) {
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    float& p = probabilities[i];
    if (!(p >= -kRounding && p <= 1.0F + kRounding)) {
      throw InputError("{}: {} at {} is no probability, 0 to 1 is right", file.string(), p,
                       voxel_name(begin + static_cast<std::int64_t>(i), geometry));
    }
    p = std::clamp(p, 0.0F, 1.0F);
  }
}

Volume<float> read_probability(const std::filesystem::path& file) {
  Volume<float> map = read_volume(file);
  parallel_for_blocks(std::ssize(map.voxels), kBlock, [&](std::int64_t begin, std::int64_t end) {
    clamp_probabilities(std::span(map.voxels).subspan(begin, end - begin), begin, map.geometry, file);
  });
  return map;
}

MaskFile read_mask(const std::filesystem::path& file, const std::vector<int>& labels) {
  MaskFile result;
  std::vector<bool> chosen(std::size_t{1} << 16, false);
  for (const int label : labels) chosen.at(label) = true;
  if (labels.empty()) chosen[1] = true;
  read_label_blocks(
      file, [&](const Geometry& geometry) { result.geometry = geometry; },
      [&](std::int64_t begin, std::span<const std::uint16_t> block) {
        if (begin == 0) result.mask = BitMask(result.geometry.shape());
        for (std::size_t i = 0; i < block.size(); ++i) {
          if (block[i] == 0 && !chosen[0]) {
            i += zeros_at(block.subspan(i)) - 1;
            continue;
          }
          const std::int64_t voxel = begin + static_cast<std::int64_t>(i);
          if (chosen[block[i]]) {
            result.mask.set(voxel);
          } else if (labels.empty()) {
            throw InputError(
                "{}: label {} at {}: a binary map of 0 and 1 is needed; in raters' files and segmentations, "
                "--tumor-label (in training --rater-label) says which labels are tumour",
                file.string(), block[i], voxel_name(voxel, result.geometry));
          }
        }
      });
  return result;
}

RaterSet read_raters(const std::vector<std::filesystem::path>& files, const std::vector<int>& labels) {
  check_rater_number(files);
  std::vector<MaskFile> masks(files.size());
  parallel_for(std::ssize(files), [&](std::int64_t k) { masks[k] = read_mask(files[k], labels); });
  RaterSet raters{masks.front().geometry, {}};
  for (std::size_t k = 0; k < files.size(); ++k) {
    require_same_grid(raters.geometry, files[0], masks[k].geometry, files[k]);
    raters.masks.push_back(std::move(masks[k].mask));
  }
  return raters;
}

}  // namespace twintrack

#include "twintrack/report/case_data.hpp"

#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/agreement_counts.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/pipeline/region_of_interest.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/report/grey_levels.hpp"
#include "twintrack/volume/io.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace twintrack {
namespace {

constexpr double kMargin_mm = 25;
constexpr int kBits = 8;

// A mask of the whole grid that the viewer will show.
struct NamedMask {
  ShownMask shown;
  BitMask mask;
};

std::array<double, kReportExperts> agreement_mm3(std::span<const float> map, double voxel_mm3) {
  std::array<double, kReportExperts> volumes{};
  std::ranges::copy(agreement_volumes_mm3(map, voxel_mm3), volumes.begin());
  return volumes;
}

// In slices, so that the sum does not depend on the number of threads.
double sum_of(const Volume<float>& map) {
  const std::int64_t slice = map.geometry.size[0] * map.geometry.size[1];
  std::vector<double> sums(map.geometry.size[2]);
  parallel_for(std::ssize(sums), [&](std::int64_t z) {
    const auto begin = map.voxels.begin() + z * slice;
    sums[z] = std::accumulate(begin, begin + slice, 0.0);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

ShownMap measured(std::string name, const Volume<float>& map) {
  const double voxel_mm3 = map.geometry.voxel_volume_mm3();
  return {std::move(name), {}, agreement_mm3(map.voxels, voxel_mm3), sum_of(map) * voxel_mm3};
}

ByteVolume map_bytes(const DisplayGrid& grid, const Volume<float>& map) {
  return shown_bytes(grid, map.geometry, [&](std::int64_t i) { return level_of_probability(map.voxels[i]); });
}

// Smallest box around what one byte a voxel can show of the map.
Box3 visible_box(const Volume<float>& map) { return bounding_box(voxels_reaching(map, 0.5 / 255)); }

// Of mean human response, by how many raters marked a voxel.
ShownMap response_of(const RaterSet& raters, const DisplayGrid& grid) {
  const Geometry& geometry = raters.geometry;
  std::vector<std::uint8_t> counts(geometry.voxel_count());
  constexpr std::int64_t block = 1 << 18;  // of 64 voxels or multiples
  parallel_for_blocks(std::ssize(counts), block, [&](std::int64_t begin, std::int64_t end) {
    rater_counts(raters, begin, std::span(counts).subspan(begin, end - begin));
  });
  std::array<std::int64_t, kMaximalRaters + 1> voxels{};
  for (const std::uint8_t count : counts) ++voxels[count];
  const auto share = [&](std::int64_t count) { return static_cast<float>(count) / static_cast<float>(raters.size()); };
  const double voxel_mm3 = geometry.voxel_volume_mm3();
  ShownMap map{"Mean human response", {}, {}, 0, true};
  for (int count = 1; count <= raters.size(); ++count) {
    const double volume_mm3 = static_cast<double>(voxels[count]) * voxel_mm3;
    map.expected_mm3 += volume_mm3 * share(count);
    for (int k = 1; k <= kReportExperts; ++k) {
      if (share(count) >= agreement_edge(k, kReportExperts)) map.agreement_mm3[k - 1] += volume_mm3;
    }
  }
  map.bytes = shown_bytes(grid, geometry, [&](std::int64_t i) { return level_of_probability(share(counts[i])); });
  return map;
}

Json vascular_of(const Volume<float>& probability, const RaterSet& raters, std::span<const VesselMask> vessels) {
  Json result = Json::object();
  if (raters.masks.empty()) {
    const Json contacts = to_json(vascular_contact(probability, vessels));
    for (const auto& [name, contact] : contacts.items()) result[name] = {{"prediction", contact}};
    return result;
  }
  const Json involvement = to_json(vascular_involvement(probability, raters, vessels));
  for (const auto& [name, vessel] : involvement.items()) result[name] = vessel["geometric"];
  return result;
}

// What an earlier `predict --vessels` wrote.
Json vascular_of(const CaseFiles& files) {
  if (!files.summary) return nullptr;
  const Json document = read_json(*files.summary);
  const auto contacts = JsonView(document, files.summary->string()).find("vascular");
  if (!contacts) return nullptr;
  Json result = Json::object();
  for (const auto& [name, contact] : contacts->members()) result[name] = {{"prediction", contact.raw()}};
  return result;
}

CohortCase as_cohort_case(const CaseFiles& files) {
  CohortCase item;
  item.name = files.name;
  item.probability = {files.probability};
  item.segmentation = files.segmentation;
  item.raters = files.raters;
  item.roi = files.roi;
  return item;
}

std::vector<ByteVolume> packed(const std::vector<NamedMask>& masks, const DisplayGrid& grid, const Geometry& source) {
  std::vector<ByteVolume> bits;
  for (std::size_t first = 0; first < masks.size(); first += kBits) {
    const std::size_t end = std::min(first + kBits, masks.size());
    bits.push_back(shown_bytes(grid, source, [&](std::int64_t voxel) {
      unsigned byte = 0;
      for (std::size_t i = first; i < end; ++i) byte |= (masks[i].mask[voxel] ? 1U : 0U) << (i - first);
      return static_cast<std::uint8_t>(byte);
    }));
  }
  return bits;
}

Volume<float> read_on_grid(const std::filesystem::path& file, const std::optional<std::string>& series_uid,
                           const Geometry& grid, const std::filesystem::path& grid_file) {
  std::vector<std::string> warnings;  // `predict` has told them
  Volume<float> volume = read_volume(file, series_uid, warnings);
  require_same_grid(grid, grid_file, volume.geometry, file);
  return volume;
}

std::uint8_t mean_of(std::span<const std::uint8_t> block) {
  const int sum = std::accumulate(block.begin(), block.end(), 0);
  const auto count = static_cast<int>(block.size());
  return static_cast<std::uint8_t>((2 * sum + count) / (2 * count));
}

std::uint8_t mean_hu_of(std::span<const std::uint8_t> block) {
  float sum = 0;
  for (const std::uint8_t level : block) sum += hu_of_levels()[level];
  return level_of_hu(sum / static_cast<float>(block.size()));
}

// Each bit that at least half of the bytes have.
std::uint8_t majority_of(std::span<const std::uint8_t> block) {
  unsigned bits = 0;
  for (int bit = 0; bit < kBits; ++bit) {
    const auto set = std::ranges::count_if(block, [&](std::uint8_t byte) { return (byte >> bit & 1) != 0; });
    if (2 * set >= std::ssize(block)) bits |= 1U << bit;
  }
  return static_cast<std::uint8_t>(bits);
}

// The whole grid where nothing is marked and no region is given: cut to the body when the CT has been read.
Box3 marked_box(const CaseMaps& maps) {
  Box3 box = maps.roi ? bounding_box(*maps.roi) : visible_box(maps.probability);
  if (maps.segmentation) box = union_of(box, bounding_box(*maps.segmentation));
  if (!maps.raters.masks.empty()) box = union_of(box, bounding_box(maps.raters));
  return box;
}

std::vector<NamedMask> named_masks(CaseMaps& maps, std::vector<VesselMask> vessels, double voxel_mm3) {
  std::vector<NamedMask> masks;
  const auto add = [&](std::string name, MaskKind kind, BitMask mask) {
    const double volume_mm3 = static_cast<double>(count(mask)) * voxel_mm3;
    masks.push_back({{std::move(name), kind, volume_mm3}, std::move(mask)});
  };
  if (maps.segmentation) add("Segmentation", MaskKind::segmentation, std::move(*maps.segmentation));
  for (int k = 0; k < maps.raters.size(); ++k)
    add(fmt::format("Rater {}", k + 1), MaskKind::rater, std::move(maps.raters.masks[k]));
  for (VesselMask& vessel : vessels) {
    if (!bounding_box(vessel.mask).empty()) add(vessel.name, MaskKind::vessel, std::move(vessel.mask));
  }
  if (maps.roi) add("Region of interest", MaskKind::region, std::move(*maps.roi));
  return masks;
}

}  // namespace

CaseData read_case_data(const CaseFiles& files) {
  CaseMaps maps = read_case_maps(as_cohort_case(files), files.tumor_labels, {.segmentation = true, .roi = true});
  CaseData data;
  data.geometry = maps.probability.geometry;
  data.maps.push_back(measured("Probability", maps.probability));
  data.maximum_probability = *std::ranges::max_element(maps.probability.voxels);
  if (maps.roi) data.region = bounding_box(*maps.roi);
  Vessels vessels;
  if (files.vessels) {
    vessels = read_vessels(*files.vessels, challenge_vessels());
    require_same_grid(data.geometry, files.probability, vessels.geometry, *files.vessels);
    data.vascular = vascular_of(maps.probability, maps.raters, vessels.masks);
  } else {
    data.vascular = vascular_of(files);
  }

  Box3 box = marked_box(maps);
  std::optional<Volume<float>> ct;
  if (box.empty()) {
    ct = read_on_grid(files.image, files.series_uid, data.geometry, files.probability);
    box = body_region(*ct).box;
  }
  data.grid = display_grid(data.geometry, with_margin(box, kMargin_mm, data.geometry));
  data.maps.front().bytes = map_bytes(data.grid, maps.probability);
  maps.probability = Volume<float>{};
  if (!ct) ct = read_on_grid(files.image, files.series_uid, data.geometry, files.probability);
  data.ct = shown_bytes(data.grid, data.geometry, [&](std::int64_t i) { return level_of_hu(ct->voxels[i]); });
  ct.reset();
  if (files.uncalibrated) {
    const Volume<float> map = read_probability(*files.uncalibrated);
    require_same_grid(data.geometry, files.probability, map.geometry, *files.uncalibrated);
    data.maps.push_back(measured("Uncalibrated", map));
    data.maps.back().bytes = map_bytes(data.grid, map);
  }
  if (!maps.raters.masks.empty()) data.maps.push_back(response_of(maps.raters, data.grid));

  const std::vector<NamedMask> masks = named_masks(maps, std::move(vessels.masks), data.geometry.voxel_volume_mm3());
  data.mask_bits = packed(masks, data.grid, data.geometry);
  for (const NamedMask& mask : masks) {
    data.masks.push_back(mask.shown);
    if (mask.shown.kind == MaskKind::segmentation) data.tumor_volume_mm3 = mask.shown.volume_mm3;
  }
  return data;
}

CaseData thinned(const CaseData& data, std::int64_t factor) {
  CaseData coarse = data;
  coarse.grid = thinned(data.grid, factor);
  coarse.ct = thinned_bytes(data.ct, data.grid, coarse.grid, mean_hu_of);
  for (ShownMap& map : coarse.maps) map.bytes = thinned_bytes(map.bytes, data.grid, coarse.grid, mean_of);
  for (ByteVolume& bits : coarse.mask_bits) bits = thinned_bytes(bits, data.grid, coarse.grid, majority_of);
  return coarse;
}

}  // namespace twintrack

#include "twintrack/evaluation/vascular_vessels.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/volume/io.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <limits>

namespace twintrack {
namespace {

constexpr int kNone = -1;
constexpr int kLargestLabel = std::numeric_limits<std::uint16_t>::max();

// Of every label, the vessel's place in `labels`.
std::vector<int> vessel_by_label(std::span<const VesselLabel> labels) {
  std::vector<int> vessel(kLargestLabel + 1, kNone);
  for (int v = 0; v < std::ssize(labels); ++v) {
    const auto& [name, label] = labels[v];
    if (name.empty()) throw InputError("vessel labels: label {} has no name", label);
    if (label < 1 || label > kLargestLabel)
      throw InputError("vessel labels: {} is {}, 1 to {} is right", name, label, kLargestLabel);
    if (vessel[label] != kNone)
      throw InputError("vessel labels: {} is both {} and {}", label, labels[vessel[label]].name, name);
    if (std::ranges::count(labels, name, &VesselLabel::name) > 1)
      throw InputError("vessel labels: {} is given more than once", name);
    vessel[label] = v;
  }
  return vessel;
}

[[noreturn]] void fail_without_vessels(const std::filesystem::path& file, std::span<const VesselLabel> labels) {
  std::vector<std::string> wanted;
  for (const auto& [name, label] : labels) wanted.push_back(fmt::format("{} ({})", label, name));
  throw InputError("{}: holds none of the vessel labels {}", file.string(), fmt::join(wanted, ", "));
}

}  // namespace

const std::vector<VesselLabel>& challenge_vessels() {
  static const std::vector<VesselLabel> labels{
      {"portal_vein", 1}, {"smv", 2}, {"aorta", 3}, {"celiac_trunk", 4}, {"sma", 5}};
  return labels;
}

Vessels read_vessels(const std::filesystem::path& file, std::span<const VesselLabel> labels) {
  const std::vector<int> vessel_of = vessel_by_label(labels);
  Vessels vessels;
  const auto start = [&](const Geometry& geometry) {
    vessels.geometry = geometry;
    for (const VesselLabel& label : labels) vessels.masks.push_back({label.name, BitMask(geometry.shape())});
  };
  bool found = false;
  read_label_blocks(file, start, [&](std::int64_t begin, std::span<const std::uint16_t> block) {
    for (std::int64_t i = 0; i < std::ssize(block); ++i) {
      if (block[i] == 0 || vessel_of[block[i]] == kNone) continue;
      vessels.masks[vessel_of[block[i]]].mask.set(begin + i);
      found = true;
    }
  });
  if (!found) fail_without_vessels(file, labels);
  return vessels;
}

}  // namespace twintrack

#include "twintrack/volume/dicom_duplicates.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/vector3.hpp"

namespace twintrack::volume_io {
namespace {

namespace fs = std::filesystem;

constexpr double same_position_mm = 1e-3;

using Group = std::span<const Slice>;

// Neighbours at the same height.
std::vector<Group> groups_of(const std::vector<Slice>& slices) {
  const Vector3 normal = normal_of(slices.front().orientation);
  const auto height = [&](const Slice& slice) { return dot(slice.position_mm, normal); };
  std::vector<Group> groups;
  for (std::size_t begin = 0; begin < slices.size();) {
    std::size_t end = begin + 1;
    while (end < slices.size() && height(slices[end]) - height(slices[begin]) < same_position_mm) ++end;
    groups.push_back(Group(slices).subspan(begin, end - begin));
    begin = end;
  }
  return groups;
}

bool at_same_place(const Slice& a, const Slice& b) {
  const Vector3 step = a.position_mm - b.position_mm;
  return std::sqrt(dot(step, step)) < same_position_mm;
}

// "Acquisition Number 1 (20 images, IM0001 first), 2 (20 images, IM0021 first)"; empty when nothing tells them apart.
std::string what_differs(const std::vector<Group>& groups) {
  const std::size_t repeats = groups.front().size();
  for (std::size_t i = 0; i < std::size(phase_attributes); ++i) {
    std::map<std::string, std::vector<const Slice*>> by_value;
    for (const Group& group : groups) {
      for (const Slice& slice : group) by_value[slice.phase[i]].push_back(&slice);
    }
    const bool one_of_each =
        std::ranges::all_of(by_value, [&](const auto& item) { return item.second.size() == groups.size(); });
    if (by_value.size() != repeats || !one_of_each) continue;
    std::vector<std::string> phases;
    for (const auto& [value, slices] : by_value)
      phases.push_back(
          fmt::format("'{}' ({} images, {} first)", value.substr(0, 32), slices.size(), name_of(*slices.front())));
    return fmt::format("; {}: {}", phase_attributes[i].name, fmt::join(phases, ", "));
  }
  return {};
}

[[noreturn]] void refuse(const std::vector<Group>& groups, const Slice& a, const Slice& b, const fs::path& path) {
  const std::size_t repeats = groups.front().size();
  const double height = dot(a.position_mm, normal_of(a.orientation));
  if (repeats > 1 && std::ranges::all_of(groups, [&](const Group& group) { return group.size() == repeats; }))
    throw InputError(
        "{}: duplicate slices, {} different images at each of {} positions ({} and {} at {:.3f} mm), such as phases or "
        "time points{}; name the files of one of them in a list (LIST.txt)",
        path.string(), repeats, groups.size(), name_of(a), name_of(b), height, what_differs(groups));
  throw InputError("{}: duplicate slices, {} and {} are both at {:.3f} mm and differ; leave one out", path.string(),
                   name_of(a), name_of(b), height);
}

}  // namespace

std::vector<Slice> without_duplicates(std::vector<Slice> slices, const fs::path& path,
                                      const std::function<bool(const Slice&, const Slice&)>& same_pixels,
                                      std::vector<std::string>& warnings) {
  const std::vector<Group> groups = groups_of(slices);
  if (groups.size() == slices.size()) return slices;
  std::vector<Slice> kept;
  const Slice* twice = nullptr;
  for (const Group& group : groups) {
    kept.push_back(group.front());
    for (const Slice& other : group.subspan(1)) {
      if (!at_same_place(group.front(), other) || !same_pixels(group.front(), other))
        refuse(groups, group.front(), other, path);
      if (twice == nullptr) twice = &other;
    }
  }
  const std::size_t left_out = slices.size() - kept.size();
  warnings.push_back(fmt::format("{} slice{} left out ({}{}): another file has the same pixels at the same position",
                                 left_out, left_out == 1 ? "" : "s", name_of(*twice), left_out == 1 ? "" : ", ..."));
  if (kept.size() < 2)
    throw InputError("{}: the series has 1 slice ({} times), a volume needs at least 2", path.string(), slices.size());
  return kept;
}

}  // namespace twintrack::volume_io

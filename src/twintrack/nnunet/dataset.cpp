#include "twintrack/nnunet/dataset.hpp"

#include "twintrack/core/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace twintrack {
namespace {

constexpr std::int64_t kMaximalLabel = 65535;
constexpr std::size_t kMaximalLabels = 512;

// The labels a name stands for: one, or the list of a region.
std::vector<std::int64_t> members_of(const JsonView& label) {
  std::vector<std::int64_t> values;
  if (!label.is_array()) return {label.as_integer(0, kMaximalLabel)};
  for (const JsonView& element : label.elements()) values.push_back(element.as_integer(0, kMaximalLabel));
  if (values.empty()) label.fail("a region without labels");
  return values;
}

bool is_background(const std::vector<std::int64_t>& values) {
  return std::all_of(values.begin(), values.end(), [](std::int64_t value) { return value == 0; });
}

LabelScheme plain_labels(const JsonView& labels) {
  std::map<std::int64_t, std::string> names;
  for (const auto& [name, view] : labels.members()) {
    if (name == "ignore") continue;
    const std::int64_t value = members_of(view).front();
    if (!names.emplace(value, name).second) view.fail(fmt::format("label {} has two names", value));
  }
  LabelScheme scheme;
  for (const auto& [value, name] : names) {
    if (value != scheme.channels()) {
      labels.fail(fmt::format("labels must be consecutive; {} is missing", scheme.channels()));
    }
    scheme.names.push_back(name);
    scheme.output_labels.push_back(static_cast<std::uint16_t>(value));
    scheme.members.push_back({static_cast<std::uint16_t>(value)});
  }
  if (const auto ignore = labels.find("ignore")) {
    scheme.ignore = static_cast<std::uint16_t>(ignore->as_integer(1, kMaximalLabel));
    if (*scheme.ignore != scheme.channels()) ignore->fail("the ignore label must be the highest one");
  }
  return scheme;
}

LabelScheme region_labels(const JsonView& labels, const JsonView& order) {
  LabelScheme scheme;
  scheme.regions = true;
  for (const auto& [name, view] : labels.members()) {
    const std::vector<std::int64_t> values = members_of(view);
    if (name == "ignore") {
      scheme.ignore = static_cast<std::uint16_t>(values.front());
    } else if (!is_background(values)) {
      scheme.names.push_back(name);
      scheme.members.emplace_back(values.begin(), values.end());
    }
  }
  for (const JsonView& label : order.elements()) {
    scheme.output_labels.push_back(static_cast<std::uint16_t>(label.as_integer(0, kMaximalLabel)));
  }
  if (scheme.output_labels.size() != scheme.names.size()) {
    order.fail(fmt::format("{} entries for {} regions", scheme.output_labels.size(), scheme.names.size()));
  }
  return scheme;
}

}  // namespace

std::int64_t LabelScheme::channel(const std::string& name, const std::string& file) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return found - names.begin();
  throw InputError("{}: there is no label '{}'; the model knows: {}", file, name, fmt::join(names, ", "));
}

Dataset parse_dataset(const JsonView& dataset) {
  const JsonView labels = dataset.at("labels");
  const auto members = labels.members();
  if (members.size() > kMaximalLabels) labels.fail(fmt::format("more than {} labels", kMaximalLabels));
  if (!is_background(members_of(labels.at("background")))) labels.at("background").fail("background must be label 0");
  const bool regions = std::any_of(members.begin(), members.end(), [](const auto& member) {
    return member.second.is_array() && member.second.elements().size() > 1;
  });
  Dataset result;
  result.labels = regions ? region_labels(labels, dataset.at("regions_class_order")) : plain_labels(labels);
  if (result.labels.names.empty()) labels.fail("no label beside background");
  auto channels = dataset.find("channel_names");
  if (!channels) channels = dataset.find("modality");
  if (channels) result.input_channels = static_cast<std::int64_t>(channels->members().size());
  return result;
}

Dataset read_dataset(const std::filesystem::path& path) {
  const Json document = read_json(path);
  return parse_dataset(JsonView(document, path.string()));
}

}  // namespace twintrack

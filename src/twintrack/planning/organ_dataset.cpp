#include "twintrack/planning/organ_dataset.hpp"

#include "twintrack/core/error.hpp"

#include <set>

namespace twintrack {
namespace {

using Values = std::set<std::uint16_t>;

Json number_or_list(const Values& values) {
  return values.size() == 1 ? Json(*values.begin()) : Json(std::vector<std::uint16_t>(values.begin(), values.end()));
}

}  // namespace

TrainingDataset organ_dataset(const TrainingDataset& dataset, const std::string& organ,
                              const std::vector<std::string>& parts) {
  const LabelScheme& labels = dataset.dataset.labels;
  Values inside;
  for (const std::string& part : parts) {
    const std::int64_t channel = labels.channel(part, dataset.json_path().string());
    inside.insert(labels.members[channel].begin(), labels.members[channel].end());
  }
  if (inside.empty() || inside.contains(0)) {
    throw InputError("{}: the labels of '{}' must be foreground, and one at least", dataset.json_path().string(),
                     organ);
  }
  Values outside;
  for (const auto& members : labels.members) {
    for (const std::uint16_t value : members) {
      if (value != 0 && !inside.contains(value)) outside.insert(value);
    }
  }
  TrainingDataset result = dataset;
  Json names{{"background", 0}, {organ, number_or_list(inside)}};
  Json order = Json::array({1});
  if (!outside.empty()) {
    names["other"] = number_or_list(outside);
    order.push_back(2);
  }
  if (labels.ignore) names["ignore"] = *labels.ignore;
  result.document["labels"] = names;
  result.document["regions_class_order"] = order;
  result.dataset = parse_dataset(JsonView(result.document, dataset.json_path().string()));
  return result;
}

}  // namespace twintrack

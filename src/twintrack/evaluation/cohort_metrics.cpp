#include "twintrack/evaluation/cohort_metrics.hpp"

#include "twintrack/evaluation/bootstrap.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <map>

namespace twintrack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void collect(const Json& node, const std::string& name, std::vector<std::pair<std::string, double>>& scalars) {
  if (node.is_object()) {
    for (const auto& [key, member] : node.items()) collect(member, name.empty() ? key : name + "." + key, scalars);
  } else if (node.is_number()) {
    scalars.emplace_back(name, node.get<double>());
  } else if (node.is_null()) {
    scalars.emplace_back(name, kNaN);
  }
}

// Values of every metric in the cases' order, NaN where a case does not have it.
struct MetricColumns {
  std::vector<std::string> names;  // in order of appearance
  std::map<std::string, std::vector<double>> values;
};

MetricColumns columns_of(const Json& cases) {
  MetricColumns columns;
  std::size_t row = 0;
  for (const auto& [name, metrics] : cases.items()) {
    for (const auto& [metric, value] : scalar_metrics(metrics)) {
      const auto [column, is_new] = columns.values.try_emplace(metric, cases.size(), kNaN);
      if (is_new) columns.names.push_back(metric);
      column->second[row] = value;
    }
    ++row;
  }
  return columns;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

}  // namespace

std::vector<std::pair<std::string, double>> scalar_metrics(const Json& case_metrics) {
  std::vector<std::pair<std::string, double>> scalars;
  collect(case_metrics, "", scalars);
  return scalars;
}

Json summarise(const Json& cases, int replicates, std::uint64_t seed) {
  const MetricColumns columns = columns_of(cases);
  Json summary = Json::object();
  for (const std::string& name : columns.names)
    summary[name] = to_json(bootstrap_mean(columns.values.at(name), replicates, seed));
  return summary;
}

Json compare_metrics(const Json& first, const Json& second, int replicates, std::uint64_t seed) {
  Json in_both = Json::object();
  Json others = Json::object();
  for (const auto& [name, metrics] : first.items()) {
    if (!second.contains(name)) continue;
    in_both[name] = metrics;
    others[name] = second[name];
  }
  const MetricColumns a = columns_of(in_both);
  const MetricColumns b = columns_of(others);
  Json comparison = Json::object();
  for (const std::string& name : a.names) {
    if (!b.values.contains(name)) continue;
    comparison[name] = to_json(compare_paired(a.values.at(name), b.values.at(name), replicates, seed));
  }
  return comparison;
}

Json read_metrics(const std::filesystem::path& file, const std::string& task) {
  const Json document = read_json(file);
  const JsonView view(document, file.string());
  const JsonView format = view.at("format");
  if (format.as_string() != kMetricsFormat) format.fail(fmt::format("{} is right", kMetricsFormat));
  if (view.at("task").as_string() != task) view.at("task").fail(fmt::format("'{}' is evaluated here", task));
  const JsonView cases = view.at("cases");
  if (cases.members().empty()) cases.fail("no cases");
  return cases.raw();
}

std::string to_csv(const Json& cases) {
  const MetricColumns columns = columns_of(cases);
  std::string csv = "case";
  for (const std::string& name : columns.names) csv += "," + quoted(name);
  csv += "\n";
  std::size_t row = 0;
  for (const auto& [name, metrics] : cases.items()) {
    csv += quoted(name);
    for (const std::string& metric : columns.names) {
      const double value = columns.values.at(metric)[row];
      csv += std::isnan(value) ? "," : fmt::format(",{}", value);
    }
    csv += "\n";
    ++row;
  }
  return csv;
}

}  // namespace twintrack

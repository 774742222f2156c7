#include "twintrack/evaluation/cohort_metrics.hpp"
#include "twintrack/evaluation/comparison.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace twintrack {
namespace {

// The paper's columns.
struct PaperMetric {
  std::string_view key;
  std::string_view title;
  std::string_view better;
  int decimals;
};
constexpr std::array<PaperMetric, 3> kPaperMetrics{
    {{"tdsc", "TDSC", "higher", 3}, {"ece_mean", "ECE", "lower", 4}, {"crps", "CRPS (mm3)", "lower", 1}}};

// Of one row and metric over all cases.
Json metrics_of_row(const Json& cases, const std::string& title) {
  Json of_row = Json::object();
  for (const auto& [name, rows] : cases.items()) of_row[name] = rows[title];
  return of_row;
}

std::string number(const Json& value, int decimals) {
  return value.is_null() ? "-" : fmt::format("{:.{}f}", value.get<double>(), decimals);
}

std::string csv_number(const Json& row, const char* key) {
  const bool known = row.is_object() && row.contains(key) && !row[key].is_null();
  return known ? fmt::format("{}", row[key].get<double>()) : "";
}

}  // namespace

ComparisonTable comparison_table(const Json& cases, const std::vector<ComparisonRow>& rows,
                                 const ComparisonOptions& options) {
  ComparisonTable table;
  const Json reference = metrics_of_row(cases, rows.back().title);
  for (const ComparisonRow& row : rows) {
    const Json metrics = metrics_of_row(cases, row.title);
    table.titles.push_back(row.title);
    table.means.push_back(summarise(metrics, options.replicates, options.seed));
    table.differences.push_back(
        &row == &rows.back() ? Json(nullptr) : compare_metrics(metrics, reference, options.replicates, options.seed));
  }
  return table;
}

Json to_json(const ComparisonTable& table) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < table.titles.size(); ++i) {
    rows.push_back({{"calibration_target", table.titles[i]},
                    {"metrics", table.means[i]},
                    {"difference_to_mhr", table.differences[i]}});
  }
  return rows;
}

std::string to_text(const ComparisonTable& table) {
  std::string text = fmt::format("{:<20}", "calibration target");
  for (const PaperMetric& metric : kPaperMetrics)
    text += fmt::format("  {:<40}", fmt::format("{} ({})", metric.title, metric.better));
  text += "\n";
  for (std::size_t i = 0; i < table.titles.size(); ++i) {
    text += fmt::format("{:<20}", table.titles[i]);
    for (const PaperMetric& metric : kPaperMetrics) {
      const Json& row = table.means[i][std::string(metric.key)];
      std::string cell = fmt::format("{} [{}, {}]", number(row["mean"], metric.decimals),
                                     number(row["ci_low"], metric.decimals), number(row["ci_high"], metric.decimals));
      if (!table.differences[i].is_null()) {
        cell += fmt::format(" p {}", number(table.differences[i][std::string(metric.key)]["p"], 4));
      }
      text += fmt::format("  {:<40}", cell);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  }
  return text + "p: of the paired difference to the row MHR\n";
}

std::string to_latex(const ComparisonTable& table) {
  std::string latex = "\\begin{tabular}{lrrr}\n\\hline\ncalibration target";
  for (const PaperMetric& metric : kPaperMetrics) {
    const std::string title = metric.key == "crps" ? "CRPS (mm$^3$)" : std::string(metric.title);
    latex += fmt::format(" & {} ({})", title, metric.better);
  }
  latex += " \\\\\n\\hline\n";
  for (std::size_t i = 0; i < table.titles.size(); ++i) {
    latex += table.titles[i];
    for (const PaperMetric& metric : kPaperMetrics) {
      const Json& row = table.means[i][std::string(metric.key)];
      latex += fmt::format(" & {} [{}, {}]", number(row["mean"], metric.decimals),
                           number(row["ci_low"], metric.decimals), number(row["ci_high"], metric.decimals));
    }
    latex += " \\\\\n";
  }
  return latex + "\\hline\n\\end{tabular}\n";
}

std::string to_csv(const ComparisonTable& table) {
  std::string csv =
      "calibration_target,metric,mean,ci_low,ci_high,n,difference_to_mhr,difference_ci_low,difference_ci_high,p\n";
  for (std::size_t i = 0; i < table.titles.size(); ++i) {
    for (const auto& [name, row] : table.means[i].items()) {
      const Json difference = table.differences[i].is_null() ? Json(nullptr) : table.differences[i].value(name, Json());
      csv += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", table.titles[i], name, csv_number(row, "mean"),
                         csv_number(row, "ci_low"), csv_number(row, "ci_high"), row["n"].get<std::int64_t>(),
                         csv_number(difference, "difference"), csv_number(difference, "ci_low"),
                         csv_number(difference, "ci_high"), csv_number(difference, "p"));
    }
  }
  return csv;
}

}  // namespace twintrack

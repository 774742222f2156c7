#include "twintrack/report/cohort_tables.hpp"

#include "twintrack/core/markup.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/plot/scale.hpp"
#include "twintrack/report/cohort_metric.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

namespace twintrack {
namespace {

using plot::number_text;

constexpr double kMm3PerMl = 1000;
constexpr std::size_t kLongName = 28;

std::string cell(const std::string& html) { return "<td>" + html + "</td>"; }
std::string number_cell(const std::string& html) { return "<td class=\"number\">" + html + "</td>"; }

std::string table(const std::string& head, const std::string& rows, const char* classes = "") {
  return fmt::format(
      "<div class=\"scrolls\"><table{}>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n", classes,
      head, rows);
}

std::string metric_head(const ReportedMetric& metric) {
  return fmt::format("<th class=\"number\">{}<br><span class=\"hint\">{} is better</span></th>",
                     title_with_unit(metric), metric.higher_is_better ? "higher" : "lower");
}

// The best finite mean of a column; NaN without one.
double best_mean(const ComparisonFile& comparison, const ReportedMetric& metric) {
  double best = std::numeric_limits<double>::quiet_NaN();
  for (const ComparisonFile::Row& row : comparison.rows) {
    const auto found = row.means.find(metric.key);
    if (found == row.means.end() || !std::isfinite(found->second.mean)) continue;
    const double mean = found->second.mean;
    if (std::isnan(best) || (metric.higher_is_better ? mean > best : mean < best)) best = mean;
  }
  return best;
}

std::string comparison_cell(const ComparisonFile::Row& row, const ReportedMetric& metric, double best) {
  const auto found = row.means.find(metric.key);
  if (found == row.means.end() || !std::isfinite(found->second.mean)) return number_cell("\u2013");
  const std::string mean = number_text(found->second.mean, metric.decimals);
  std::string below = interval_text(found->second, metric.decimals).substr(mean.size() + 1);
  if (const auto p = row.p.find(metric.key); p != row.p.end()) below += ", p " + p_text(p->second);
  const std::string above =
      mean == number_text(best, metric.decimals) ? fmt::format("<strong>{} \u2605</strong>", mean) : mean;
  return number_cell(fmt::format("{}<br><span class=\"hint\">{}</span>", above, escape_markup(below)));
}

struct PublishedRow {
  const char* title;
  std::array<double, 3> means;  // TDSC, ECE, CRPS
};
// Kirscher et al., TwinTrack, MIDL 2026, arXiv 2604.15950.
constexpr std::array<PublishedRow, 4> kPublished{{{"none", {0.553, 0.0156, 6032.2}},
                                                  {"one rater", {0.300, 0.0209, 10341.8}},
                                                  {"hard label", {0.307, 0.0209, 9859.8}},
                                                  {"MHR", {0.569, 0.0147, 5924.4}}}};

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string volume_range(const std::vector<double>& volumes_mm3) {
  const auto range = plot::range_of(volumes_mm3);
  if (!range) return "\u2013";
  return fmt::format("{} ({}\u2013{})", number_text(mean_of(volumes_mm3) / kMm3PerMl, 1),
                     number_text(range->low / kMm3PerMl, 1), number_text(range->high / kMm3PerMl, 1));
}

// `value` is what the script sorts by.
std::string sortable_cell(const std::string& html, double value) {
  return std::isfinite(value) ? fmt::format("<td class=\"number\" data-value=\"{}\">{}</td>", value, html)
                              : number_cell(html);
}

std::string sortable_head(const std::string& title, bool ascending_first, bool sorted = false) {
  const char* const first = ascending_first ? "ascending" : "descending";
  return fmt::format("<th class=\"number\" data-first=\"{}\"{}><button type=\"button\">{}</button></th>", first,
                     sorted ? fmt::format(" aria-sort=\"{}\"", first) : "", title);
}

// Short names stay on one line.
std::string name_html(const std::string& name) {
  return fmt::format("<span class=\"{}\">{}</span>", character_count(name) > kLongName ? "long-name" : "name",
                     escape_markup(name));
}

std::string case_row(const CaseFigures& item, const std::map<std::string, std::string>& links) {
  std::string name = name_html(item.name);
  if (const auto link = links.find(item.name); link != links.end())
    name = fmt::format("<a href=\"{}\">{}</a>", escape_markup(link->second), name);
  std::string row = fmt::format("<tr><th scope=\"row\">{}</th>", name);
  for (const ReportedMetric& metric : case_metrics()) {
    const double value = item.value(metric.key);
    row += sortable_cell(number_text(value, metric.decimals), value);
  }
  const double expected = item.value("volume_mm3.prediction") / kMm3PerMl;
  const double raters = item.rater_volumes_mm3.empty() ? std::numeric_limits<double>::quiet_NaN()
                                                       : mean_of(item.rater_volumes_mm3) / kMm3PerMl;
  row += sortable_cell(number_text(expected, 1), expected);
  row += sortable_cell(volume_range(item.rater_volumes_mm3), raters);
  return row + "</tr>\n";
}

std::string origin_text(const FileOrigin& origin) {
  std::string text = origin.version.empty() ? "" : "TwinTrack " + escape_markup(origin.version);
  if (origin.replicates > 0)
    text += fmt::format("{}{} replicates, seed {}", text.empty() ? "" : ", ", origin.replicates, origin.seed);
  return text;
}

}  // namespace

std::string comparison_table_html(const ComparisonFile& comparison) {
  std::string head = "<th>calibration target</th>";
  for (const ReportedMetric& metric : paper_metrics()) head += metric_head(metric);
  std::string rows;
  for (const ComparisonFile::Row& row : comparison.rows) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", escape_markup(row.title));
    for (const ReportedMetric& metric : paper_metrics())
      rows += comparison_cell(row, metric, best_mean(comparison, metric));
    rows += "</tr>\n";
  }
  return table(head, rows, " id=\"comparison\"");
}

std::string paper_table_html() {
  std::string head = "<th>calibration target</th>";
  for (const ReportedMetric& metric : paper_metrics())
    head += fmt::format("<th class=\"number\">{}</th>", title_with_unit(metric));
  std::string rows;
  for (const PublishedRow& row : kPublished) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", row.title);
    for (std::size_t i = 0; i < row.means.size(); ++i)
      rows += number_cell(number_text(row.means[i], paper_metrics()[i].decimals));
    rows += "</tr>\n";
  }
  return table(head, rows, " id=\"published\"");
}

std::string reliability_table_html(const CohortReportInput& input) {
  std::string rows;
  const auto row = [&](const std::string& title, const std::string& source, const std::string& error,
                       const std::string& ece) {
    rows += fmt::format("<tr><th scope=\"row\">{}<br><span class=\"hint\">{}</span></th>", title, source) +
            number_cell(error) + number_cell(ece) + "</tr>\n";
  };
  const std::vector<MapStage>& stages = input.maps.stages();
  for (const MapStage& stage : stages) {
    row(stage.title, stage.source, interval_text(bootstrap_mean(stage.response_error, input.replicates, input.seed), 4),
        interval_text(bootstrap_mean(stage.ece_mean, input.replicates, input.seed), 4));
  }
  if (stages.size() == 2) {
    const auto difference = [&](const std::vector<double>& after, const std::vector<double>& before) {
      const PairedComparison paired = compare_paired(after, before, input.replicates, input.seed);
      return fmt::format("{}<br><span class=\"hint\">p {}</span>", interval_text(paired.difference, 4),
                         p_text(paired.p));
    };
    row("Difference", "after minus before, by case", difference(stages[1].response_error, stages[0].response_error),
        difference(stages[1].ece_mean, stages[0].ece_mean));
  }
  return table(
      "<th>mean over cases, 95\u00a0% interval</th><th class=\"number\">calibration error<br><span "
      "class=\"hint\">against "
      "the "
      "mean human response</span></th><th class=\"number\">ECE<br><span class=\"hint\">the challenge's, mean over "
      "raters</span></th>",
      rows);
}

std::string calibrator_table_html(const CalibratorFile& file) {
  if (file.quality.empty()) return "";
  std::string rows;
  for (const auto& [title, quality] : file.quality) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", title) + number_cell(number_text(quality.brier, 6)) +
            number_cell(number_text(quality.calibration_error, 6)) + number_cell(number_text(quality.tdsc, 3)) +
            "</tr>\n";
  }
  return table(
      "<th>on the cohort that was fitted</th><th class=\"number\">Brier score</th><th class=\"number\">calibration "
      "error</th><th class=\"number\">TDSC</th>",
      rows);
}

std::string cases_table_html(const MetricsFile& metrics, const std::map<std::string, std::string>& links) {
  const ReportedMetric& first = case_metrics().front();
  std::vector<const CaseFigures*> worst_first;
  for (const CaseFigures& item : metrics.cases) worst_first.push_back(&item);
  std::ranges::stable_sort(worst_first, std::ranges::less(), [&](const CaseFigures* item) {
    const double value = item->value(first.key);
    return std::isfinite(value) ? value : std::numeric_limits<double>::infinity();
  });
  std::string head = "<th data-first=\"ascending\"><button type=\"button\">case</button></th>";
  for (const ReportedMetric& metric : case_metrics())
    head += sortable_head(title_with_unit(metric), metric.higher_is_better, &metric == &first);
  head += sortable_head("expected volume, ml", false) + sortable_head("raters' volume, ml", false);
  std::string rows;
  for (const CaseFigures* item : worst_first) rows += case_row(*item, links);
  return table(head, rows, " id=\"cases\" class=\"sortable\"");
}

std::vector<std::string> vessels_of(const MetricsFile& metrics) {
  constexpr std::string_view prefix = "vi.";
  constexpr std::string_view suffix = ".wasserstein";
  std::vector<std::string> vessels;
  for (const auto& [key, estimate] : metrics.summary) {
    if (key.starts_with(prefix) && key.ends_with(suffix) && key.size() > prefix.size() + suffix.size())
      vessels.push_back(key.substr(prefix.size(), key.size() - prefix.size() - suffix.size()));
  }
  return vessels;
}

std::string vessels_table_html(const MetricsFile& metrics, const std::vector<std::string>& vessels) {
  std::string rows;
  for (const std::string& vessel : vessels) {
    rows += fmt::format("<tr><th scope=\"row\">{}</th>", escape_markup(vessel));
    for (const char* const key : {"geometric.prediction.expected", "geometric.raters.mean", "wasserstein"})
      rows += number_cell(interval_text(metrics.mean(fmt::format("vi.{}.{}", vessel, key)), 1));
    rows += number_cell(number_text(static_cast<double>(metrics.mean("vi." + vessel + ".wasserstein").n), 0));
    rows += "</tr>\n";
  }
  return table(
      "<th>vessel</th><th class=\"number\">expected contact angle, degrees</th><th class=\"number\">raters' mean, "
      "degrees</th><th class=\"number\">challenge's distance, degrees<br><span class=\"hint\">lower is "
      "better</span></th><th class=\"number\">cases</th>",
      rows);
}

std::string provenance_html(const CohortReportInput& input) {
  std::string files;
  for (const ReportedFile& file : input.files) {
    files += "<tr>" + cell(escape_markup(file.role)) + cell(name_html(file.name)) +
             cell("<code>" + escape_markup(file.sha256) + "</code>") + cell(origin_text(file.origin)) + "</tr>\n";
  }
  std::string html = table("<th>input</th><th>file</th><th>SHA-256</th><th>made by</th>", files);
  html += fmt::format(
      "<p class=\"muted\">This report: TwinTrack {}; intervals computed here: bootstrap over cases, {} replicates, "
      "seed "
      "{}.</p>\n",
      escape_markup(version()), input.replicates, input.seed);
  std::string cases;
  for (std::size_t i = 0; i < input.maps.cases().size(); ++i) {
    cases += "<tr>" + cell(name_html(input.maps.cases()[i])) + cell("<code>" + input.maps.identities()[i] + "</code>") +
             "</tr>\n";
  }
  return html + "<details><summary>Cases: SHA-256 over map, raters and region of interest</summary>" +
         table("<th>case</th><th>SHA-256</th>", cases) + "</details>\n";
}

}  // namespace twintrack

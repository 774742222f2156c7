#include "twintrack/report/case_tables.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/report/page.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace twintrack {
namespace {

constexpr double kMm3PerMl = 1000;
constexpr double kMebibyte = 1 << 20;

std::string ml(double mm3) { return fmt::format("{:.2f}", mm3 / kMm3PerMl); }

// `kind` is a class of case_report.css: "wide", "files" or nothing.
std::string card(std::string_view title, const std::string& contents, std::string_view kind = "") {
  return fmt::format("<section class=\"card {}\"><h2>{}</h2>\n{}</section>\n", kind, title, contents);
}

// A table of names and values; `value` is HTML.
class Rows {
 public:
  void add(std::string_view name, const std::string& value) {
    html_ += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", escape_html(name), value);
  }
  void add_text(std::string_view name, std::string_view value) { add(name, escape_html(value)); }
  void add_code(std::string_view name, std::string_view value) {
    add(name, fmt::format("<code>{}</code>", escape_html(value)));
  }
  bool empty() const { return html_.empty(); }
  std::string table() const { return "<table class=\"facts\"><tbody>\n" + html_ + "</tbody></table>\n"; }

 private:
  std::string html_;
};

std::string figure(std::string_view name, const std::string& value, std::string_view unit, std::string_view note) {
  return fmt::format(
      "<div class=\"figure\"><dt>{}</dt><dd><strong>{}</strong> {}<span class=\"muted\">{}</span></dd></div>\n", name,
      value, unit, note);
}

std::string vessel_title(const std::string& key) {
  static const std::map<std::string, std::string> titles{{"portal_vein", "Portal vein"},
                                                         {"smv", "Superior mesenteric vein (SMV)"},
                                                         {"aorta", "Aorta"},
                                                         {"celiac_trunk", "Celiac trunk"},
                                                         {"sma", "Superior mesenteric artery (SMA)"}};
  const auto found = titles.find(key);
  return found == titles.end() ? key : found->second;
}

std::string target_title(const std::string& target) { return target == "mhr" ? "mean human response" : target; }

std::string number_cell(const std::string& text) { return fmt::format("<td class=\"number\">{}</td>", text); }

std::string degrees_cell(const JsonView& value) {
  return number_cell(fmt::format("{:.0f}&deg;", value.as_number(0, 360)));
}

std::string vessel_row(const std::string& name, const JsonView& vessel, bool with_raters) {
  std::string row = fmt::format("<tr><th scope=\"row\">{}</th>", escape_html(vessel_title(name)));
  const JsonView contact = vessel.at("prediction");
  if (contact.is_null()) {
    row += fmt::format("<td colspan=\"{}\" class=\"muted\">not in the vessels file</td>", kReportExperts + 1);
  } else {
    for (int k = 1; k <= kReportExperts; ++k)
      row += degrees_cell(contact.at("levels").at(fmt::format("{}/{}", k, kReportExperts)));
    row += degrees_cell(contact.at("expected"));
  }
  const auto raters = vessel.find("raters");
  if (with_raters && raters && !raters->is_null()) {
    row += number_cell(fmt::format("{:.0f}&deg; &plusmn; {:.0f}", raters->at("mean").as_number(0, 360),
                                   raters->at("sd").as_number(0, 360)));
  } else if (with_raters) {
    row += "<td></td>";
  }
  return row + "</tr>\n";
}

}  // namespace

std::string warnings_html(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return "";
  std::string html = "<section class=\"warnings\" role=\"alert\"><h2>Warnings</h2>\n<ul>\n";
  for (const std::string& warning : warnings) html += fmt::format("<li>{}</li>\n", escape_html(warning));
  return html + "</ul></section>\n";
}

std::string key_figures_html(const ReportedCase& facts) {
  std::string html = "<dl class=\"figures\">\n";
  if (facts.data.tumor_volume_mm3) {
    const auto threshold = facts.summary.find({"threshold"});
    html += figure("Tumour volume", ml(*facts.data.tumor_volume_mm3), "ml",
                   threshold ? fmt::format("segmented at probability {:g}", threshold->as_number(0, 1)) : "segmented");
  }
  html += figure("Expected volume", ml(facts.data.maps.front().expected_mm3), "ml", "sum of the map");
  html += figure("Highest value", fmt::format("{:.2f}", facts.data.maximum_probability), "", "of the map, 0 to 1");
  if (const auto components = facts.summary.find({"components"})) {
    html += figure("Components", fmt::format("{}", components->as_integer(0, std::int64_t{1} << 40)), "",
                   "connected parts of the segmentation");
  }
  if (const auto calibrated = facts.summary.find({"calibrated"})) {
    const auto target = facts.summary.find({"calibration_target"});
    html += figure("Calibrated", calibrated->as_bool() ? "yes" : "no", "",
                   target ? "to " + escape_html(target_title(target->as_string())) : "");
  }
  return html + "</dl>\n";
}

std::string agreement_html(const ReportedCase& facts) {
  const auto& maps = facts.data.maps;
  double largest = 0;
  for (const ShownMap& map : maps) largest = std::max(largest, map.agreement_mm3.front());
  std::string html = "<div class=\"scrolls\"><table class=\"agreement\"><thead><tr><th scope=\"col\">Experts</th>";
  for (const ShownMap& map : maps) html += fmt::format("<th scope=\"col\">{}</th>", escape_html(map.name));
  html += "</tr></thead>\n<tbody>\n";
  for (int k = 1; k <= kReportExperts; ++k) {
    html += fmt::format("<tr data-level=\"{}\"><th scope=\"row\">at least {} of {}</th>", k, k, kReportExperts);
    for (const ShownMap& map : maps) {
      const double mm3 = map.agreement_mm3[k - 1];
      html +=
          fmt::format("<td class=\"bar\" style=\"--share:{:.4f}\">{}</td>", largest > 0 ? mm3 / largest : 0, ml(mm3));
    }
    html += "</tr>\n";
  }
  html += "</tbody><tfoot><tr><th scope=\"row\">sum of the map</th>";
  for (const ShownMap& map : maps) html += fmt::format("<td>{}</td>", ml(map.expected_mm3));
  return card("Volumes by agreement, ml", html + "</tr></tfoot></table></div>\n", "wide");
}

std::string vascular_html(const ReportedCase& facts) {
  if (facts.data.vascular.is_null()) return "";
  const JsonView vessels(facts.data.vascular, facts.summary.file, "vascular");
  const auto members = vessels.members();
  const bool with_raters =
      std::ranges::any_of(members, [](const auto& vessel) { return vessel.second.find("raters").has_value(); });
  std::string html = "<div class=\"scrolls\"><table><thead><tr><th scope=\"col\">Contact angle where at least</th>";
  for (int k = 1; k <= kReportExperts; ++k)
    html += fmt::format("<th scope=\"col\" class=\"number\">{} of {}</th>", k, kReportExperts);
  html += "<th scope=\"col\" class=\"number\">expected</th>";
  if (with_raters) html += "<th scope=\"col\" class=\"number\">raters</th>";
  html += "</tr></thead>\n<tbody>\n";
  for (const auto& [name, vessel] : members) html += vessel_row(name, vessel, with_raters);
  html += fmt::format("</tbody></table></div>\n<p class=\"muted\">{}</p>\n", escape_html(kVascularNote));
  return card("Vessels", html, "wide");
}

std::string region_html(const ReportedCase& facts) {
  Rows rows;
  if (const auto source = facts.summary.find({"region_of_interest", "source"}))
    rows.add_text("Found by", source->as_string());
  if (facts.data.region) {
    const Shape3 size = facts.data.region->shape();
    const auto& spacing_mm = facts.data.geometry.spacing_mm;
    rows.add("Box",
             fmt::format("{} &times; {} &times; {} voxels, {:.0f} &times; {:.0f} &times; {:.0f} mm (x, y, z)", size[2],
                         size[1], size[0], static_cast<double>(size[2]) * spacing_mm[0],
                         static_cast<double>(size[1]) * spacing_mm[1], static_cast<double>(size[0]) * spacing_mm[2]));
  }
  if (const auto organ = facts.summary.find({"region_of_interest", "localizer_volume_mm3"}))
    rows.add_text("Organ found", ml(organ->as_number(0, 1e12)) + " ml");
  const auto& geometry = facts.data.geometry;
  rows.add("Scan", fmt::format("{} voxels of {:.4g} mm (x, y, z)", fmt::join(geometry.size, " &times; "),
                               fmt::join(geometry.spacing_mm, " &times; ")));
  return card("Region of interest", rows.table());
}

std::string timings_html(const ReportedCase& facts) {
  const auto seconds = facts.summary.find({"run", "seconds"});
  if (!seconds) return "";
  Rows rows;
  double total = 0;
  for (const auto& [stage, value] : seconds->members()) {
    const double stage_seconds = value.as_number(0, 1e9);
    total += stage_seconds;
    rows.add_text(stage, fmt::format("{:.1f} s", stage_seconds));
  }
  rows.add("all stages", fmt::format("<strong>{:.1f} s</strong>", total));
  if (const auto peak = facts.summary.find({"run", "peak_resident_bytes"}))
    rows.add_text("peak memory", fmt::format("{:.0f} MiB", peak->as_number(0, 1e18) / kMebibyte));
  return card("Time", rows.table());
}

std::string provenance_html(const ReportedCase& facts) {
  Rows rows;
  const auto add = [&](const char* name, std::initializer_list<const char*> path, bool code = false) {
    const auto value = facts.summary.find(path);
    if (!value) return;
    const std::string text = value->is_string() ? value->as_string() : to_text(value->raw());
    code ? rows.add_code(name, text) : rows.add_text(name, text);
  };
  add("Predicted with TwinTrack", {"run", "twintrack"});
  add("Bundle", {"bundle", "name"});
  add("Bundle SHA-256", {"bundle", "sha256"}, true);
  add("Networks SHA-256", {"bundle", "networks_sha256"}, true);
  add("Networks averaged", {"bundle", "members"});
  add("Calibration target", {"calibration_target"});
  add("Calibrator SHA-256", {"calibrator_sha256"}, true);
  add("Engine", {"run", "engine"});
  add("Precision", {"run", "precision"});
  add("Device", {"run", "device"});
  add("Processor", {"run", "processor"});
  add("Threads", {"run", "threads"});
  add("Step size", {"run", "step_size"});
  add("Mirroring", {"run", "mirroring"});
  add("Input's SHA-256 then", {"input", "sha256"}, true);
  return rows.empty() ? "" : card("Prediction", rows.table(), "wide");
}

std::string files_html(const ReportedCase& facts) {
  std::string html =
      "<div class=\"scrolls\"><table><thead><tr><th scope=\"col\">File</th><th scope=\"col\">Name</th>"
      "<th scope=\"col\">SHA-256</th></tr></thead>\n<tbody>\n";
  for (const FileIdentity& file : facts.files) {
    html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td><code>{}</code></td></tr>\n",
                        escape_html(file.role), escape_html(file.name), file.sha256);
  }
  return card("Files of this report", html + "</tbody></table></div>\n", "files");
}

}  // namespace twintrack

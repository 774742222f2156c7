#include "twintrack/report/case_report.hpp"

#include "report_assets.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/pipeline/input_identity.hpp"
#include "twintrack/report/case_summary.hpp"
#include "twintrack/report/case_tables.hpp"
#include "twintrack/report/grey_levels.hpp"
#include "twintrack/report/image_strips.hpp"
#include "twintrack/report/page.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

// A folder of DICOM files may be called after the patient.
std::string shown_name(const std::filesystem::path& path) {
  return std::filesystem::is_directory(path) ? "a DICOM series" : path.filename().string();
}

std::vector<FileIdentity> identities(const CaseFiles& files) {
  std::vector<FileIdentity> list;
  const auto add = [&](std::string role, const std::filesystem::path& path) {
    list.push_back({std::move(role), shown_name(path), sha256_of_input(path)});
  };
  add("CT", files.image);
  add("Probability map", files.probability);
  if (files.uncalibrated) add("Uncalibrated map", *files.uncalibrated);
  if (files.segmentation) add("Segmentation", *files.segmentation);
  if (files.roi) add("Region of interest", *files.roi);
  if (files.vessels) add("Vessels", *files.vessels);
  for (std::size_t k = 0; k < files.raters.size(); ++k) add(fmt::format("Rater {}", k + 1), files.raters[k]);
  if (files.summary) add("Summary", *files.summary);
  return list;
}

const FileIdentity* with_role(const std::vector<FileIdentity>& files, std::string_view role) {
  const auto found = std::ranges::find(files, role, &FileIdentity::role);
  return found == files.end() ? nullptr : &*found;
}

// The map has the volumes that the summary gives.
bool same_volumes(const CaseData& data, const CaseSummary& summary) {
  const auto volumes = summary.find({"agreement_volume_mm3"});
  if (!volumes) return true;
  for (int k = 1; k <= kReportExperts; ++k) {
    const double then_mm3 = volumes->at(fmt::format("{}/{}", k, kReportExperts)).as_number(0, 1e15);
    const double now_mm3 = data.maps.front().agreement_mm3[k - 1];
    if (std::abs(then_mm3 - now_mm3) > 1e-6 * std::max(then_mm3, now_mm3)) return false;
  }
  return true;
}

std::vector<std::string> warnings_of(const ReportedCase& facts) {
  const CaseSummary& summary = facts.summary;
  if (!summary.exists()) {
    return {
        "There is no summary (CASE.json) of predict beside the map: how it was made, and whether it is calibrated, "
        "is not known."};
  }
  std::vector<std::string> warnings;
  const auto ct_then = summary.find({"input", "sha256"});
  const FileIdentity& ct = *with_role(facts.files, "CT");
  if (ct_then && ct_then->as_string() != ct.sha256) {
    warnings.push_back(fmt::format(
        "The CT shown ({}) is not the one that was predicted: its SHA-256 differs from the summary's.", ct.name));
  }
  if (!same_volumes(facts.data, summary))
    warnings.push_back("The map is not the one that the summary describes: its volumes differ.");
  const FileIdentity* const vessels = with_role(facts.files, "Vessels");
  const auto vessels_then = summary.find({"vessels_sha256"});
  if (vessels != nullptr && vessels_then && vessels_then->as_string() != vessels->sha256)
    warnings.push_back(
        "The vessels are not those of the summary; the contact angles below are of the file given here.");
  if (const auto own = summary.find({"warnings"})) {
    for (const JsonView& warning : own->elements()) warnings.push_back(warning.as_string());
  }
  return warnings;
}

constexpr std::string_view name_of(MaskKind kind) {
  switch (kind) {
    case MaskKind::segmentation:
      return "segmentation";
    case MaskKind::region:
      return "region";
    case MaskKind::vessel:
      return "vessel";
    case MaskKind::rater:
      break;
  }
  return "rater";
}

// What the viewer's script needs beside the images.
Json viewer_data(const CaseData& data, bool calibrated) {
  const DisplayGrid& grid = data.grid;
  Json maps = Json::array();
  for (const ShownMap& map : data.maps)
    maps.push_back({{"name", map.name}, {"agreement_mm3", map.agreement_mm3}, {"response", map.of_raters}});
  Json masks = Json::array();
  for (const ShownMask& mask : data.masks)
    masks.push_back({{"name", mask.name}, {"kind", name_of(mask.kind)}, {"volume_mm3", mask.volume_mm3}});
  return {{"size", grid.size},
          {"spacing_mm", grid.spacing_mm},
          {"block", grid.block},
          {"voxel_axis", grid.axes.voxel_axis},
          {"reversed", grid.axes.reversed},
          {"first_voxel", grid.first_voxel},
          {"obliqueness_degrees", grid.axes.obliqueness_degrees},
          {"scan",
           {{"spacing_mm", data.geometry.spacing_mm},
            {"origin_mm", data.geometry.origin_mm},
            {"direction", data.geometry.direction}}},
          {"hu", hu_of_levels()},
          {"levels_per_expert", kLevelsPerExpert},
          {"experts", kReportExperts},
          {"calibrated", calibrated},
          {"maps", maps},
          {"masks", masks}};
}

struct Images {
  std::string html;
  std::int64_t thinning = 1;
};

std::string images_html(const CaseData& data) {
  std::string html = strips_html("ct", data.ct, data.grid.size);
  for (std::size_t i = 0; i < data.maps.size(); ++i)
    html += strips_html(fmt::format("map-{}", i), data.maps[i].bytes, data.grid.size);
  for (std::size_t i = 0; i < data.mask_bits.size(); ++i)
    html += strips_html(fmt::format("masks-{}", i), data.mask_bits[i], data.grid.size);
  return html;
}

// Thins the data until its images take at most `largest_bytes`.
Images fitting_images(CaseData& data, std::int64_t largest_bytes) {
  Images images{images_html(data), 1};
  if (std::ssize(images.html) <= largest_bytes) return images;
  const CaseData fine = std::move(data);
  while (true) {
    ++images.thinning;
    data = thinned(fine, images.thinning);
    images.html = images_html(data);
    if (std::ssize(images.html) <= largest_bytes) return images;
    if (data.grid.size == thinned(fine, images.thinning + 1).grid.size)
      throw InputError("the images cannot be thinned to {} bytes", largest_bytes);
  }
}

std::string viewer_html() {
  return "<section class=\"card viewer\" id=\"viewer\"><noscript>The images need JavaScript; all figures stand "
         "below.</noscript></section>\n";
}

std::string notes_html(const CaseData& data, std::int64_t thinning) {
  std::string notes =
      "<p class=\"muted notes\">Images hold 8 bits: CT from &minus;1000 to 1540 HU (every 2.5 HU from &minus;200 to "
      "250, every 25 or 30 HU beyond), maps in steps of 1/255 that keep every level k/5 exactly.";
  if (thinning > 1) {
    notes += fmt::format(
        " To keep this file small, the image shows means of {0} &times; {0} voxels; outlines are drawn from them. "
        "Every "
        "number is that of the full resolution.",
        thinning);
  }
  constexpr double noticeable_degrees = 1;
  if (data.grid.axes.obliqueness_degrees > noticeable_degrees) {
    notes += fmt::format(
        " The scan is oblique: planes follow its own axes, {:.0f}&deg; at most from the patient's, after which they "
        "are "
        "named.",
        data.grid.axes.obliqueness_degrees);
  }
  return notes + "</p>\n";
}

std::string script(std::string_view source) { return fmt::format("<script>\n{}</script>\n", source); }

std::string json_script(std::string_view id, const Json& json) {
  return fmt::format("<script type=\"application/json\" id=\"{}\">{}</script>\n", id,
                     escape_json_for_script(to_text(json)));
}

// Everything but the images.
struct Frame {
  std::string before;
  std::string after;
};

Frame frame_of(const CaseFiles& files, const ReportedCase& facts, const CaseReport& report, bool calibrated) {
  Frame frame;
  frame.before = "<header class=\"case-header\"><p class=\"muted\">TwinTrack case report</p>";
  frame.before += fmt::format("<h1><bdi>{}</bdi></h1></header>\n", escape_html(files.name));
  frame.before += warnings_html(report.warnings) + key_figures_html(facts) + viewer_html();
  frame.before += notes_html(facts.data, report.thinning);
  frame.before += "<div class=\"tables\">\n" + agreement_html(facts) + vascular_html(facts) + region_html(facts) +
                  timings_html(facts) + provenance_html(facts) + files_html(facts) + "</div>\n";
  frame.before += json_script("viewer-data", viewer_data(facts.data, calibrated));
  frame.before += json_script("case-summary", facts.summary.document);
  frame.after = script(report_assets::case_images_js) + script(report_assets::case_contours_js) +
                script(report_assets::case_viewer_js) + script(report_assets::case_report_js);
  return frame;
}

std::string page_of(const CaseFiles& files, const Frame& frame, const std::string& images) {
  return html_page(files.name + " - TwinTrack case report",
                   fmt::format("<style>\n{}</style>\n", report_assets::case_report_css),
                   frame.before + images + frame.after);
}

}  // namespace

CaseReport case_report(const CaseFiles& files, std::int64_t largest_bytes) {
  const CaseSummary summary = files.summary ? read_case_summary(*files.summary) : CaseSummary{};
  CaseData data = read_case_data(files);
  const auto said = summary.find({"calibrated"});
  const bool calibrated = !said || said->as_bool();
  data.maps.front().name = calibrated ? "Expected agreement" : "Network probability (not calibrated)";

  CaseReport report;
  const ReportedCase facts{data, summary, identities(files)};
  report.warnings = warnings_of(facts);
  constexpr std::int64_t note_bytes = 1024;  // what thinning may add to the frame
  const auto frame_bytes = std::ssize(page_of(files, frame_of(files, facts, report, calibrated), ""));
  const Images images = fitting_images(data, largest_bytes - frame_bytes - note_bytes);
  report.thinning = images.thinning;
  report.html = page_of(files, frame_of(files, facts, report, calibrated), images.html);
  return report;
}

}  // namespace twintrack

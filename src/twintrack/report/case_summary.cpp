#include "twintrack/report/case_summary.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/volume/io.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace twintrack {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  if (what.empty()) return;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

void replace_in_strings(Json& node, std::string_view what, std::string_view with) {
  if (node.is_string()) {
    replace_all(node.get_ref<std::string&>(), what, with);
  } else if (node.is_structured()) {
    for (Json& member : node) replace_in_strings(member, what, with);
  }
}

}  // namespace

std::optional<JsonView> CaseSummary::find(std::initializer_list<const char*> path) const {
  if (!exists()) return {};
  std::optional<JsonView> view(std::in_place, document, file);
  for (const char* key : path) {
    view = view->find(key);
    if (!view || view->is_null()) return {};
  }
  return view;
}

CaseSummary read_case_summary(const std::filesystem::path& file) {
  Json summary = read_json(file);
  const JsonView view(summary, file.string());
  const JsonView format = view.at("format");
  if (format.as_string() != "twintrack-case/1") format.fail("twintrack-case/1 (a summary of `predict`) is right");
  const auto input = view.find("input");
  const auto given = input ? input->find("path") : std::nullopt;
  if (!given) return {std::move(summary), file.string()};
  const std::filesystem::path path = (std::filesystem::path(given->as_string()) / "").parent_path();
  const std::string folder = (path.parent_path() / "").string();
  // A folder of DICOM files may be called after the patient.
  replace_in_strings(summary, path.string(), has_volume_extension(path) ? path.filename().string() : "the input");
  if (folder != "/") replace_in_strings(summary, folder, "");
  summary["input"].erase("path");
  return {std::move(summary), file.string()};
}

}  // namespace twintrack

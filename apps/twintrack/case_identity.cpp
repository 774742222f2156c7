#include "case_identity.hpp"

#include <map>

#include "twintrack/core/error.hpp"
#include "twintrack/pipeline/input_identity.hpp"

namespace twintrack::cli {
namespace {

bool is_file_name(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.front() != '-' && name.size() <= 200 &&
         name.find('/') == std::string::npos &&
         std::ranges::none_of(name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

std::vector<Case> named_by_content(std::vector<Case> cases) {
  constexpr std::size_t digits = 8;
  std::map<std::string, std::filesystem::path> inputs;
  for (Case& item : cases) {
    item.name = "case-" + sha256_of_input(item.path).substr(0, digits);
    const auto [same, is_new] = inputs.try_emplace(item.name, item.path);
    if (!is_new) {
      throw InputError("{} and {}: both would be {} with --deidentify, they hold the same", same->second.string(),
                       item.path.string(), item.name);
    }
  }
  return cases;
}

}  // namespace

void add_identity_options(CLI::App& job, IdentityArguments& a) {
  job.add_flag("--deidentify", a.deidentify,
               "Keep nothing of the patient in results: no paths, names, dates, numbers or identifiers; cases are "
               "named after their content");
  job.add_option("--case-name", a.case_name, "Name of the case in results, when there is only one");
}

std::vector<Case> named(std::vector<Case> cases, const IdentityArguments& a) {
  if (a.case_name.empty()) return a.deidentify ? named_by_content(std::move(cases)) : cases;
  if (!is_file_name(a.case_name))
    throw UsageError("--case-name '{}': letters, digits, blanks and the like, as a file name has them", a.case_name);
  if (cases.size() > 1)
    throw UsageError("--case-name {}: names one case, the input holds {}", a.case_name, cases.size());
  cases.front().name = a.case_name;
  return cases;
}

void deidentify(Json& summary, std::size_t reading_warnings) {
  summary["input"].erase("path");
  Json& warnings = summary["warnings"];
  for (std::size_t i = 0; i < reading_warnings; ++i) warnings.erase(0);
  if (reading_warnings == 0) return;
  warnings.insert(
      warnings.begin(),
      fmt::format("{} warning(s) of reading the input are left out, since they name its files", reading_warnings));
}

bool is_deidentified(const Json& summary) {
  return !summary.contains("input") || !summary.at("input").is_object() || !summary.at("input").contains("path");
}

}  // namespace twintrack::cli

#include "twintrack/report/cohort_links.hpp"

#include <fmt/format.h>

namespace twintrack {
namespace {

namespace fs = std::filesystem;

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

}  // namespace

std::string relative_link(const fs::path& page, const fs::path& file) {
  const fs::path folder = fs::absolute(page).lexically_normal().parent_path();
  const std::string way = fs::absolute(file).lexically_normal().lexically_relative(folder).generic_string();
  std::string link;
  for (const char c : way) {
    link += is_unreserved(c) || c == '/' ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return link;
}

std::map<std::string, std::string> links_to_case_reports(const fs::path& page, const fs::path& folder,
                                                         const std::vector<std::string>& cases) {
  std::map<std::string, std::string> links;
  for (const std::string& name : cases) {
    const fs::path file = folder / (name + ".html");
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored)) links[name] = relative_link(page, file);
  }
  return links;
}

}  // namespace twintrack

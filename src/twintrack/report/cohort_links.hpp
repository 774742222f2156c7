// From a report to the files beside it.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace twintrack {

// The way from the folder of `page` to `file`, percent-encoded (RFC 3986).
std::string relative_link(const std::filesystem::path& page, const std::filesystem::path& file);

// Links to those of folder/CASE.html that exist, by case.
std::map<std::string, std::string> links_to_case_reports(const std::filesystem::path& page,
                                                         const std::filesystem::path& folder,
                                                         const std::vector<std::string>& cases);

}  // namespace twintrack

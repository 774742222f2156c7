#include <algorithm>
#include <optional>
#include <set>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/dicom_input.hpp"
#include "twintrack/volume/dicom_instance.hpp"
#include "twintrack/volume/dicom_source.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using namespace volume_io;

struct Studies {
  std::vector<fs::path> folders;
  std::set<std::string> uids;
};

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  for (const auto& entry : fs::directory_iterator(folder)) entries.push_back(entry.path());
  std::ranges::sort(entries);
  return entries;
}

// What cannot be told is a study of its own: reading it says why.
std::string study_of(const fs::path& file) {
  std::string uid;
  try {
    uid = DicomInstance(read_dicom_header(file)).text(attribute::study_instance);
  } catch (const InputError&) {
  }
  return uid.empty() ? file.string() : uid;
}

Studies studies_in(const fs::path& folder, int depth) {
  const std::vector<fs::path> entries = entries_of(folder);
  const auto file = std::ranges::find_if(entries, is_dicom_file);
  if (file != entries.end()) return {{folder}, {study_of(*file)}};
  Studies all;
  for (const fs::path& entry : entries) {
    if (depth == deepest_folder || fs::is_symlink(entry) || !fs::is_directory(entry)) continue;
    Studies found = studies_in(entry, depth + 1);
    std::ranges::move(found.folders, std::back_inserter(all.folders));
    all.uids.merge(found.uids);
  }
  if (all.uids.size() == 1) all.folders = {folder};
  return all;
}

}  // namespace

std::vector<fs::path> dicom_study_folders(const fs::path& folder) {
  try {
    return studies_in(folder, 0).folders;
  } catch (const fs::filesystem_error& error) {
    throw InputError("{}: cannot be read: {}", folder.string(), error.code().message());
  }
}

}  // namespace twintrack

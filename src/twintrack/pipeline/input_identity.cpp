#include "twintrack/pipeline/input_identity.hpp"

#include "twintrack/core/files.hpp"
#include "twintrack/volume/dicom_source.hpp"

#include <map>

namespace fs = std::filesystem;

namespace twintrack {
namespace {

std::map<std::string, fs::path> files_below(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().lexically_relative(folder).generic_string()] = entry.path();
  }
  return files;
}

// Of a list, or of the series that a single slice means.
std::map<std::string, fs::path> files_of_series(const fs::path& path) {
  std::map<std::string, fs::path> files;
  if (const std::optional<DicomSource> source = dicom_source(path)) {
    for (const fs::path& file : source->files)
      files[file.lexically_relative(path.parent_path()).generic_string()] = file;
  }
  return files;
}

}  // namespace

std::string sha256_of_input(const fs::path& path) {
  const auto files = fs::is_directory(path) ? files_below(path) : files_of_series(path);
  if (files.empty() || (files.size() == 1 && files.begin()->second == path)) return sha256_of_file(path);
  std::string list;
  for (const auto& [name, file] : files) list += name + " " + sha256_of_file(file) + "\n";
  return sha256_of(list);
}

}  // namespace twintrack

#include "twintrack/volume/dicom_input.hpp"

#include <algorithm>
#include <map>
#include <sstream>

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/volume/dicom_header.hpp"
#include "twintrack/volume/text_fields.hpp"

namespace twintrack::volume_io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_files = 100'000;
constexpr std::size_t longest_list_bytes = std::size_t{1} << 24;

void add(std::vector<fs::path>& files, const fs::path& file, const fs::path& folder) {
  if (files.size() == most_files) throw InputError("{}: more than {} DICOM files", folder.string(), most_files);
  files.push_back(file);
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_dicom_file(entry.path())) add(files, entry.path(), folder);
  }
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator entry(folder), end; entry != end; ++entry) {
    if (entry.depth() >= deepest_folder) entry.disable_recursion_pending();
    if (is_dicom_file(entry->path())) add(files, entry->path(), folder);
  }
  std::ranges::sort(files);
  return files;
}

void check_entry(const fs::path& file, const fs::path& list, std::size_t line) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) throw InputError("{}: line {}: {} does not exist", list.string(), line, file.string());
  if (!fs::is_regular_file(status))
    throw InputError("{}: line {}: {} is no regular file", list.string(), line, file.string());
  if (!is_dicom_file(file)) throw InputError("{}: line {}: {} is no DICOM file", list.string(), line, file.string());
}

std::vector<fs::path> files_of_list(const fs::path& list) {
  std::vector<fs::path> files;
  std::map<fs::path, std::size_t> lines;
  std::istringstream text(read_file(list, longest_list_bytes));
  std::size_t number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    const std::string entry(trimmed(line));
    if (entry.empty() || entry.starts_with('#')) continue;
    const fs::path file = list.parent_path() / entry;
    check_entry(file, list, number);
    const auto [place, is_new] = lines.emplace(fs::canonical(file), number);
    if (!is_new) throw InputError("{}: line {} names the file of line {} again", list.string(), number, place->second);
    add(files, file, list);
  }
  if (files.empty()) throw InputError("{}: the list names no files; a path a line is needed", list.string());
  return files;
}

}  // namespace

bool is_dicom_file(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || lower_case(path.filename().string()) == "dicomdir") return false;
  return is_dicom(read_head(path, dicom_preamble_bytes));
}

bool is_file_list(const fs::path& path) { return lower_case(path.extension().string()) == ".txt"; }

DicomInput dicom_input(const fs::path& path) {
  if (fs::is_directory(path)) {
    DicomInput input{files_in(path), false, {}};
    if (input.files.empty()) input.files = files_below(path);
    if (input.files.empty()) throw InputError("{}: the folder holds no DICOM files", path.string());
    return input;
  }
  if (is_file_list(path)) return {files_of_list(path), true, {}};
  return {files_in(path.has_parent_path() ? path.parent_path() : "."), false, path};
}

}  // namespace twintrack::volume_io

#include "twintrack/pipeline/cases.hpp"

#include "twintrack/volume/dicom_source.hpp"
#include "twintrack/volume/io.hpp"

#include <algorithm>
#include <set>

namespace fs = std::filesystem;

namespace twintrack {
namespace {

std::string case_name(const fs::path& file) {
  std::string name = volume_stem(file);
  for (const std::string_view ending : {".txt", ".dcm"}) {
    if (name.size() > ending.size() && name.ends_with(ending)) name.resize(name.size() - ending.size());
  }
  if (name.size() > 5 && name.ends_with("_0000")) name.resize(name.size() - 5);
  return name;
}

std::string folder_name(const fs::path& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return path.filename().empty() ? path.parent_path().filename().string() : path.filename().string();
}

// "patient/study" in `input` becomes "patient_study".
std::vector<Case> dicom_cases(const fs::path& input) {
  const std::vector<fs::path> folders = dicom_study_folders(input);
  if (folders.empty()) {
    throw InputError("{}: no volume (.nii, .nii.gz, .mha, .mhd, .nrrd) and no DICOM series in this folder",
                     input.string());
  }
  if (folders.size() == 1) return {{folder_name(input), input}};
  std::vector<Case> cases;
  for (const fs::path& folder : folders) {
    std::string name = folder.lexically_relative(input).generic_string();
    std::replace(name.begin(), name.end(), '/', '_');
    cases.push_back({name, folder});
  }
  return cases;
}

}  // namespace

std::vector<Case> list_cases(const fs::path& input) {
  if (!fs::exists(input)) throw InputError("{}: there is no such file or folder", input.string());
  if (!fs::is_directory(input)) return {{case_name(input), input}};
  std::vector<Case> cases;
  for (const auto& entry : fs::directory_iterator(input)) {
    if (entry.path().filename().string().starts_with(".") || !has_volume_extension(entry.path())) continue;
    cases.push_back({case_name(entry.path()), entry.path()});
  }
  if (cases.empty()) cases = dicom_cases(input);
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) { return a.name < b.name; });
  std::set<std::string> names;
  for (const Case& item : cases) {
    if (!names.insert(item.name).second) {
      throw InputError("{}: two files would be case '{}'; give them different names", input.string(), item.name);
    }
  }
  return cases;
}

}  // namespace twintrack

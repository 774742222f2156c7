#include "dicom_output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/volume/dicom_source.hpp"

namespace twintrack::cli {
namespace {

// 256 bits that nobody knows and nothing keeps.
std::string random_key() {
  std::random_device random;
  std::string key;
  for (int i = 0; i < 8; ++i) key += fmt::format("{:08x}", random());
  return key;
}

bool is_dicom(const Case& item, const std::optional<std::string>& series_uid) {
  try {
    return dicom_source(item.path, series_uid).has_value();
  } catch (const InputError&) {
    return true;  // which is told when the case is read
  }
}

// Series are looked for in the folders of a folder, too.
bool lies_within(const std::filesystem::path& folder, const std::filesystem::path& other) {
  const auto inner = std::filesystem::weakly_canonical(folder);
  const auto outer = std::filesystem::weakly_canonical(other);
  return std::ranges::mismatch(outer, inner).in1 == outer.end();
}

}  // namespace

DicomOutput::DicomOutput(std::filesystem::path folder, std::optional<std::string> series_uid, bool deidentify)
    : folder_(std::move(folder)), series_uid_(std::move(series_uid)) {
  if (deidentify) deidentification_key_ = random_key();
}

void DicomOutput::check(const std::vector<Case>& cases) const {
  if (folder_.empty()) return;
  for (const Case& item : cases) {
    if (!is_dicom(item, series_uid_)) {
      throw UsageError("--dicom-out {}: {} is not DICOM, and the objects need the patient and study of a DICOM series",
                       folder_.string(), item.path.string());
    }
    if (lies_within(folder_, item.path)) {
      throw UsageError("--dicom-out {}: the objects would lie among the images of the input; choose another folder",
                       folder_.string());
    }
  }
}

void DicomOutput::make_folder() const {
  if (!folder_.empty()) make_output_folder(folder_);
}

std::vector<std::filesystem::path> DicomOutput::files(const std::string& case_name) const {
  if (folder_.empty()) return {};
  const ResultFiles files = result_files(folder_, case_name);
  return {files.segmentation, files.probability, files.probability_map, files.report};
}

std::optional<SourceStudy> DicomOutput::read(const Case& item, const Geometry& geometry) const {
  if (folder_.empty()) return {};
  const std::optional<DicomSource> source = dicom_source(item.path, series_uid_);
  if (!source) throw InputError("{}: is no longer DICOM", item.path.string());
  SourceStudy study = read_source_study(*source, geometry);
  if (deidentification_key_) study = deidentified(std::move(study), item.name, *deidentification_key_);
  return study;
}

void DicomOutput::write(const std::string& case_name, const std::optional<SourceStudy>& source,
                        const Volume<float>& probability, const Volume<std::uint8_t>& segmentation,
                        const Json& summary) const {
  if (!source) return;
  const DicomTime created = deidentification_key_ ? kNoTime : local_time_now();
  write_result_objects(result_files(folder_, case_name), {*source, probability, segmentation.voxels, summary, created});
}

}  // namespace twintrack::cli

// --dicom-out: a case's results as DICOM objects beside its CT.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/dicom/result_objects.hpp"
#include "twintrack/pipeline/cases.hpp"

namespace twintrack::cli {

class DicomOutput {
 public:
  // `folder` is empty without --dicom-out; all members then do nothing.
  DicomOutput(std::filesystem::path folder, std::optional<std::string> series_uid, bool deidentify);

  // Throws UsageError when a case's input is not DICOM, or objects would lie among the inputs.
  void check(const std::vector<Case>& cases) const;
  // Throws ResourceError when that fails.
  void make_folder() const;
  // Of the case, in the order in which they are written.
  std::vector<std::filesystem::path> files(const std::string& case_name) const;
  // Of the case's input, without the patient when that is asked for.
  std::optional<SourceStudy> read(const Case& item, const Geometry& geometry) const;
  void write(const std::string& case_name, const std::optional<SourceStudy>& source, const Volume<float>& probability,
             const Volume<std::uint8_t>& segmentation, const Json& summary) const;

 private:
  std::filesystem::path folder_;
  std::optional<std::string> series_uid_;
  std::optional<std::string> deidentification_key_;
};

}  // namespace twintrack::cli

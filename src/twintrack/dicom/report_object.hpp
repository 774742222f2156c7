// The measurements as a structured report. Internal to this module.
#pragma once

#include <filesystem>

#include "twintrack/dicom/object_modules.hpp"

namespace twintrack::dicom_objects {

// Comprehensive 3D SR (PS3.3, A.35.13) after TID 1500 Measurement Report (PS3.16), partial and unverified: volumes of
// the segmentation and of the probability map, contact angles where the summary has them, warnings, and what the
// figures are for. Throws ResourceError.
void write_report(const std::filesystem::path& file, const ResultContent& content, const CaseIdentity& identity);

}  // namespace twintrack::dicom_objects

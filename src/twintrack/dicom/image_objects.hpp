// The segmentation and the probabilities as DICOM images. Internal to this module.
#pragma once

#include <filesystem>

#include "twintrack/dicom/object_modules.hpp"

namespace twintrack::dicom_objects {

// Segmentation (PS3.3, A.51) of one segment, the tumour. All throw ResourceError.
void write_segmentation(const std::filesystem::path& file, const ResultContent& content, const CaseIdentity& identity);
// The same, FRACTIONAL and PROBABILITY: the byte is the probability times 255, rounded to nearest.
void write_probability(const std::filesystem::path& file, const ResultContent& content, const CaseIdentity& identity);
// Parametric Map (PS3.3, A.75): the probability itself as float32.
void write_probability_map(const std::filesystem::path& file, const ResultContent& content,
                           const CaseIdentity& identity);

}  // namespace twintrack::dicom_objects

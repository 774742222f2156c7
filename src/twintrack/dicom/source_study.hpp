// The patient, study and images that a CT was read from: what DICOM objects made of it carry over and refer to.
#pragma once

#include "twintrack/volume/dicom_source.hpp"
#include "twintrack/volume/volume.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace twintrack {

// A code of a terminology ("SCT", "DCM", "UCUM").
struct DicomCode {
  std::string value;
  std::string scheme;
  std::string meaning;
};

struct SourceImage {
  std::string sop_class_uid;
  std::string sop_instance_uid;
  int frame = 0;  // 1, 2, ... of a multi-frame image; 0: it has but one
};

struct SourceStudy {
  // Values of Patient, General Study and Patient Study that are sound, and what is known of lossy compression; UTF-8,
  // by tag (group in the upper 16 bits).
  std::map<std::uint32_t, std::string> attributes;
  std::vector<DicomCode> deidentification_methods;
  std::string study_uid;  // never empty, nor are the next two
  std::string series_uid;
  std::string frame_of_reference_uid;
  std::vector<SourceImage> images;    // of the series, each SOP instance once; empty when they cannot be referred to
  std::vector<SourceImage> slices;    // the image that slice z of the volume is; empty where they do not correspond
  std::vector<std::string> warnings;  // what could not be carried over; they name attributes, never values
};

// Attributes are hostile: what breaks its value representation, or is in a character set that it does not declare, is
// left out with a warning; identifiers that are needed and missing are replaced by ones of our own. `geometry` is the
// volume's. Throws InputError when a file cannot be read.
SourceStudy read_source_study(const DicomSource& source, const Geometry& geometry);

// The same study without the patient (PS3.15, Basic Application Level Confidentiality Profile): `pseudonym` stands for
// name and ID; dates, numbers and descriptions are empty; every identifier is mapped by derived_uid of `key` and
// itself. With a random key that is forgotten, studies of one run stay together and nobody can map back, not even by
// guessing identifiers, which scanners make of dates and serial numbers.
SourceStudy deidentified(SourceStudy study, const std::string& pseudonym, const std::string& key);

}  // namespace twintrack

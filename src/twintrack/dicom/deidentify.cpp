// The study without the patient; declared in source_study.hpp.
#include <utility>

#include "twintrack/dicom/data_set.hpp"
#include "twintrack/dicom/source_study.hpp"
#include "twintrack/dicom/study_attributes.hpp"
#include "twintrack/dicom/uid.hpp"

namespace twintrack {
namespace {

using namespace dicom_objects;

void remap(SourceImage& image, const std::string& key) {
  image.sop_instance_uid = derived_uid(key + image.sop_instance_uid);
}

}  // namespace

SourceStudy deidentified(SourceStudy study, const std::string& pseudonym, const std::string& key) {
  for (std::string* uid : {&study.study_uid, &study.series_uid, &study.frame_of_reference_uid})
    *uid = derived_uid(key + *uid);
  for (SourceImage& image : study.images) remap(image, key);
  for (SourceImage& image : study.slices) remap(image, key);

  std::map<std::uint32_t, std::string> kept;
  for (const StudyAttribute& attribute : compression_attributes) {
    const auto found = study.attributes.find(number_of(attribute.tag));
    if (found != study.attributes.end()) kept.insert(*found);
  }
  kept[number_of(DCM_PatientName)] = kept[number_of(DCM_PatientID)] = short_text(pseudonym);
  kept[number_of(DCM_PatientIdentityRemoved)] = "YES";
  kept[number_of(DCM_LongitudinalTemporalInformationModified)] = "REMOVED";
  study.attributes = std::move(kept);
  study.deidentification_methods = {{"113100", "DCM", "Basic Application Confidentiality Profile"}};
  return study;
}

}  // namespace twintrack

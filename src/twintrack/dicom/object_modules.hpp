// What all our objects have in common: patient, study, series, equipment, identity. Internal to this module.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "twintrack/core/json.hpp"
#include "twintrack/dicom/data_set.hpp"
#include "twintrack/dicom/result_objects.hpp"

namespace twintrack::dicom_objects {

// SOP classes (PS3.4, B.5).
inline constexpr const char* segmentation_storage = "1.2.840.10008.5.1.4.1.1.66.4";
inline constexpr const char* parametric_map_storage = "1.2.840.10008.5.1.4.1.1.30";
inline constexpr const char* comprehensive_3d_sr_storage = "1.2.840.10008.5.1.4.1.1.88.34";

inline constexpr const char* manufacturer = "TwinTrack";
// As much of kResearchUse as fits where 64 characters do.
inline constexpr const char* short_research_use = "Research use only; not for diagnosis";

inline const DicomCode neoplasm{"108369006", "SCT", "Neoplasm"};
inline const DicomCode pancreas{"15776009", "SCT", "Pancreas"};

// One of the objects of a case, each in a series of its own.
struct ObjectIdentity {
  std::string sop_class_uid;
  std::string sop_instance_uid;
  std::string series_uid;
  std::string modality;
  int series_number = 0;
  std::string series_description;
};

struct CaseIdentity {
  ObjectIdentity segmentation;
  ObjectIdentity probability;
  ObjectIdentity probability_map;
  ObjectIdentity report;
  std::string tumor_uid;  // Tracking UID
};
CaseIdentity identity_of(const ResultContent& content);

// Modules Patient, General Study, Patient Study, General Series, (Enhanced) General Equipment, SOP Common.
void put_common_modules(DcmItem& object, const ObjectIdentity& identity, const ResultContent& content);
void put_frame_of_reference(DcmItem& object, const SourceStudy& source);

// The source's images, where they can be referred to, by series (module Common Instance Reference).
void put_source_series(DcmItem& parent, const DcmTagKey& images_sequence, const SourceStudy& source);
void put_reference(DcmItem& parent, const std::string& sop_class_uid, const std::string& sop_instance_uid);

// "bundle NAME, SHA-256 ..., threshold 0.5": what the objects were made with.
std::string algorithm_parameters(const Json& summary);

}  // namespace twintrack::dicom_objects

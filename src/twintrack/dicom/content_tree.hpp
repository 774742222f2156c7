// Content items of structured reports (PS3.3, C.17.3). Internal to this module.
#pragma once

#include <string>

#include "twintrack/dicom/data_set.hpp"

namespace twintrack::dicom_objects {

// How an item relates to its parent.
inline constexpr const char* contains = "CONTAINS";
inline constexpr const char* has_concept_modifier = "HAS CONCEPT MOD";
inline constexpr const char* has_observation_context = "HAS OBS CONTEXT";
inline constexpr const char* has_acquisition_context = "HAS ACQ CONTEXT";

// What the root of a report or one of its containers is, after this template of PS3.16 where one is named.
void make_container(DcmItem& item, const DicomCode& concept_name, const char* template_number = nullptr);
DcmItem& add_container(DcmItem& parent, const DicomCode& concept_name, const char* template_number = nullptr);
void add_text(DcmItem& parent, const char* relationship, const DicomCode& concept_name, const std::string& text);
void add_code(DcmItem& parent, const char* relationship, const DicomCode& concept_name, const DicomCode& value);
void add_uid(DcmItem& parent, const char* relationship, const DicomCode& concept_name, const std::string& uid);
void add_number(DcmItem& parent, const DicomCode& concept_name, double value, const DicomCode& unit);
// The item of Referenced SOP Sequence, for a frame or segment number; without concept name when that has no value.
DcmItem& add_image(DcmItem& parent, const DicomCode& concept_name, const std::string& sop_class_uid,
                   const std::string& sop_instance_uid);

}  // namespace twintrack::dicom_objects

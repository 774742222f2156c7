// Which attributes of the source our objects carry over. Internal to this module.
#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcdeftag.h>
#include <dcmtk/dcmdata/dcvr.h>

#include <array>
#include <cstdint>

namespace twintrack::dicom_objects {

struct StudyAttribute {
  DcmTagKey tag;
  DcmEVR representation;
  bool always = false;  // type 2: stands in every object, empty when it is not known
  const char* multiplicity = "1";
};

// Modules Patient, General Study and Patient Study (PS3.3, C.7.1 and C.7.2).
inline const std::array<StudyAttribute, 17> study_attributes{{
    {DCM_StudyDate, EVR_DA, true},
    {DCM_StudyTime, EVR_TM, true},
    {DCM_AccessionNumber, EVR_SH, true},
    {DCM_ReferringPhysicianName, EVR_PN, true},
    {DCM_StudyDescription, EVR_LO},
    {DCM_PatientName, EVR_PN, true},
    {DCM_PatientID, EVR_LO, true},
    {DCM_IssuerOfPatientID, EVR_LO},
    {DCM_PatientBirthDate, EVR_DA, true},
    {DCM_PatientSex, EVR_CS, true},
    {DCM_PatientAge, EVR_AS},
    {DCM_PatientSize, EVR_DS},
    {DCM_PatientWeight, EVR_DS},
    {DCM_PatientIdentityRemoved, EVR_CS},
    {DCM_DeidentificationMethod, EVR_LO, false, "1-n"},
    {DCM_StudyID, EVR_SH, true},
    {DCM_LongitudinalTemporalInformationModified, EVR_CS},
}};

// An image made of one that lost information says so (PS3.3, C.7.6.1.1.5).
inline const std::array<StudyAttribute, 3> compression_attributes{{
    {DCM_LossyImageCompression, EVR_CS},
    {DCM_LossyImageCompressionRatio, EVR_DS, false, "1-n"},
    {DCM_LossyImageCompressionMethod, EVR_CS, false, "1-n"},
}};

inline std::uint32_t number_of(const DcmTagKey& tag) {
  return static_cast<std::uint32_t>(tag.getGroup()) << 16U | tag.getElement();
}

}  // namespace twintrack::dicom_objects

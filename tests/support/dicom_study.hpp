// Patient and study into the files of a DICOM series, and other changes of what they hold; written with DCMTK.
#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace twintrack::test {

inline void change_dicom(const std::filesystem::path& file, const std::function<void(DcmDataset&)>& change) {
  DcmFileFormat dicom;
  if (dicom.loadFile(file.c_str()).bad()) throw std::runtime_error("cannot read " + file.string());
  if (dicom.loadAllDataIntoMemory().bad()) throw std::runtime_error("cannot load " + file.string());
  change(*dicom.getDataset());
  if (dicom.saveFile(file.c_str(), EXS_LittleEndianExplicit).bad())
    throw std::runtime_error("cannot write " + file.string());
}

inline void change_series(const std::filesystem::path& folder, const std::function<void(DcmDataset&)>& change) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  for (const auto& file : files) change_dicom(file, change);
}

// Not checked by DCMTK, so that values may break every rule.
inline void set(DcmItem& item, const DcmTagKey& tag, const std::string& value) {
  if (item.putAndInsertOFStringArray(DcmTag(tag), OFString(value.data(), value.size())).bad())
    throw std::runtime_error("cannot set " + std::string(tag.toString().c_str()));
}

inline std::string get(DcmItem& item, const DcmTagKey& tag) {
  OFString value;
  item.findAndGetOFStringArray(tag, value);
  return {value.data(), value.size()};
}

// A patient as hospitals write them, in Latin 1.
inline void set_patient(DcmItem& item) {
  set(item, DCM_SpecificCharacterSet, "ISO_IR 100");
  set(item, DCM_PatientName, "M\xfcller^J\xf6rg");
  set(item, DCM_PatientID, "PID-4711");
  set(item, DCM_PatientBirthDate, "19500102");
  set(item, DCM_PatientSex, "M");
  set(item, DCM_PatientAge, "070Y");
  set(item, DCM_PatientWeight, "81.5");
  set(item, DCM_StudyInstanceUID, "1.2.826.0.1.3680043.9.77.1");
  set(item, DCM_FrameOfReferenceUID, "1.2.826.0.1.3680043.9.77.2");
  set(item, DCM_StudyDate, "20200304");
  set(item, DCM_StudyTime, "101112.5");
  set(item, DCM_AccessionNumber, "ACC-99");
  set(item, DCM_StudyID, "S-1");
  set(item, DCM_ReferringPhysicianName, "\xc4rztin^Anna");
  set(item, DCM_StudyDescription, "CT Abdomen portalven\xf6s");
}

}  // namespace twintrack::test

#include "twintrack/dicom/object_modules.hpp"

#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

#include "twintrack/core/files.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/dicom/study_attributes.hpp"
#include "twintrack/dicom/uid.hpp"

namespace twintrack::dicom_objects {
namespace {

// Of our series within the study, beyond what scanners number.
constexpr int first_series_number = 9001;

template <typename T>
std::string_view bytes_of(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

// Another text for every other content.
std::string digest_of(const ResultContent& content) {
  const SourceStudy& source = content.source;
  std::string text = content.created.date + content.created.time + "\n" + source.study_uid + "\n" + source.series_uid +
                     "\n" + source.frame_of_reference_uid + "\n";
  for (const SourceImage& image : source.images) text += image.sop_instance_uid + "\n";
  for (const auto& [tag, value] : source.attributes) text += fmt::format("{} {}\n", tag, value);
  text += to_text(content.summary) + "\n";
  text += sha256_of(bytes_of(std::span(content.probability.voxels))) + sha256_of(bytes_of(content.segmentation));
  return sha256_of(text);
}

void put_study(DcmItem& object, const SourceStudy& source) {
  for (const StudyAttribute& attribute : study_attributes) {
    const auto value = source.attributes.find(number_of(attribute.tag));
    if (value != source.attributes.end()) {
      put(object, attribute.tag, attribute.representation, value->second);
    } else if (attribute.always) {
      put(object, attribute.tag, attribute.representation, "");
    }
  }
  for (const DicomCode& method : source.deidentification_methods)
    put_code(object, DCM_DeidentificationMethodCodeSequence, method);
  put(object, DCM_StudyInstanceUID, EVR_UI, source.study_uid);
}

void put_equipment(DcmItem& object, const Json& summary) {
  put(object, DCM_Manufacturer, EVR_LO, manufacturer);
  put(object, DCM_ManufacturerModelName, EVR_LO, short_text(summary.at("bundle").at("name").get<std::string>()));
  put(object, DCM_DeviceSerialNumber, EVR_LO, summary.at("bundle").at("sha256").get<std::string>());
  put(object, DCM_SoftwareVersions, EVR_LO, version());
}

}  // namespace

CaseIdentity identity_of(const ResultContent& content) {
  const std::string digest = digest_of(content);
  int series_number = first_series_number;
  const auto object = [&](const char* sop_class, const char* modality, const std::string& description) {
    const std::string role = fmt::format("{} {}", digest, series_number);
    return ObjectIdentity{
        sop_class,  derived_uid(role + " instance"), derived_uid(role + " series"), modality, series_number++,
        description};
  };
  CaseIdentity identity;
  identity.segmentation = object(segmentation_storage, "SEG", "TwinTrack tumour segmentation (research use only)");
  identity.probability = object(segmentation_storage, "SEG", "TwinTrack tumour probability (research use only)");
  identity.probability_map =
      object(parametric_map_storage, "CT", "TwinTrack tumour probability map (research use only)");
  identity.report = object(comprehensive_3d_sr_storage, "SR", "TwinTrack measurements (research use only)");
  identity.tumor_uid = derived_uid(digest + " tumor");
  return identity;
}

void put_common_modules(DcmItem& object, const ObjectIdentity& identity, const ResultContent& content) {
  put(object, DCM_SpecificCharacterSet, EVR_CS, "ISO_IR 192");
  put(object, DCM_SOPClassUID, EVR_UI, identity.sop_class_uid);
  put(object, DCM_SOPInstanceUID, EVR_UI, identity.sop_instance_uid);
  put(object, DCM_InstanceCreationDate, EVR_DA, content.created.date);
  put(object, DCM_InstanceCreationTime, EVR_TM, content.created.time);
  put_study(object, content.source);
  put(object, DCM_Modality, EVR_CS, identity.modality);
  put(object, DCM_SeriesInstanceUID, EVR_UI, identity.series_uid);
  put(object, DCM_SeriesNumber, EVR_IS, std::to_string(identity.series_number));
  put(object, DCM_SeriesDescription, EVR_LO, identity.series_description);
  put(object, DCM_SeriesDate, EVR_DA, content.created.date);
  put(object, DCM_SeriesTime, EVR_TM, content.created.time);
  put(object, DCM_InstanceNumber, EVR_IS, "1");
  put(object, DCM_ContentDate, EVR_DA, content.created.date);
  put(object, DCM_ContentTime, EVR_TM, content.created.time);
  put_equipment(object, content.summary);
}

void put_frame_of_reference(DcmItem& object, const SourceStudy& source) {
  put(object, DCM_FrameOfReferenceUID, EVR_UI, source.frame_of_reference_uid);
  put(object, DCM_PositionReferenceIndicator, EVR_LO, "");
}

void put_reference(DcmItem& parent, const std::string& sop_class_uid, const std::string& sop_instance_uid) {
  put(parent, DCM_ReferencedSOPClassUID, EVR_UI, sop_class_uid);
  put(parent, DCM_ReferencedSOPInstanceUID, EVR_UI, sop_instance_uid);
}

void put_source_series(DcmItem& parent, const DcmTagKey& images_sequence, const SourceStudy& source) {
  if (source.images.empty()) return;
  DcmItem& series = add_item(parent, DCM_ReferencedSeriesSequence);
  put(series, DCM_SeriesInstanceUID, EVR_UI, source.series_uid);
  for (const SourceImage& image : source.images)
    put_reference(add_item(series, images_sequence), image.sop_class_uid, image.sop_instance_uid);
}

std::string algorithm_parameters(const Json& summary) {
  return long_text(
      fmt::format("bundle {}, SHA-256 {}; threshold {:g}; {}", summary.at("bundle").at("name").get<std::string>(),
                  summary.at("bundle").at("sha256").get<std::string>(), summary.at("threshold").get<double>(),
                  summary.at("calibrated").get<bool>() ? "calibrated" : "not calibrated"));
}

}  // namespace twintrack::dicom_objects

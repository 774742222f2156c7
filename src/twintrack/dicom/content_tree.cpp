#include "twintrack/dicom/content_tree.hpp"

#include <dcmtk/dcmdata/dctk.h>

namespace twintrack::dicom_objects {
namespace {

DcmItem& add_content(DcmItem& parent, const char* relationship, const char* type, const DicomCode& concept_name) {
  DcmItem& item = add_item(parent, DCM_ContentSequence);
  put(item, DCM_RelationshipType, EVR_CS, relationship);
  put(item, DCM_ValueType, EVR_CS, type);
  if (!concept_name.value.empty()) put_code(item, DCM_ConceptNameCodeSequence, concept_name);
  return item;
}

void complete_container(DcmItem& item, const char* template_number) {
  put(item, DCM_ContinuityOfContent, EVR_CS, "SEPARATE");
  if (template_number == nullptr) return;
  DcmItem& identification = add_item(item, DCM_ContentTemplateSequence);
  put(identification, DCM_MappingResource, EVR_CS, "DCMR");
  put(identification, DCM_TemplateIdentifier, EVR_CS, template_number);
}

}  // namespace

void make_container(DcmItem& item, const DicomCode& concept_name, const char* template_number) {
  put(item, DCM_ValueType, EVR_CS, "CONTAINER");
  put_code(item, DCM_ConceptNameCodeSequence, concept_name);
  complete_container(item, template_number);
}

DcmItem& add_container(DcmItem& parent, const DicomCode& concept_name, const char* template_number) {
  DcmItem& item = add_content(parent, contains, "CONTAINER", concept_name);
  complete_container(item, template_number);
  return item;
}

void add_text(DcmItem& parent, const char* relationship, const DicomCode& concept_name, const std::string& text) {
  put(add_content(parent, relationship, "TEXT", concept_name), DCM_TextValue, EVR_UT, long_text(text));
}

void add_code(DcmItem& parent, const char* relationship, const DicomCode& concept_name, const DicomCode& value) {
  put_code(add_content(parent, relationship, "CODE", concept_name), DCM_ConceptCodeSequence, value);
}

void add_uid(DcmItem& parent, const char* relationship, const DicomCode& concept_name, const std::string& uid) {
  put(add_content(parent, relationship, "UIDREF", concept_name), DCM_UID, EVR_UI, uid);
}

void add_number(DcmItem& parent, const DicomCode& concept_name, double value, const DicomCode& unit) {
  DcmItem& measured = add_item(add_content(parent, contains, "NUM", concept_name), DCM_MeasuredValueSequence);
  put(measured, DCM_NumericValue, EVR_DS, decimal(value));
  put_code(measured, DCM_MeasurementUnitsCodeSequence, unit);
}

DcmItem& add_image(DcmItem& parent, const DicomCode& concept_name, const std::string& sop_class_uid,
                   const std::string& sop_instance_uid) {
  DcmItem& reference = add_item(add_content(parent, contains, "IMAGE", concept_name), DCM_ReferencedSOPSequence);
  put(reference, DCM_ReferencedSOPClassUID, EVR_UI, sop_class_uid);
  put(reference, DCM_ReferencedSOPInstanceUID, EVR_UI, sop_instance_uid);
  return reference;
}

}  // namespace twintrack::dicom_objects

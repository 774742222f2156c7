#include "twintrack/dicom/report_object.hpp"

#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

#include <map>
#include <optional>

#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/dicom/content_tree.hpp"
#include "twintrack/dicom/object_file.hpp"
#include "twintrack/dicom/study_attributes.hpp"
#include "twintrack/dicom/uid.hpp"

namespace twintrack::dicom_objects {
namespace {

// Codes for what no public terminology has; docs/dicom.md lists them.
constexpr const char* own_scheme = "99TWINTRACK";

const DicomCode cubic_millimetre{"mm3", "UCUM", "cubic millimeter"};
const DicomCode degree{"deg", "UCUM", "degree"};
const DicomCode no_units{"1", "UCUM", "no units"};
const DicomCode comment{"121106", "DCM", "Comment"};
const DicomCode tracking_identifier{"112039", "DCM", "Tracking Identifier"};
const DicomCode tracking_uid{"112040", "DCM", "Tracking Unique Identifier"};
const DicomCode finding_site{"363698007", "SCT", "Finding Site"};

DicomCode own(const std::string& value, const std::string& meaning) { return {value, own_scheme, meaning}; }

void put_own_scheme(DcmItem& object) {
  DcmItem& scheme = add_item(object, DCM_CodingSchemeIdentificationSequence);
  put(scheme, DCM_CodingSchemeDesignator, EVR_SH, own_scheme);
  put(scheme, DCM_CodingSchemeName, EVR_ST, "TwinTrack measurements");
  put(scheme, DCM_CodingSchemeResponsibleOrganization, EVR_ST, manufacturer);
}

void add_evidence(DcmItem& study, const ObjectIdentity& object) {
  DcmItem& series = add_item(study, DCM_ReferencedSeriesSequence);
  put(series, DCM_SeriesInstanceUID, EVR_UI, object.series_uid);
  put_reference(add_item(series, DCM_ReferencedSOPSequence), object.sop_class_uid, object.sop_instance_uid);
}

// Module SR Document General.
void put_document(DcmItem& object, const ResultContent& content, const CaseIdentity& identity) {
  put_empty_sequence(object, DCM_ReferencedPerformedProcedureStepSequence);
  put_empty_sequence(object, DCM_PerformedProcedureCodeSequence);
  put(object, DCM_CompletionFlag, EVR_CS, "PARTIAL");
  put(object, DCM_CompletionFlagDescription, EVR_LO, short_research_use);
  put(object, DCM_PreliminaryFlag, EVR_CS, "PRELIMINARY");
  put(object, DCM_VerificationFlag, EVR_CS, "UNVERIFIED");
  DcmItem& study = add_item(object, DCM_CurrentRequestedProcedureEvidenceSequence);
  put(study, DCM_StudyInstanceUID, EVR_UI, content.source.study_uid);
  put_source_series(study, DCM_ReferencedSOPSequence, content.source);
  add_evidence(study, identity.segmentation);
  add_evidence(study, identity.probability);
}

// TID 1204 and TID 1001.
void add_context(DcmItem& root, const Json& summary) {
  add_code(root, has_concept_modifier, {"121049", "DCM", "Language of Content Item and Descendants"},
           {"en", "RFC5646", "English"});
  add_code(root, has_observation_context, {"121005", "DCM", "Observer Type"}, {"121007", "DCM", "Device"});
  const std::string bundle_sha256 = summary.at("bundle").at("sha256").get<std::string>();
  add_uid(root, has_observation_context, {"121012", "DCM", "Device Observer UID"},
          derived_uid(version() + " " + bundle_sha256));
  const auto add = [&](const char* code, const char* meaning, const std::string& text) {
    add_text(root, has_observation_context, {code, "DCM", meaning}, text);
  };
  add("121013", "Device Observer Name", fmt::format("{} {}", manufacturer, version()));
  add("121014", "Device Observer Manufacturer", manufacturer);
  add("121015", "Device Observer Model Name", summary.at("bundle").at("name").get<std::string>());
  add("121016", "Device Observer Serial Number", bundle_sha256);
  add_code(root, has_concept_modifier, {"121058", "DCM", "Procedure reported"},
           {"25045-6", "LN", "CT unspecified body region"});
}

// TID 1600.
void add_image_library(DcmItem& root, const SourceStudy& source) {
  if (source.images.empty()) return;
  DcmItem& library = add_container(root, {"111028", "DCM", "Image Library"}, "1600");
  DcmItem& group = add_container(library, {"126200", "DCM", "Image Library Group"});
  add_code(group, has_acquisition_context, {"121139", "DCM", "Modality"}, {"CT", "DCM", "Computed Tomography"});
  add_uid(group, has_acquisition_context, {"112227", "DCM", "Frame of Reference UID"}, source.frame_of_reference_uid);
  for (const SourceImage& image : source.images) add_image(group, {}, image.sop_class_uid, image.sop_instance_uid);
}

// TID 4019.
void add_algorithm(DcmItem& group, const Json& summary) {
  add_text(group, has_concept_modifier, {"111001", "DCM", "Algorithm Name"}, manufacturer);
  add_text(group, has_concept_modifier, {"111003", "DCM", "Algorithm Version"}, version());
  add_text(group, has_concept_modifier, {"111002", "DCM", "Algorithm Parameters"}, algorithm_parameters(summary));
}

// TID 1411 up to its measurements.
DcmItem& add_tumor_group(DcmItem& measurements, const std::string& name, const ObjectIdentity& segmentation,
                         const ResultContent& content, const CaseIdentity& identity) {
  DcmItem& group = add_container(measurements, {"125007", "DCM", "Measurement Group"}, "1411");
  add_text(group, has_observation_context, tracking_identifier, name);
  add_uid(group, has_observation_context, tracking_uid, identity.tumor_uid);
  add_code(group, contains, {"121071", "DCM", "Finding"}, neoplasm);
  DcmItem& reference = add_image(group, {"121191", "DCM", "Referenced Segment"}, segmentation.sop_class_uid,
                                 segmentation.sop_instance_uid);
  put_short(reference, DCM_ReferencedSegmentNumber, 1);
  add_uid(group, contains, {"121232", "DCM", "Source series for segmentation"}, content.source.series_uid);
  add_code(group, has_concept_modifier, finding_site, pancreas);
  add_algorithm(group, content.summary);
  return group;
}

void add_volumes(DcmItem& measurements, const ResultContent& content, const CaseIdentity& identity) {
  const Json& summary = content.summary;
  DcmItem& outlined = add_tumor_group(measurements, "Tumour", identity.segmentation, content, identity);
  add_number(outlined, {"118565006", "SCT", "Volume"}, summary.at("tumor_volume_mm3").get<double>(), cubic_millimetre);
  add_number(outlined, own("THRESHOLD", "Probability from which a voxel is segmented"),
             summary.at("threshold").get<double>(), no_units);

  DcmItem& expected = add_tumor_group(measurements, "Tumour probability", identity.probability, content, identity);
  add_number(expected, own("EXPECTED_VOLUME", "Expected volume: sum of probabilities"),
             summary.at("expected_volume_mm3").get<double>(), cubic_millimetre);
  add_number(expected, own("MAX_PROBABILITY", "Maximum probability"), summary.at("maximum_probability").get<double>(),
             no_units);
  if (!summary.at("calibrated").get<bool>()) return;  // only then are probabilities shares of experts
  int k = 0;
  for (const auto& [level, volume] : summary.at("agreement_volume_mm3").items()) {
    ++k;
    add_number(
        expected,
        own(fmt::format("AGREE_{}_OF_5", k), fmt::format("Volume: {} of 5 experts or more expected to agree", k)),
        volume.get<double>(), cubic_millimetre);
  }
}

std::optional<DicomCode> site_of(const std::string& vessel) {
  static const std::map<std::string, DicomCode> sites{
      {"portal_vein", {"32764006", "SCT", "Portal vein"}},
      {"smv", {"90771006", "SCT", "Superior mesenteric vein"}},
      {"aorta", {"15825003", "SCT", "Aorta"}},
      {"celiac_trunk", {"57850000", "SCT", "Celiac artery"}},
      {"sma", {"42258001", "SCT", "Superior mesenteric artery"}},
  };
  const auto found = sites.find(vessel);
  return found == sites.end() ? std::nullopt : std::optional(found->second);
}

// TID 1501, a group a vessel: how far the tumour surrounds it.
void add_vessels(DcmItem& measurements, const ResultContent& content, const CaseIdentity& identity) {
  if (!content.summary.contains("vascular")) return;
  for (const auto& [vessel, contact] : content.summary.at("vascular").items()) {
    if (contact.is_null()) continue;
    DcmItem& group = add_container(measurements, {"125007", "DCM", "Measurement Group"}, "1501");
    add_text(group, has_observation_context, tracking_identifier, vessel);
    add_uid(group, has_observation_context, tracking_uid, derived_uid(identity.tumor_uid + " " + vessel));
    if (const auto site = site_of(vessel)) add_code(group, has_concept_modifier, finding_site, *site);
    add_algorithm(group, content.summary);
    add_number(group, own("CONTACT_EXPECTED", "Expected contact angle of tumour and vessel"),
               contact.at("expected").get<double>(), degree);
    add_number(group, own("CONTACT_SD", "Contact angle: standard deviation over levels"),
               contact.at("sd").get<double>(), degree);
    int k = 0;
    for (const auto& [level, degrees] : contact.at("levels").items()) {
      ++k;
      add_number(group,
                 own(fmt::format("CONTACT_{}_OF_5", k),
                     fmt::format("Contact angle: {} of 5 experts or more expected to agree", k)),
                 degrees.get<double>(), degree);
    }
  }
}

void add_remarks(DcmItem& root, const Json& summary) {
  DcmItem& remarks = add_container(root, {"C0034375", "UMLS", "Qualitative Evaluations"});
  add_text(remarks, contains, comment, kResearchUse);
  if (summary.contains("vascular_note"))
    add_text(remarks, contains, comment, summary.at("vascular_note").get<std::string>());
  for (const Json& warning : summary.at("warnings"))
    add_text(remarks, contains, comment, "Warning: " + warning.get<std::string>());
}

}  // namespace

void write_report(const std::filesystem::path& file, const ResultContent& content, const CaseIdentity& identity) {
  DcmFileFormat object;
  DcmDataset& root = *object.getDataset();
  put_common_modules(root, identity.report, content);
  put_own_scheme(root);
  put_document(root, content, identity);
  make_container(root, {"126000", "DCM", "Imaging Measurement Report"}, "1500");
  add_context(root, content.summary);
  add_image_library(root, content.source);
  DcmItem& measurements = add_container(root, {"126010", "DCM", "Imaging Measurements"});
  add_volumes(measurements, content, identity);
  add_vessels(measurements, content, identity);
  add_remarks(root, content.summary);
  write_object(file, object, nullptr);
}

}  // namespace twintrack::dicom_objects

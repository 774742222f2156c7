#include "twintrack/dicom/frames.hpp"

#include <dcmtk/dcmdata/dctk.h>

#include <array>

#include "twintrack/dicom/object_modules.hpp"
#include "twintrack/dicom/study_attributes.hpp"

namespace twintrack::dicom_objects {
namespace {

void put_dimension(DcmItem& object, const DcmTagKey& index, const DcmTagKey& group, const std::string& uid,
                   const char* label) {
  DcmItem& dimension = add_item(object, DCM_DimensionIndexSequence);
  put_tag(dimension, DCM_DimensionIndexPointer, index);
  put_tag(dimension, DCM_FunctionalGroupPointer, group);
  put(dimension, DCM_DimensionOrganizationUID, EVR_UI, uid);
  put(dimension, DCM_DimensionDescriptionLabel, EVR_LO, label);
}

void put_dimensions(DcmItem& object, bool has_segments, const std::string& uid) {
  put(add_item(object, DCM_DimensionOrganizationSequence), DCM_DimensionOrganizationUID, EVR_UI, uid);
  if (has_segments) {
    put_dimension(object, DCM_ReferencedSegmentNumber, DCM_SegmentIdentificationSequence, uid,
                  "Referenced Segment Number");
  }
  put_dimension(object, DCM_ImagePositionPatient, DCM_PlanePositionSequence, uid, "Image Position (Patient)");
}

std::string orientation(const Geometry& g) {
  const auto& d = g.direction;
  std::string text = decimal(d[0]);
  for (const double cosine : {d[3], d[6], d[1], d[4], d[7]}) text += "\\" + decimal(cosine);
  return text;
}

std::string position(const Geometry& g, std::int64_t z) {
  const double along = static_cast<double>(z) * g.spacing_mm[2];
  std::string text = decimal(g.origin_mm[0] + g.direction[2] * along);
  for (const std::size_t i : {1, 2}) text += "\\" + decimal(g.origin_mm[i] + g.direction[3 * i + 2] * along);
  return text;
}

void put_source_image(DcmItem& derivation, const SourceImage& image, const char* preserved) {
  DcmItem& source = add_item(derivation, DCM_SourceImageSequence);
  put_reference(source, image.sop_class_uid, image.sop_instance_uid);
  if (image.frame > 0) put(source, DCM_ReferencedFrameNumber, EVR_IS, std::to_string(image.frame));
  put_code(source, DCM_PurposeOfReferenceCodeSequence,
           {"121322", "DCM", "Source image for image processing operation"});
  put(source, DCM_SpatialLocationsPreserved, EVR_CS, preserved);
}

DcmItem& add_derivation(DcmItem& groups) {
  DcmItem& derivation = add_item(groups, DCM_DerivationImageSequence);
  put_code(derivation, DCM_DerivationCodeSequence, {"113076", "DCM", "Segmentation"});
  return derivation;
}

void put_shared(DcmItem& object, const FrameGroups& frames) {
  const Geometry& g = frames.geometry;
  DcmItem& shared = add_item(object, DCM_SharedFunctionalGroupsSequence);
  DcmItem& measures = add_item(shared, DCM_PixelMeasuresSequence);
  put(measures, DCM_PixelSpacing, EVR_DS, decimal(g.spacing_mm[1]) + "\\" + decimal(g.spacing_mm[0]));
  put(measures, DCM_SliceThickness, EVR_DS, decimal(g.spacing_mm[2]));
  put(measures, DCM_SpacingBetweenSlices, EVR_DS, decimal(g.spacing_mm[2]));
  put(add_item(shared, DCM_PlaneOrientationSequence), DCM_ImageOrientationPatient, EVR_DS, orientation(g));
  if (!frames.source.slices.empty() || frames.source.images.empty()) return;
  DcmItem& derivation = add_derivation(shared);  // of a resampled volume every frame comes from several images
  for (const SourceImage& image : frames.source.images) put_source_image(derivation, image, "NO");
}

void put_frame(DcmItem& object, const FrameGroups& frames, std::uint32_t index) {
  const std::int64_t z = frames.slices[index];
  DcmItem& groups = add_item(object, DCM_PerFrameFunctionalGroupsSequence);
  DcmItem& content = add_item(groups, DCM_FrameContentSequence);
  const std::array<std::uint32_t, 2> indices{frames.segment, index + 1};
  put_longs(content, DCM_DimensionIndexValues, std::span(indices).subspan(frames.segment > 0 ? 0 : 1));
  put(add_item(groups, DCM_PlanePositionSequence), DCM_ImagePositionPatient, EVR_DS, position(frames.geometry, z));
  if (frames.segment > 0) {
    put_short(add_item(groups, DCM_SegmentIdentificationSequence), DCM_ReferencedSegmentNumber, frames.segment);
  }
  if (!frames.source.slices.empty())
    put_source_image(add_derivation(groups), frames.source.slices[static_cast<std::size_t>(z)], "YES");
}

}  // namespace

std::vector<std::int64_t> frames_where(const Geometry& geometry,
                                       const std::function<bool(std::int64_t voxel)>& is_set) {
  const std::int64_t plane = geometry.size[0] * geometry.size[1];
  std::vector<std::int64_t> slices;
  for (std::int64_t z = 0; z < geometry.size[2]; ++z) {
    std::int64_t voxel = z * plane;
    while (voxel < (z + 1) * plane && !is_set(voxel)) ++voxel;
    if (voxel < (z + 1) * plane) slices.push_back(z);
  }
  if (slices.empty()) slices.push_back(0);
  return slices;
}

void put_pixel_format(DcmItem& object, const Geometry& geometry, std::size_t frames, const PixelFormat& format) {
  put_short(object, DCM_SamplesPerPixel, 1);
  put(object, DCM_PhotometricInterpretation, EVR_CS, "MONOCHROME2");
  put(object, DCM_NumberOfFrames, EVR_IS, std::to_string(frames));
  put_short(object, DCM_Rows, static_cast<std::uint16_t>(geometry.size[1]));
  put_short(object, DCM_Columns, static_cast<std::uint16_t>(geometry.size[0]));
  put_short(object, DCM_BitsAllocated, format.bits);
  if (format.is_float) return;
  put_short(object, DCM_BitsStored, format.bits);
  put_short(object, DCM_HighBit, static_cast<std::uint16_t>(format.bits - 1));
  put_short(object, DCM_PixelRepresentation, 0);
}

void put_frame_groups(DcmItem& object, const FrameGroups& frames, const std::string& dimension_uid) {
  put_dimensions(object, frames.segment > 0, dimension_uid);
  put_shared(object, frames);
  for (std::uint32_t i = 0; i < frames.slices.size(); ++i) put_frame(object, frames, i);
}

DcmItem& shared_groups(DcmItem& object) {
  DcmItem* shared = nullptr;
  object.findAndGetSequenceItem(DCM_SharedFunctionalGroupsSequence, shared);
  return *shared;
}

void put_lossy_compression(DcmItem& object, const SourceStudy& source) {
  const auto value_of = [&](const StudyAttribute& attribute) {
    const auto found = source.attributes.find(number_of(attribute.tag));
    return found == source.attributes.end() ? std::string() : found->second;
  };
  const bool lossy = value_of(compression_attributes[0]) == "01";
  put(object, DCM_LossyImageCompression, EVR_CS, lossy ? "01" : "00");
  if (!lossy) return;
  for (const StudyAttribute& attribute : std::span(compression_attributes).subspan(1)) {
    const std::string value = value_of(attribute);
    if (!value.empty()) put(object, attribute.tag, attribute.representation, value);
  }
}

}  // namespace twintrack::dicom_objects

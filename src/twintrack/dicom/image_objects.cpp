#include "twintrack/dicom/image_objects.hpp"

#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "twintrack/core/error.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/dicom/frames.hpp"
#include "twintrack/dicom/object_file.hpp"
#include "twintrack/dicom/uid.hpp"

namespace twintrack::dicom_objects {
namespace {

constexpr std::uint16_t pixel_data = 0x0010;
constexpr std::uint16_t float_pixel_data = 0x0008;
constexpr double largest_fraction = 255;
constexpr std::int64_t most_pixels_along = 65535;

std::uint8_t fraction(float probability) {
  return static_cast<std::uint8_t>(
      std::lround(std::clamp(static_cast<double>(probability), 0.0, 1.0) * largest_fraction));
}

bool is_calibrated(const ResultContent& content) { return content.summary.at("calibrated").get<bool>(); }

const char* name_of_probability(const ResultContent& content) {
  return is_calibrated(content) ? "Expected share of experts marking tumour" : "Uncalibrated tumour probability";
}

void check_extents(const std::filesystem::path& file, const Geometry& geometry) {
  if (std::max(geometry.size[0], geometry.size[1]) <= most_pixels_along) return;
  throw ResourceError("cannot write {}: {} x {} pixels, a DICOM image has at most {} along each side", file.string(),
                      geometry.size[0], geometry.size[1], most_pixels_along);
}

// What every image says of its content (PS3.3, 10.9).
void put_content(DcmItem& object, const ResultContent& content, const char* label, const std::string& description,
                 const char* image_type) {
  put(object, DCM_ImageType, EVR_CS, image_type);
  put(object, DCM_ContentLabel, EVR_CS, label);
  put(object, DCM_ContentDescription, EVR_LO, short_text(description));
  put(object, DCM_ContentCreatorName, EVR_PN, "TwinTrack^automatic");
  put_lossy_compression(object, content.source);
  put_source_series(object, DCM_ReferencedInstanceSequence, content.source);
}

void put_algorithm(DcmItem& segment, const Json& summary) {
  put(segment, DCM_SegmentAlgorithmType, EVR_CS, "AUTOMATIC");
  put(segment, DCM_SegmentAlgorithmName, EVR_LO, manufacturer);
  DcmItem& algorithm = add_item(segment, DCM_SegmentationAlgorithmIdentificationSequence);
  put_code(algorithm, DCM_AlgorithmFamilyCodeSequence, {"123110", "DCM", "Artificial Intelligence"});
  put(algorithm, DCM_AlgorithmName, EVR_LO, manufacturer);
  put(algorithm, DCM_AlgorithmVersion, EVR_LO,
      short_text(version() + ", bundle " + summary.at("bundle").at("name").get<std::string>()));
  put(algorithm, DCM_AlgorithmParameters, EVR_LT, algorithm_parameters(summary));
}

// Category of CID 7150, type of CID 7151 (by CID 7159 for lesions): that it is malignant or a primary is not said.
void put_segment(DcmItem& object, const ResultContent& content, const CaseIdentity& identity, const char* label,
                 const std::string& description) {
  DcmItem& segment = add_item(object, DCM_SegmentSequence);
  put_short(segment, DCM_SegmentNumber, 1);
  put(segment, DCM_SegmentLabel, EVR_LO, label);
  put(segment, DCM_SegmentDescription, EVR_ST, description);
  put_code(segment, DCM_SegmentedPropertyCategoryCodeSequence,
           {"49755003", "SCT", "Morphologically Abnormal Structure"});
  put_code(segment, DCM_SegmentedPropertyTypeCodeSequence, neoplasm);
  put_code(segment, DCM_AnatomicRegionSequence, pancreas);
  put_algorithm(segment, content.summary);
  put(segment, DCM_TrackingID, EVR_UT, "Tumour");
  put(segment, DCM_TrackingUID, EVR_UI, identity.tumor_uid);
  const std::array<std::uint16_t, 3> red{35580, 53665, 50856};  // sRGB 255, 0, 0 (PS3.3, C.10.7.1.1)
  put_shorts(segment, DCM_RecommendedDisplayCIELabValue, red);
}

void put_segmentation_image(DcmItem& object, const ResultContent& content, const ObjectIdentity& identity,
                            const std::vector<std::int64_t>& slices) {
  put_common_modules(object, identity, content);
  put_frame_of_reference(object, content.source);
  put_frame_groups(object, {content.probability.geometry, content.source, slices, 1},
                   derived_uid(identity.sop_instance_uid + " dimensions"));
}

// One bit a pixel, the first in the lowest; frames follow each other without gap (PS3.5, 8.2 and D.2).
void write_bits(std::span<const std::uint8_t> voxels, const std::vector<std::int64_t>& slices, std::int64_t plane,
                const std::function<void(std::string_view)>& append) {
  std::string bytes;
  unsigned byte = 0;
  unsigned bits = 0;
  for (const std::int64_t z : slices) {
    throw_if_interrupted();
    for (std::int64_t i = z * plane; i < (z + 1) * plane; ++i) {
      byte |= (voxels[i] != 0 ? 1U : 0U) << bits;
      if (++bits < 8) continue;
      bytes += static_cast<char>(byte);
      byte = bits = 0;
    }
    append(bytes);
    bytes.clear();
  }
  if (bits > 0) append(std::string(1, static_cast<char>(byte)));
}

}  // namespace

void write_segmentation(const std::filesystem::path& file, const ResultContent& content, const CaseIdentity& identity) {
  const Geometry& geometry = content.probability.geometry;
  check_extents(file, geometry);
  const std::int64_t plane = geometry.size[0] * geometry.size[1];
  const auto slices = frames_where(geometry, [&](std::int64_t i) { return content.segmentation[i] != 0; });
  DcmFileFormat object;
  DcmDataset& data = *object.getDataset();
  put_segmentation_image(data, content, identity.segmentation, slices);
  put_content(data, content, "TUMOUR", fmt::format("Tumour. {}", short_research_use), "DERIVED\\PRIMARY");
  put_pixel_format(data, geometry, slices.size(), {1});
  put(data, DCM_SegmentationType, EVR_CS, "BINARY");
  put_segment(data, content, identity, "Tumour",
              fmt::format("{} of at least {:g}. {}.", name_of_probability(content),
                          content.summary.at("threshold").get<double>(), short_research_use));
  const std::uint64_t bits = static_cast<std::uint64_t>(plane) * slices.size();
  const Pixels pixels{pixel_data, "OB", (bits + 7) / 8,
                      [&](const auto& append) { write_bits(content.segmentation, slices, plane, append); }};
  write_object(file, object, &pixels);
}

void write_probability(const std::filesystem::path& file, const ResultContent& content, const CaseIdentity& identity) {
  const Geometry& geometry = content.probability.geometry;
  const std::vector<float>& voxels = content.probability.voxels;
  check_extents(file, geometry);
  const std::int64_t plane = geometry.size[0] * geometry.size[1];
  const auto slices = frames_where(geometry, [&](std::int64_t i) { return fraction(voxels[i]) > 0; });
  DcmFileFormat object;
  DcmDataset& data = *object.getDataset();
  put_segmentation_image(data, content, identity.probability, slices);
  put_content(data, content, "PROBABILITY", fmt::format("Tumour probability. {}", short_research_use),
              "DERIVED\\PRIMARY");
  put_pixel_format(data, geometry, slices.size(), {8});
  put(data, DCM_SegmentationType, EVR_CS, "FRACTIONAL");
  put(data, DCM_SegmentationFractionalType, EVR_CS, "PROBABILITY");
  put_short(data, DCM_MaximumFractionalValue, static_cast<std::uint16_t>(largest_fraction));
  put_segment(
      data, content, identity, "Tumour probability",
      fmt::format("{}, times {} and rounded. {}.", name_of_probability(content), largest_fraction, short_research_use));
  const Pixels pixels{pixel_data, "OB", static_cast<std::uint64_t>(plane) * slices.size(), [&](const auto& append) {
                        std::string frame(static_cast<std::size_t>(plane), '\0');
                        for (const std::int64_t z : slices) {
                          throw_if_interrupted();
                          for (std::int64_t i = 0; i < plane; ++i)
                            frame[i] = static_cast<char>(fraction(voxels[z * plane + i]));
                          append(frame);
                        }
                      }};
  write_object(file, object, &pixels);
}

namespace {

// PS3.3, C.7.6.16.2.11: stored values are probabilities.
void put_real_world_value(DcmItem& shared, const ResultContent& content) {
  DcmItem& mapping = add_item(shared, DCM_RealWorldValueMappingSequence);
  put_double(mapping, DCM_DoubleFloatRealWorldValueFirstValueMapped, 0);
  put_double(mapping, DCM_DoubleFloatRealWorldValueLastValueMapped, 1);
  put_double(mapping, DCM_RealWorldValueIntercept, 0);
  put_double(mapping, DCM_RealWorldValueSlope, 1);
  put(mapping, DCM_LUTExplanation, EVR_LO, name_of_probability(content));
  put(mapping, DCM_LUTLabel, EVR_SH, "PROBABILITY");
  put_code(mapping, DCM_MeasurementUnitsCodeSequence, {"1", "UCUM", "no units"});
  DcmItem& quantity = add_item(mapping, DCM_QuantityDefinitionSequence);
  put(quantity, DCM_ValueType, EVR_CS, "CODE");
  put_code(quantity, DCM_ConceptNameCodeSequence, {"246205007", "SCT", "Quantity"});
  put_code(quantity, DCM_ConceptCodeSequence, {"122157", "DCM", "Probability"});
}

void put_map_groups(DcmItem& shared, const ResultContent& content, const char* image_type) {
  put(add_item(shared, DCM_ParametricMapFrameTypeSequence), DCM_FrameType, EVR_CS, image_type);
  put_real_world_value(shared, content);
  DcmItem& identity = add_item(shared, DCM_PixelValueTransformationSequence);
  put(identity, DCM_RescaleIntercept, EVR_DS, "0");
  put(identity, DCM_RescaleSlope, EVR_DS, "1");
  put(identity, DCM_RescaleType, EVR_LO, "US");
  DcmItem& window = add_item(shared, DCM_FrameVOILUTSequence);
  put(window, DCM_WindowCenter, EVR_DS, "0.5");
  put(window, DCM_WindowWidth, EVR_DS, "1");
  DcmItem& anatomy = add_item(shared, DCM_FrameAnatomySequence);
  put(anatomy, DCM_FrameLaterality, EVR_CS, "U");
  put_code(anatomy, DCM_AnatomicRegionSequence, pancreas);
}

}  // namespace

void write_probability_map(const std::filesystem::path& file, const ResultContent& content,
                           const CaseIdentity& identity) {
  constexpr const char* image_type = "DERIVED\\PRIMARY\\VOLUME\\NONE";
  const Geometry& geometry = content.probability.geometry;
  const std::vector<float>& voxels = content.probability.voxels;
  check_extents(file, geometry);
  const std::int64_t plane = geometry.size[0] * geometry.size[1];
  const auto slices = frames_where(geometry, [&](std::int64_t i) { return voxels[i] > 0; });
  DcmFileFormat object;
  DcmDataset& data = *object.getDataset();
  put_common_modules(data, identity.probability_map, content);
  put_frame_of_reference(data, content.source);
  put_content(data, content, "PROBABILITY_MAP", fmt::format("Tumour probability. {}", short_research_use), image_type);
  put_pixel_format(data, geometry, slices.size(), {32, true});
  put(data, DCM_ContentQualification, EVR_CS, "RESEARCH");
  put(data, DCM_BurnedInAnnotation, EVR_CS, "NO");
  put(data, DCM_RecognizableVisualFeatures, EVR_CS, "NO");
  put(data, DCM_PresentationLUTShape, EVR_CS, "IDENTITY");
  put_empty_sequence(data, DCM_AcquisitionContextSequence);
  put(data, DCM_DerivationDescription, EVR_ST, algorithm_parameters(content.summary));
  put_frame_groups(data, {geometry, content.source, slices},
                   derived_uid(identity.probability_map.sop_instance_uid + " dimensions"));
  put_map_groups(shared_groups(data), content, image_type);
  const Pixels pixels{
      float_pixel_data, "OF", static_cast<std::uint64_t>(plane) * slices.size() * sizeof(float),
      [&](const auto& append) {
        for (const std::int64_t z : slices) {
          throw_if_interrupted();
          append({reinterpret_cast<const char*>(&voxels[z * plane]), static_cast<std::size_t>(plane) * sizeof(float)});
        }
      }};
  write_object(file, object, &pixels);
}

}  // namespace twintrack::dicom_objects

#include "twintrack/dicom/source_study.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/oflog/oflog.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "twintrack/core/error.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/dicom/character_sets.hpp"
#include "twintrack/dicom/data_set.hpp"
#include "twintrack/dicom/study_attributes.hpp"
#include "twintrack/dicom/uid.hpp"

namespace twintrack {
namespace dicom_objects {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_value_bytes = 1024;
constexpr Uint32 most_bytes_in_memory = 4096;  // of one value; longer ones stay in the file
// Of the slice distance: what a frame's position may deviate from its place in the volume.
constexpr double tolerated_deviation = 0.1;

// The data set of a file up to its pixels.
class Header {
 public:
  explicit Header(const fs::path& file) {
    const OFCondition condition = file_.loadFileUntilTag(file.c_str(), EXS_Unknown, EGL_noChange, most_bytes_in_memory,
                                                         ERM_autoDetect, DCM_PixelData);
    if (condition.bad()) throw InputError("{}: DCMTK cannot read it: {}", file.string(), condition.text());
  }
  DcmDataset& data_set() { return *file_.getDataset(); }

 private:
  DcmFileFormat file_;
};

// The value as its file holds it, padding removed; nothing where there is none, or it is no text.
std::optional<std::string> text_of(DcmItem& item, const DcmTagKey& tag) {
  DcmElement* element = nullptr;
  if (item.findAndGetElement(tag, element).bad() || !element->isaString()) return {};
  if (element->getLengthField() > most_value_bytes) return std::string(most_value_bytes + 1, '?');
  OFString value;
  if (element->getOFStringArray(value).bad()) return {};
  const std::size_t end = value.find_last_not_of(std::string(" \0", 2).c_str(), OFString_npos, 2);
  return end == OFString_npos ? std::string() : std::string(value.c_str(), end + 1);
}

bool is_uid(const std::string& value) {
  return !value.empty() && value.size() <= 64 && DcmUniqueIdentifier::checkStringValue(value.c_str(), "1").good();
}

std::string uid_of(DcmItem& item, const DcmTagKey& tag) {
  const std::string value = text_of(item, tag).value_or("");
  return is_uid(value) ? value : std::string();
}

bool has_character_set(DcmEVR representation) {
  return representation == EVR_PN || representation == EVR_LO || representation == EVR_SH;
}

// Characters of UTF-8; nothing when it is not well-formed (RFC 3629), as far as the number and form of bytes go.
std::optional<std::size_t> count_characters(const std::string& value) {
  std::size_t following = 0;
  std::size_t characters = 0;
  for (const char character : value) {
    const auto byte = static_cast<unsigned char>(character);
    const bool continues = (byte & 0xc0U) == 0x80U;
    if (continues != (following > 0) || byte > 0xf4) return {};
    if (continues) --following;
    if (byte >= 0xc0) following = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    if (!continues) ++characters;
  }
  return following == 0 ? std::optional(characters) : std::nullopt;
}

// One name or one of several values: PS3.5, 6.2, as for PN, LO and SH, which DCMTK checks in a few character sets only.
bool is_valid_part(const std::string& part, DcmEVR representation) {
  constexpr std::ptrdiff_t most_name_carets = 4;  // between five components
  const auto characters = count_characters(part);
  if (!characters || *characters > (representation == EVR_SH ? 16U : 64U)) return false;
  return representation != EVR_PN || std::ranges::count(part, '^') <= most_name_carets;
}

bool is_valid_text(const std::string& value, const StudyAttribute& attribute) {
  const bool is_name = attribute.representation == EVR_PN;
  const char separator = is_name ? '=' : '\\';
  const std::ptrdiff_t most_separators = is_name ? 2 : std::string_view(attribute.multiplicity) == "1" ? 0 : 9;
  const auto is_forbidden = [&](char byte) {
    return static_cast<unsigned char>(byte) < ' ' || byte == '\x7f' || (is_name && byte == '\\');
  };
  if (std::ranges::any_of(value, is_forbidden) || std::ranges::count(value, separator) > most_separators) return false;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t end = std::min(value.find(separator, begin), value.size());
    if (!is_valid_part(value.substr(begin, end - begin), attribute.representation)) return false;
    begin = end + 1;
  }
  return true;
}

// The rules of the value representation.
bool is_valid(const std::string& value, const StudyAttribute& attribute) {
  if (has_character_set(attribute.representation)) return is_valid_text(value, attribute);
  DcmDataset checked;
  put(checked, attribute.tag, attribute.representation, value);
  DcmElement* element = nullptr;
  return checked.findAndGetElement(attribute.tag, element).good() && element->checkValue(attribute.multiplicity).good();
}

std::string name_of(const DcmTagKey& tag) {
  return fmt::format("{} {}", DcmTag(tag).getTagName(), tag.toString().c_str());
}

void read_attribute(DcmItem& item, const StudyAttribute& attribute, CharacterSets& sets, SourceStudy& study) {
  if (!item.tagExists(attribute.tag)) return;
  std::optional<std::string> value = text_of(item, attribute.tag);
  if (value && has_character_set(attribute.representation)) value = sets.convert(*value, attribute.representation);
  if (value && value->empty()) return;
  if (!value || !is_valid(*value, attribute)) {
    study.warnings.push_back(
        fmt::format("the source's {} is left out of the DICOM objects: its value breaks the rules of DICOM",
                    name_of(attribute.tag)));
    return;
  }
  study.attributes[number_of(attribute.tag)] = *value;
}

void read_deidentification_methods(DcmItem& item, CharacterSets& sets, SourceStudy& study) {
  DcmSequenceOfItems* sequence = nullptr;
  if (item.findAndGetSequence(DCM_DeidentificationMethodCodeSequence, sequence).bad()) return;
  for (unsigned long i = 0; i < sequence->card(); ++i) {
    DcmItem& code = *sequence->getItem(i);
    const auto part = [&](const DcmTagKey& tag, DcmEVR representation) {
      const auto value = sets.convert(text_of(code, tag).value_or(""), representation).value_or("");
      return is_valid(value, {tag, representation}) ? value : std::string();
    };
    DicomCode method{part(DCM_CodeValue, EVR_SH), part(DCM_CodingSchemeDesignator, EVR_SH),
                     part(DCM_CodeMeaning, EVR_LO)};
    if (method.value.empty() || method.scheme.empty() || method.meaning.empty()) continue;
    study.deidentification_methods.push_back(std::move(method));
  }
}

// PS3.3, C.7.1.1: who says that the identity was removed says how.
void require_method_of_deidentification(SourceStudy& study) {
  const auto removed = study.attributes.find(number_of(DCM_PatientIdentityRemoved));
  if (removed == study.attributes.end()) return;
  if (removed->second != "YES" && removed->second != "NO") {
    study.attributes.erase(removed);
  } else if (removed->second == "YES" && study.deidentification_methods.empty()) {
    study.attributes.try_emplace(number_of(DCM_DeidentificationMethod), "not stated by the source");
  }
}

std::string needed_uid(DcmItem& item, const DcmTagKey& tag, const std::string& otherwise_of, SourceStudy& study) {
  std::string uid = uid_of(item, tag);
  if (!uid.empty()) return uid;
  study.warnings.push_back(
      fmt::format("the source has no valid {}: the DICOM objects have one of their own", name_of(tag)));
  return derived_uid(tag.toString().c_str() + otherwise_of);
}

SourceImage image_of(DcmItem& item) { return {uid_of(item, DCM_SOPClassUID), uid_of(item, DCM_SOPInstanceUID), 0}; }

bool can_be_referred_to(const SourceImage& image) {
  return !image.sop_class_uid.empty() && !image.sop_instance_uid.empty();
}

using Position = std::array<double, 3>;

std::optional<Position> position_of_frame(DcmItem& frame) {
  DcmItem* plane = nullptr;
  Position position{};
  if (frame.findAndGetSequenceItem(DCM_PlanePositionSequence, plane).bad()) return {};
  for (unsigned long i = 0; i < position.size(); ++i) {
    if (plane->findAndGetFloat64(DCM_ImagePositionPatient, position[i], i).bad()) return {};
  }
  return position;
}

// The slice at this position, if any.
std::optional<std::size_t> slice_at(const Position& position, const Geometry& g) {
  Position offset{};
  for (std::size_t i = 0; i < 3; ++i) offset[i] = position[i] - g.origin_mm[i];
  const double along = offset[0] * g.direction[2] + offset[1] * g.direction[5] + offset[2] * g.direction[8];
  const double slice = std::round(along / g.spacing_mm[2]);
  if (!(slice >= 0 && slice < static_cast<double>(g.size[2]))) return {};
  double distance = 0;
  for (std::size_t i = 0; i < 3; ++i)
    distance = std::hypot(distance, offset[i] - slice * g.spacing_mm[2] * g.direction[3 * i + 2]);
  if (distance > tolerated_deviation * g.spacing_mm[2]) return {};
  return static_cast<std::size_t>(slice);
}

// One frame a slice, found by position; empty unless every slice has exactly one.
std::vector<SourceImage> slices_of_frames(DcmItem& item, const SourceImage& image, const Geometry& geometry) {
  DcmSequenceOfItems* frames = nullptr;
  if (item.findAndGetSequence(DCM_PerFrameFunctionalGroupsSequence, frames).bad()) return {};
  std::vector<SourceImage> slices(static_cast<std::size_t>(geometry.size[2]));
  std::size_t found = 0;
  int number = 0;
  DcmObject* frame = nullptr;
  while ((frame = frames->nextInContainer(frame)) != nullptr) {
    ++number;
    const auto position = position_of_frame(dynamic_cast<DcmItem&>(*frame));
    const auto z = position ? slice_at(*position, geometry) : std::nullopt;
    if (!z) continue;
    if (slices[*z].frame != 0) return {};
    slices[*z] = image;
    slices[*z].frame = number;
    ++found;
  }
  return found == slices.size() ? slices : std::vector<SourceImage>();
}

void read_images(const DicomSource& source, const Geometry& geometry, SourceStudy& study) {
  for (const fs::path& file : source.files) {
    throw_if_interrupted();
    Header header(file);
    study.images.push_back(image_of(header.data_set()));
    if (source.files.size() == 1 && source.slices_are_source_slices)
      study.slices = slices_of_frames(header.data_set(), study.images.front(), geometry);
  }
  if (source.slices_are_source_slices && static_cast<std::int64_t>(study.images.size()) == geometry.size[2])
    study.slices = study.images;
}

void drop_images_without_identifiers(SourceStudy& study) {
  std::set<std::string> seen;
  const std::size_t all = study.images.size();
  std::erase_if(study.images, [&](const SourceImage& image) {
    return !can_be_referred_to(image) || !seen.insert(image.sop_instance_uid).second;
  });
  if (study.images.size() == all) return;
  study.slices.clear();
  study.warnings.push_back(
      fmt::format("the DICOM objects refer to {} of the source's {} images: the others have no valid SOP Instance UID "
                  "of their own",
                  study.images.size(), all));
}

void pass_log_on() {
  OFLog::configure(spdlog::should_log(spdlog::level::debug) ? OFLogger::WARN_LOG_LEVEL : OFLogger::OFF_LOG_LEVEL);
}

}  // namespace
}  // namespace dicom_objects

SourceStudy read_source_study(const DicomSource& source, const Geometry& geometry) {
  using namespace dicom_objects;
  pass_log_on();
  SourceStudy study;
  Header first(source.files.front());
  DcmItem& item = first.data_set();
  CharacterSets sets(text_of(item, DCM_SpecificCharacterSet).value_or(""));
  for (const StudyAttribute& attribute : study_attributes) read_attribute(item, attribute, sets, study);
  for (const StudyAttribute& attribute : compression_attributes) read_attribute(item, attribute, sets, study);
  read_deidentification_methods(item, sets, study);
  require_method_of_deidentification(study);
  study.study_uid = needed_uid(item, DCM_StudyInstanceUID, source.series_uid, study);
  study.frame_of_reference_uid = needed_uid(item, DCM_FrameOfReferenceUID, source.series_uid, study);
  const bool has_series = !uid_of(item, DCM_SeriesInstanceUID).empty();
  study.series_uid = needed_uid(item, DCM_SeriesInstanceUID, source.series_uid, study);
  if (!has_series) return study;
  read_images(source, geometry, study);
  drop_images_without_identifiers(study);
  return study;
}

}  // namespace twintrack

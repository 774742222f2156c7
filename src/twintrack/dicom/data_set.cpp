#include "twintrack/dicom/data_set.hpp"

#include <dcmtk/dcmdata/dctk.h>
#include <fmt/format.h>

#include <memory>

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"

namespace twintrack::dicom_objects {
namespace {

constexpr std::size_t most_characters_lo = 64;
constexpr std::size_t most_characters_ds = 16;

void check(const OFCondition& condition, const DcmTagKey& tag) {
  if (condition.bad())
    throw ResourceError("DICOM attribute {} cannot be made: {}", tag.toString().c_str(), condition.text());
}

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xc0U) != 0x80U; }

}  // namespace

void put(DcmItem& item, const DcmTagKey& tag, DcmEVR representation, const std::string& value) {
  DcmElement* made = nullptr;
  check(DcmItem::newDicomElementWithVR(made, DcmTag(tag, representation)), tag);
  std::unique_ptr<DcmElement> element(made);
  if (!value.empty()) check(element->putString(value.c_str()), tag);
  check(item.insert(element.get(), OFTrue), tag);
  static_cast<void>(element.release());  // the item owns it
}

void put_short(DcmItem& item, const DcmTagKey& tag, std::uint16_t value) {
  put_shorts(item, tag, std::span(&value, 1));
}

void put_shorts(DcmItem& item, const DcmTagKey& tag, std::span<const std::uint16_t> values) {
  check(item.putAndInsertUint16Array(DcmTag(tag, EVR_US), values.data(), values.size()), tag);
}

void put_longs(DcmItem& item, const DcmTagKey& tag, std::span<const std::uint32_t> values) {
  auto element = std::make_unique<DcmUnsignedLong>(DcmTag(tag, EVR_UL));
  check(element->putUint32Array(values.data(), values.size()), tag);
  check(item.insert(element.get(), OFTrue), tag);
  static_cast<void>(element.release());
}

void put_double(DcmItem& item, const DcmTagKey& tag, double value) {
  check(item.putAndInsertFloat64(DcmTag(tag, EVR_FD), value), tag);
}

void put_tag(DcmItem& item, const DcmTagKey& tag, const DcmTagKey& value) {
  check(item.putAndInsertTagKey(DcmTag(tag, EVR_AT), value), tag);
}

void put_empty_sequence(DcmItem& item, const DcmTagKey& tag) {
  check(item.insertEmptyElement(DcmTag(tag, EVR_SQ)), tag);
}

DcmItem& add_item(DcmItem& item, const DcmTagKey& sequence) {
  constexpr signed long append = -2;
  DcmItem* added = nullptr;
  check(item.findOrCreateSequenceItem(DcmTag(sequence, EVR_SQ), added, append), sequence);
  return *added;
}

void put_code(DcmItem& item, const DcmTagKey& sequence, const DicomCode& code) {
  DcmItem& coded = add_item(item, sequence);
  put(coded, DCM_CodeValue, EVR_SH, code.value);
  put(coded, DCM_CodingSchemeDesignator, EVR_SH, code.scheme);
  put(coded, DCM_CodeMeaning, EVR_LO, code.meaning);
}

std::string decimal(double value) {
  for (int digits = 16; digits > 8; --digits) {
    std::string text = fmt::format("{:.{}g}", value + 0.0, digits);
    if (text.size() <= most_characters_ds) return text;
  }
  return fmt::format("{:.8g}", value);
}

std::string long_text(const std::string& text) {
  std::string valid = Json::parse(to_text(Json(text))).get<std::string>();  // bytes that are no UTF-8 are replaced
  for (char& byte : valid) {
    if (static_cast<unsigned char>(byte) < ' ' || byte == '\x7f') byte = ' ';
  }
  return valid;
}

std::string short_text(const std::string& text) {
  std::string valid = long_text(text);
  std::size_t characters = 0;
  std::size_t end = 0;
  while (end < valid.size() && characters < most_characters_lo) {
    if (valid[end] == '\\') valid[end] = '/';
    do ++end;
    while (end < valid.size() && !begins_character(valid[end]));
    ++characters;
  }
  valid.resize(end);
  return valid;
}

}  // namespace twintrack::dicom_objects

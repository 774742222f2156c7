#include "twintrack/dicom/character_sets.hpp"

#include <algorithm>
#include <sstream>
#include <string_view>

namespace twintrack::dicom_objects {
namespace {

bool is_ascii(const std::string& value) {
  return std::ranges::all_of(value,
                             [](char byte) { return static_cast<unsigned char>(byte) < 0x80 && byte != '\x1b'; });
}

// All of the declared sets are those of Japanese, or ASCII.
bool is_japanese(const std::string& declared) {
  std::istringstream values(declared);
  for (std::string value; std::getline(values, value, '\\');) {
    if (!value.empty() && value != "ISO 2022 IR 6" && value != "ISO 2022 IR 13" && value != "ISO 2022 IR 87" &&
        value != "ISO 2022 IR 159")
      return false;
  }
  return true;
}

// Half-width katakana of JIS X 0201, one byte each.
bool is_katakana(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  return code >= 0xa1 && code <= 0xdf;
}

std::string utf8_of_katakana(char byte) {
  const unsigned code = 0xff61 + (static_cast<unsigned char>(byte) - 0xa1U);
  return {static_cast<char>(0xe0U | code >> 12U), static_cast<char>(0x80U | (code >> 6U & 0x3fU)),
          static_cast<char>(0x80U | (code & 0x3fU))};
}

}  // namespace

CharacterSets::CharacterSets(const std::string& declared) {
  is_known_ = converter_.selectCharacterSet(declared.c_str(), "ISO_IR 192").good();
  is_japanese_ = !is_known_ && is_japanese(declared) && japanese_.selectEncoding("ISO-2022-JP-2", "UTF-8").good();
  has_katakana_ = declared.find("IR 13") != std::string::npos;
}

std::optional<std::string> CharacterSets::convert(const std::string& value, DcmEVR representation) {
  if (is_ascii(value)) return value;
  if (is_japanese_) return convert_japanese(value);
  OFString converted;
  const char* const delimiters = representation == EVR_PN ? "\\^=" : "\\";
  if (!is_known_ || converter_.convertString(value.c_str(), value.size(), converted, delimiters).bad()) return {};
  return std::string(converted.c_str(), converted.size());
}

std::optional<std::string> CharacterSets::convert_japanese(const std::string& value) {
  constexpr std::string_view katakana_follow = "\x1b)J";
  std::string converted;
  for (std::size_t begin = 0; begin < value.size();) {
    if (value.compare(begin, katakana_follow.size(), katakana_follow) == 0) {
      begin += katakana_follow.size();
    } else if (has_katakana_ && is_katakana(value[begin])) {
      converted += utf8_of_katakana(value[begin++]);
    } else {
      std::size_t end = begin + 1;
      while (end < value.size() && !is_katakana(value[end]) && value.compare(end, 3, katakana_follow) != 0) ++end;
      OFString part;
      if (japanese_.convertString(value.c_str() + begin, end - begin, part).bad()) return {};
      converted.append(part.c_str(), part.size());
      begin = end;
    }
  }
  return converted;
}

}  // namespace twintrack::dicom_objects

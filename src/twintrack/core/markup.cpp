#include "twintrack/core/markup.hpp"

#include <cstdint>
#include <vector>

namespace twintrack {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Bytes of the UTF-8 sequence that `text` begins with; 0 when it is none (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool valid = continues(1) && continues(2) && (first != 0xE0 || second >= 0xA0) &&
                       (first != 0xED || second <= 0x9F);  // no surrogates
    return valid ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool valid = continues(1) && continues(2) && continues(3) && (first != 0xF0 || second >= 0x90) &&
                       (first != 0xF4 || second <= 0x8F);
    return valid ? 4 : 0;
  }
  return 0;
}

// XML 1.0, section 2.2, but for the carriage return, which parsers make a line feed of.
bool is_allowed(std::string_view character) {
  if (character.size() == 1) {
    const auto c = static_cast<unsigned char>(character[0]);
    return (c >= ' ' && c != 0x7F) || c == '\n' || c == '\t';
  }
  if (character.size() == 2) return static_cast<unsigned char>(character[0]) != 0xC2 || (character[1] & 0x7F) >= 0x20;
  return character != "\xEF\xBF\xBE" && character != "\xEF\xBF\xBF";  // U+FFFE, U+FFFF
}

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    characters.push_back(length > 0 && is_allowed(character) ? character : kReplacement);
    text.remove_prefix(character.size());
  }
  return characters;
}

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string escaped;
  for (const std::string_view character : characters_of(text)) {
    if (character == "&") {
      escaped += "&amp;";
    } else if (character == "<") {
      escaped += "&lt;";
    } else if (character == ">") {
      escaped += "&gt;";
    } else if (character == "\"") {
      escaped += "&quot;";
    } else if (character == "'") {
      escaped += "&#39;";
    } else {
      escaped += character;
    }
  }
  return escaped;
}

std::string shortened(std::string_view text, std::size_t characters) {
  const std::vector<std::string_view> all = characters_of(text);
  std::string result;
  const bool whole = all.size() <= characters;
  const std::size_t tail = whole || characters < 3 ? 0 : (characters - 1) / 2;
  const std::size_t head = whole ? all.size() : characters - (characters > 0 ? 1 : 0) - tail;
  for (std::size_t i = 0; i < head; ++i) result += all[i];
  if (!whole && characters > 0) result += "\u2026";
  for (std::size_t i = all.size() - tail; i < all.size(); ++i) result += all[i];
  return result;
}

std::size_t character_count(std::string_view text) { return characters_of(text).size(); }

}  // namespace twintrack

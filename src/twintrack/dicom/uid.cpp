#include "twintrack/dicom/uid.hpp"

#include "twintrack/core/files.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace twintrack {
namespace {

using Uuid = std::array<std::uint8_t, 16>;

Uuid derived_uuid(std::string_view text) {
  const std::string hexadecimal = sha256_of(text);
  Uuid uuid{};
  for (std::size_t i = 0; i < uuid.size(); ++i)
    uuid[i] = static_cast<std::uint8_t>(std::stoi(hexadecimal.substr(2 * i, 2), nullptr, 16));
  uuid[6] = static_cast<std::uint8_t>(0x80 | (uuid[6] & 0x0f));  // version
  uuid[8] = static_cast<std::uint8_t>(0x80 | (uuid[8] & 0x3f));  // variant
  return uuid;
}

// Divides the number, most significant byte first, by ten and returns the rest.
int divide_by_ten(Uuid& number) {
  int rest = 0;
  for (std::uint8_t& byte : number) {
    const int value = rest * 256 + byte;
    byte = static_cast<std::uint8_t>(value / 10);
    rest = value % 10;
  }
  return rest;
}

}  // namespace

std::string derived_uid(std::string_view text) {
  Uuid number = derived_uuid(text);
  std::string digits;
  while (std::ranges::any_of(number, [](std::uint8_t byte) { return byte != 0; }))
    digits += static_cast<char>('0' + divide_by_ten(number));
  std::ranges::reverse(digits);
  return "2.25." + digits;
}

}  // namespace twintrack

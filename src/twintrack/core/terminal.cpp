#include "twintrack/core/terminal.hpp"

#include <fmt/format.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>

namespace twintrack {
namespace {

constexpr std::string_view ellipsis = "\u2026";

std::string_view environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// wcwidth() of UTF-8's characters, whatever the user's locale is. 1 where the system has no such locale.
int columns_of(char32_t character) {
  static const locale_t utf8 = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  if (utf8 == nullptr) return 1;
  const locale_t before = ::uselocale(utf8);
  const int columns = ::wcwidth(static_cast<wchar_t>(character));
  ::uselocale(before);
  return columns;
}

struct Glyph {
  std::string_view bytes;  // as shown
  std::size_t taken = 1;   // bytes of the text that it stands for
  std::size_t columns = 1;
};

constexpr Glyph unknown{"?", 1, 1};

// The first character of `text`, which is not empty (RFC 3629: no overlong forms, no surrogates).
Glyph first_glyph(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::size_t length = byte(0) < 0x80   ? 1
                             : byte(0) < 0xc2 ? 0
                             : byte(0) < 0xe0 ? 2
                             : byte(0) < 0xf0 ? 3
                             : byte(0) < 0xf5 ? 4
                                              : 0;
  if (length == 0 || length > text.size()) return unknown;
  char32_t character = length == 1 ? byte(0) : byte(0) & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return unknown;
    character = (character << 6) | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  if (overlong || character > 0x10ffff || (character >= 0xd800 && character < 0xe000)) return unknown;
  const int columns = columns_of(character);
  if (columns < 0) return {"?", length, 1};
  return {text.substr(0, length), length, static_cast<std::size_t>(columns)};
}

}  // namespace

bool stderr_is_terminal() { return ::isatty(STDERR_FILENO) == 1; }

std::size_t terminal_columns() {
  const std::string_view wish = environment("COLUMNS");
  std::size_t columns = 0;
  const auto [end, error] = std::from_chars(wish.data(), wish.data() + wish.size(), columns);
  if (error == std::errc() && end == wish.data() + wish.size() && columns > 0) return columns;
  winsize size{};
  constexpr std::size_t usual = 80;
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

bool stderr_takes_colour() {
  const std::string_view terminal = environment("TERM");
  return environment("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb" && stderr_is_terminal();
}

std::string coloured(std::string_view text, std::string_view colour) {
  return stderr_takes_colour() ? fmt::format("\x1b[{}m{}\x1b[0m", colour, text) : std::string(text);
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    columns += glyph.columns;
    text.remove_prefix(glyph.taken);
  }
  return columns;
}

std::string fitting(std::string_view text, std::size_t columns) {
  const bool whole = display_width(text) <= columns;
  const std::size_t room = whole ? columns : columns - (columns > 0 ? 1 : 0);
  std::string shown;
  for (std::size_t used = 0; !text.empty();) {
    const Glyph glyph = first_glyph(text);
    if (used + glyph.columns > room) break;
    shown += glyph.bytes;
    used += glyph.columns;
    text.remove_prefix(glyph.taken);
  }
  if (!whole && columns > 0) shown += ellipsis;
  return shown;
}

}  // namespace twintrack

// The terminal that stderr may be, and text that has to fit on it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace twintrack {

bool stderr_is_terminal();

// Width of the terminal that stderr is: COLUMNS where it is set to a number, else what the terminal says, else 80.
std::size_t terminal_columns();

// stderr is a terminal that knows colours and NO_COLOR (no-color.org) is unset or empty.
bool stderr_takes_colour();

// `text`, in this colour of ECMA-48 ("31" is red) where stderr takes colours.
std::string coloured(std::string_view text, std::string_view colour);
inline constexpr std::string_view kRed = "31";
inline constexpr std::string_view kYellow = "33";

// Columns that UTF-8 text takes on a terminal. What is no character there (a byte that is not UTF-8, a control
// character) counts as the '?' that fitting() shows for it.
std::size_t display_width(std::string_view text);

// `text` cut to at most `columns`, where it is longer ending in an ellipsis; never within a character.
std::string fitting(std::string_view text, std::size_t columns);

}  // namespace twintrack

#include "twintrack/core/terminal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <optional>
#include <string>

namespace twintrack {
namespace {

// An environment variable for the duration of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    ::setenv(name, value, 1);
  }
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

TEST(Terminal, columns_as_the_environment_says) {
  const Variable columns("COLUMNS", "57");
  EXPECT_EQ(terminal_columns(), 57U);
}

TEST(Terminal, columns_that_are_no_number_are_passed_over) {
  for (const char* const text : {"", "0", "-3", "wide", "12x", "99999999999999999999999"}) {
    const Variable columns("COLUMNS", text);
    EXPECT_GE(terminal_columns(), 1U) << text;
    EXPECT_LE(terminal_columns(), 65535U) << text;
  }
}

TEST(Fitting, leaves_what_fits) {
  EXPECT_EQ(fitting("member", 6), "member");
  EXPECT_EQ(fitting("", 0), "");
}

TEST(Fitting, cuts_with_an_ellipsis) {
  EXPECT_EQ(fitting("member 1", 5), "memb\u2026");
  EXPECT_EQ(fitting("member", 1), "\u2026");
  EXPECT_EQ(fitting("member", 0), "");
}

TEST(Fitting, never_cuts_within_a_character) {
  const std::string text = "\u00e4\u00f6\u00fc\u20ac";
  EXPECT_EQ(display_width(text), 4U);
  EXPECT_EQ(fitting(text, 3), "\u00e4\u00f6\u2026");
}

TEST(Fitting, wide_characters_take_two_columns_and_combining_ones_none) {
  const std::string wide = "\u75c5\u4f8b\u4e00";
  EXPECT_EQ(display_width(wide), 6U);
  EXPECT_EQ(fitting(wide, 6), wide);
  EXPECT_EQ(fitting(wide, 5), "\u75c5\u4f8b\u2026");
  EXPECT_EQ(fitting(wide, 4), "\u75c5\u2026");
  EXPECT_EQ(display_width("e\u0301"), 1U);
}

TEST(Fitting, shows_control_characters_and_bytes_that_are_no_utf8_as_question_marks) {
  EXPECT_EQ(fitting("a\x1b[2J\nb\x7f", 20), "a?[2J?b?");
  EXPECT_EQ(fitting("\xff\xc3(\xe2\x82", 20), "??(??");
  EXPECT_EQ(fitting("\xc0\xaf\xed\xa0\x80", 20), "?????");            // overlong, surrogate
  EXPECT_EQ(fitting("\xf4\x90\x80\x80", 20), "????");                 // beyond Unicode
  EXPECT_EQ(fitting("\xe0\x80\xaf\xf0\x80\x80\xaf", 20), "???????");  // overlong
}

TEST(Colour, none_where_stderr_is_no_terminal) {
  testing::internal::CaptureStderr();
  const Variable terminal("TERM", "xterm-256color");
  const std::string text = coloured("warning:", kYellow);
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(text, "warning:");
}

}  // namespace
}  // namespace twintrack

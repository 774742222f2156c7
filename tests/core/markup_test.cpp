// Text of any origin inside HTML, SVG and XML.
#include "twintrack/core/markup.hpp"

#include <gmock/gmock.h>

#include <array>

namespace twintrack {
namespace {

const std::string kReplacement = "\uFFFD";

TEST(Markup, ReferencesStandForWhatMarkupIsMadeOf) {
  EXPECT_EQ(escape_markup("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  EXPECT_EQ(escape_markup("two\nlines\tand a tab"), "two\nlines\tand a tab");
  EXPECT_EQ(escape_markup("m\u00e4\u00df \u4e2d \U0001F600"), "m\u00e4\u00df \u4e2d \U0001F600");
  EXPECT_EQ(escape_markup(""), "");
}

TEST(Markup, WhatXmlDoesNotAllowIsReplaced) {
  EXPECT_EQ(escape_markup(std::string("a\0b", 3)), "a" + kReplacement + "b");
  for (const char* const control : {"\x01", "\x1f", "\x7f", "\r", "\u0085", "\uFFFE", "\uFFFF"})
    EXPECT_EQ(escape_markup(control), kReplacement) << testing::PrintToString(control);
}

TEST(Markup, BytesThatAreNoUtf8AreReplacedOneByOne) {
  EXPECT_EQ(escape_markup("\xff"), kReplacement);
  EXPECT_EQ(escape_markup("\xc3"), kReplacement);                                        // cut off
  EXPECT_EQ(escape_markup("\xe2\x82<"), kReplacement + kReplacement + "&lt;");           // cut off before markup
  EXPECT_EQ(escape_markup("\xc0\xbc"), kReplacement + kReplacement);                     // '<' written too long
  EXPECT_EQ(escape_markup("\xed\xa0\x80"), kReplacement + kReplacement + kReplacement);  // a surrogate
  EXPECT_EQ(escape_markup("\xf4\x90\x80\x80"), kReplacement + kReplacement + kReplacement + kReplacement);
}

TEST(Markup, LongTextIsShortenedInItsMiddle) {
  EXPECT_EQ(shortened("patient_0001", 12), "patient_0001");
  EXPECT_EQ(shortened("patient_0001", 7), "pat\u2026001");
  EXPECT_EQ(shortened("patient_0001", 8), "pati\u2026001");
  EXPECT_EQ(shortened("\u00e4\u00f6\u00fc\u00df", 3), "\u00e4\u2026\u00df");
  EXPECT_EQ(shortened("abc", 1), "\u2026");
  EXPECT_EQ(shortened("abc", 0), "");
  EXPECT_EQ(shortened("", 5), "");
  for (std::size_t most = 0; most < 30; ++most)
    EXPECT_LE(character_count(shortened("a very long name of \xff a case", most)), most);
}

TEST(Markup, CharactersAreCountedNotBytes) {
  EXPECT_EQ(character_count("a\u00e4\u4e2d\U0001F600"), 4u);
  EXPECT_EQ(character_count("\xff\xfe"), 2u);
}

}  // namespace
}  // namespace twintrack

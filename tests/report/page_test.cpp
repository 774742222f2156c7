// What may stand in a page, whatever bytes it comes from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "twintrack/core/json.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/report/page.hpp"

namespace twintrack::test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EscapeHtml, MarkupBecomesText) {
  EXPECT_EQ(escape_html("<b a=\"1\" b='2'>&amp;"), "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;");
  EXPECT_EQ(escape_html("a\tb\nc"), "a\tb\nc");
}

TEST(EscapeHtml, Utf8StaysAndOtherBytesAreReplaced) {
  EXPECT_EQ(escape_html("Fälle \xE2\x82\xAC \xF0\x9F\xA9\xBB"), "Fälle \xE2\x82\xAC \xF0\x9F\xA9\xBB");
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(escape_html("a\xFF z"), "a" + mark + " z");
  EXPECT_EQ(escape_html("\xC3"), mark);                       // cut off
  EXPECT_EQ(escape_html("\xE2\x82<"), mark + mark + "&lt;");  // cut off by markup
  EXPECT_EQ(escape_html("\xC0\xBC"), mark + mark);            // '<' in two bytes
  EXPECT_EQ(escape_html("\xE0\x80\xBC"), mark + mark + mark);
  EXPECT_EQ(escape_html("\xED\xA0\x80"), mark + mark + mark);  // a surrogate
  EXPECT_EQ(escape_html("\xF4\x90\x80\x80"), mark + mark + mark + mark);
  EXPECT_EQ(escape_html(std::string("\0\x1B\x7F", 3)), mark + mark + mark);
}

TEST(EscapeJsonForScript, NothingEndsTheElementAndTheValueStays) {
  const Json json{{"</script><script>alert(1)</script>", "<!-- <script "}};
  const std::string text = escape_json_for_script(json.dump());
  EXPECT_THAT(text, Not(HasSubstr("<")));
  EXPECT_EQ(Json::parse(text), json);
}

TEST(HtmlPage, HasPolicyStatementAndVersionAndEscapesItsTitle) {
  const std::string page = html_page("</title><script>x</script>", "<style>.a{}</style>", "<p>body</p>");
  EXPECT_THAT(page, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page, HasSubstr("<title>&lt;/title&gt;&lt;script&gt;x&lt;/script&gt;</title>"));
  EXPECT_THAT(page, HasSubstr("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
                              "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""));
  EXPECT_THAT(page, HasSubstr(escape_html(kResearchUse)));
  EXPECT_THAT(page, HasSubstr("<p>Research use only. Not a medical device and not for diagnosis.</p><button"));
  EXPECT_THAT(page, HasSubstr("TwinTrack " + version()));
  EXPECT_LT(page.find("<style>.a{}</style>"), page.find("<body>"));
  EXPECT_LT(page.find("research-strip\" role"), page.find("<p>body</p>"));
}

}  // namespace
}  // namespace twintrack::test

#include "twintrack/report/page.hpp"

#include "report_assets.hpp"
#include "twintrack/core/markup.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"

#include <fmt/format.h>

namespace twintrack {
namespace {

// What the statement begins with, short enough to stay in sight: its first two sentences.
std::string_view short_statement() {
  const std::string_view statement = kResearchUse;
  return statement.substr(0, statement.find(". ", statement.find(". ") + 1) + 1);
}

}  // namespace

std::string escape_html(std::string_view text) { return escape_markup(text); }

std::string escape_json_for_script(std::string_view json_text) {
  std::string escaped;
  escaped.reserve(json_text.size());
  for (const char c : json_text) {
    if (c == '<') {
      escaped += "\\u003c";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string html_page(std::string_view title, std::string_view head, std::string_view body) {
  constexpr std::string_view policy =
      "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
      "form-action 'none'";
  std::string page;
  page.reserve(body.size() + head.size() + (std::size_t{1} << 14));
  page += "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += fmt::format("<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n", policy);
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<meta name=\"referrer\" content=\"no-referrer\">\n<link rel=\"icon\" href=\"data:,\">\n";
  page += fmt::format("<title>{}</title>\n<style>\n{}</style>\n", escape_html(title), report_assets::page_css);
  page += fmt::format("<script>\n{}</script>\n", report_assets::page_js);
  page += head;
  page += fmt::format(
      "</head>\n<body>\n<div class=\"research-strip\" role=\"note\"><p>{}</p>"
      "<button id=\"theme-toggle\" type=\"button\" class=\"screen-only\">Light / dark</button></div>\n<main>\n",
      escape_html(short_statement()));
  page += body;
  page +=
      fmt::format("</main>\n<footer class=\"page-footer\"><p>{}</p><p>TwinTrack {}</p></footer>\n</body>\n</html>\n",
                  escape_html(kResearchUse), escape_html(version()));
  return page;
}

}  // namespace twintrack

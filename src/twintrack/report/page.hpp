// The frame that all reports share: one self-contained HTML document that requests nothing.
#pragma once

#include <string>
#include <string_view>

namespace twintrack {

// `text` as it may stand in HTML content and in quoted attributes: & < > " ' become references, bytes that are no UTF-8
// and control characters become U+FFFD (line feed and tab stay).
std::string escape_html(std::string_view text);

// `json_text` (what to_text() gives) as it may stand in a script element: every < becomes \u003c, so that nothing in a
// string can end the element.
std::string escape_json_for_script(std::string_view json_text);

// A whole HTML5 document: light and dark (the reader's setting, and a button), printable, with the research-use
// statement in a banner that stays in sight, and a footer with our version. A Content-Security-Policy forbids every
// request; images may be data: URIs, styles and scripts stand inline.
//   title      plain text; escaped here
//   head       further elements of the head (style), as HTML
//   body       the contents between banner and footer, as HTML (script elements at its end)
// Styles may use the page's custom properties (page.css): --page, --surface, --ink, --muted, --line, --accent, --warn.
std::string html_page(std::string_view title, std::string_view head, std::string_view body);

}  // namespace twintrack

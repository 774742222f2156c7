// Text of any origin inside HTML, SVG and XML.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace twintrack {

// `text` as it may stand in the content of elements and in quoted attributes of HTML and XML: & < > " ' become
// references; bytes that are no UTF-8, and characters that XML does not allow, become U+FFFD (line feed and tab stay).
std::string escape_markup(std::string_view text);

// At most `characters` (code points) of the same kind of text, with an ellipsis in the middle when some were left out;
// not escaped. What is no UTF-8 becomes U+FFFD.
std::string shortened(std::string_view text, std::size_t characters);

// Code points of `text`; what is no UTF-8 counts as one each.
std::size_t character_count(std::string_view text);

}  // namespace twintrack

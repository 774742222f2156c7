// Unique identifiers of our own.
#pragma once

#include <string>
#include <string_view>

namespace twintrack {

// "2.25." and the decimal form of a UUID (PS3.5, B.2; RFC 9562, version 8), whose bits are the SHA-256 of `text`: the
// same text gives the same identifier, another text another one.
std::string derived_uid(std::string_view text);

}  // namespace twintrack

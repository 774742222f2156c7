#pragma once

#include <string>

namespace twintrack {

// Of the library that is loaded, "2.6.3".
std::string onednn_version();

}  // namespace twintrack

#pragma once

#include <string>

namespace twintrack {

// "3.6.7".
std::string dcmtk_version();

}  // namespace twintrack

// The libraries that volumes are read and written with.
#pragma once

#include <string>

namespace twintrack {

std::string itk_version();   // "5.2.1"
std::string gdcm_version();  // "3.0.21"

}  // namespace twintrack

#pragma once

#include <filesystem>
#include <string>

namespace twintrack {

// SHA-256 of a file; of a folder, a list of DICOM files, or a DICOM slice (which means its series), the SHA-256 over
// the names (paths below the folder) and SHA-256 of all files in name order.
std::string sha256_of_input(const std::filesystem::path& path);

}  // namespace twintrack

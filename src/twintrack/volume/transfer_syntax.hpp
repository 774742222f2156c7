// Transfer syntaxes of DICOM (PS3.5, annex A). Internal to this module.
#pragma once

#include <filesystem>
#include <string_view>

namespace twintrack::volume_io {

// Whether a codec is needed for pixels in the transfer syntax `uid`. Throws InputError, which names it, when there is
// none here.
bool is_compressed(std::string_view uid, const std::filesystem::path& file);

}  // namespace twintrack::volume_io

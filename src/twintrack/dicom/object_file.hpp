// A data set and its pixels as a DICOM file. Internal to this module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

class DcmFileFormat;

namespace twintrack::dicom_objects {

// The last element of a data set, which goes to the file without passing through memory as a whole.
struct Pixels {
  std::uint16_t element;       // of group 7FE0
  const char* representation;  // "OB", "OF"
  std::uint64_t bytes = 0;
  std::function<void(const std::function<void(std::string_view)>& append)> write;  // all of them
};

// Explicit VR Little Endian, complete or not at all. `pixels` may be null. Throws ResourceError.
void write_object(const std::filesystem::path& file, DcmFileFormat& object, const Pixels* pixels);

}  // namespace twintrack::dicom_objects

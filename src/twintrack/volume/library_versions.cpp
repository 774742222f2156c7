#include "twintrack/volume/library_versions.hpp"

#include <gdcmVersion.h>
#include <itkVersion.h>

namespace twintrack {

std::string itk_version() { return itk::Version::GetITKVersion(); }

std::string gdcm_version() { return gdcm::Version::GetVersion(); }

}  // namespace twintrack

#include "twintrack/dicom/dcmtk_version.hpp"

#include <dcmtk/config/osconfig.h>

namespace twintrack {

std::string dcmtk_version() { return PACKAGE_VERSION; }

}  // namespace twintrack

#include "twintrack/network/onednn_version.hpp"

#include <fmt/format.h>
#include <dnnl.hpp>

namespace twintrack {

std::string onednn_version() {
  const dnnl_version_t& version = *dnnl_version();
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

}  // namespace twintrack

// Internal to this module.
#pragma once

#include "twintrack/pipeline/bundle.hpp"
#include "twintrack/twintrack.hpp"

namespace twintrack {

BundleInfo describe(const Bundle& bundle);

}  // namespace twintrack

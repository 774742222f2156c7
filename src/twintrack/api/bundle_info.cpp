#include "twintrack/api/bundle_info.hpp"

namespace twintrack {

BundleInfo describe(const Bundle& bundle) {
  return {.folder = bundle.folder,
          .name = bundle.name,
          .trained_on = bundle.trained_on,
          .intended_use = bundle.intended_use,
          .sha256 = bundle.hash,
          .networks_sha256 = networks_sha256(bundle),
          .members = bundle.members.size(),
          .has_localizer = bundle.localizer.has_value(),
          .tumor_labels = bundle.tumor_labels,
          .roi_margin_mm = bundle.roi_margin_mm,
          .threshold = bundle.threshold,
          .calibrator = bundle.calibrator};
}

BundleInfo read_bundle_info(const std::filesystem::path& folder) { return describe(read_bundle(folder)); }

}  // namespace twintrack

// Which files belong to a case.
#pragma once

#include "twintrack/cohort/manifest.hpp"
#include "twintrack/report/case_data.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace twintrack {

// Those that `predict` wrote to `results`: NAME.json and NAME_probability with any volume ending, and as far as they
// are there NAME_segmentation, NAME_uncalibrated and NAME_roi. Without a name the case is the only one, or of several
// the one whose summary has the image's SHA-256, or else that is called as the image. Throws InputError that lists the
// cases when none is meant, and for files that are missing or there in two formats.
CaseFiles case_of_results(const std::filesystem::path& results, const std::filesystem::path& image,
                          const std::optional<std::string>& name);

// Those of a manifest's row (columns image and probability are needed), with NAME.json and NAME_uncalibrated beside
// NAME_probability where they are there. Throws InputError when the manifest has no such case.
CaseFiles case_of_manifest(const Manifest& manifest, const std::string& name);

}  // namespace twintrack

#include "twintrack/training/bundle_calibration.hpp"

#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/pipeline/cases.hpp"

namespace twintrack {
namespace {

constexpr int kReplicates = 1000;

std::string identity_of(const CaseInput& input, const CohortCase& item) {
  std::string list = input.sha256;
  for (const auto& rater : item.raters) list += sha256_of_file(rater);
  return sha256_of(list);
}

BitMask mask_of(const RegionOfInterest& region, const Shape3& shape) {
  BitMask mask(shape);
  for (std::size_t i = 0; i < region.mask.size(); ++i) {
    if (region.mask[i] != 0) mask.set(static_cast<std::int64_t>(i));
  }
  return mask;
}

}  // namespace

Json calibrate_bundle(const Bundle& bundle, const Manifest& manifest, const std::vector<int>& tumor_labels,
                      const InferenceOptions& options,
                      const std::function<void(std::int64_t, std::int64_t)>& progress) {
  Bundle plain = bundle;
  plain.calibrator.reset();
  Pipeline pipeline(plain, options);
  CalibrationStatistics statistics;
  statistics.networks_sha256 = networks_sha256(plain);
  std::vector<Case> cases;
  for (const CohortCase& item : manifest.cases) cases.push_back({item.name, *item.image});
  // A case that cannot be used ends the fit: it would silently be one of fewer cases.
  const auto fail = [](const Case& item, const Error& error) {
    throw InputError("case '{}': {}", item.name, error.what());
  };
  std::size_t done = 0;
  const auto read = [&](const Case& item) { return pipeline.read(item.path, std::nullopt); };
  const auto add = [&](const Case& item, CaseInput& input) {
    throw_if_interrupted();
    const CohortCase& row = manifest.cases[done];
    const RaterSet raters = read_raters(row.raters, tumor_labels);
    require_same_grid(input.ct.geometry, item.path, raters.geometry, row.raters.front());
    const CaseResult result =
        pipeline.predict(input, false, [](const std::string&, std::int64_t, std::int64_t) { throw_if_interrupted(); });
    add_case(statistics, {item.name, identity_of(input, row), result.probability.voxels, raters,
                          mask_of(result.region, input.ct.geometry.shape())});
    progress(static_cast<std::int64_t>(++done), std::ssize(cases));
  };
  try {
    run_cases<CaseInput>(
        cases, [](const Case&) { return false; }, read, add, fail);
  } catch (const InputError& error) {
    if (cases.size() != 1) throw;
    fail(cases.front(), error);  // which a single case's is thrown without
  }
  return to_json(fit_calibrator(statistics, kReplicates, 0), statistics);
}

}  // namespace twintrack

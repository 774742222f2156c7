#include "twintrack/api/in_memory.hpp"
#include "twintrack/calibration/fit.hpp"
#include "twintrack/calibration/statistics_file.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/twintrack.hpp"

#include <algorithm>
#include <functional>

namespace twintrack {
namespace {

constexpr int kMostReplicates = 1'000'000;

void check_curve(const Calibrator& c) {
  const auto within = [](float v) { return v >= 0.0F && v <= 1.0F; };
  const bool ascends = std::ranges::adjacent_find(c.x, std::greater_equal()) == c.x.end() &&
                       std::ranges::adjacent_find(c.y, std::greater()) == c.y.end();
  if (c.x.empty() || c.x.size() != c.y.size() || !ascends || !std::ranges::all_of(c.x, within) ||
      !std::ranges::all_of(c.y, within)) {
    throw UsageError(
        "calibrator: {} knots in x and {} in y; as many of both are right, in [0, 1], x strictly and y not "
        "descending",
        c.x.size(), c.y.size());
  }
}

}  // namespace

struct CalibrationCohort::Impl {
  CalibrationStatistics statistics;
};

CalibrationCohort::CalibrationCohort(const std::string& target, bool equal_case_weight)
    : impl_(std::make_unique<Impl>()) {
  impl_->statistics.target = parse_target(target);
  impl_->statistics.case_weight = equal_case_weight ? CaseWeight::equal : CaseWeight::voxel;
}
CalibrationCohort::CalibrationCohort(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CalibrationCohort::~CalibrationCohort() = default;
CalibrationCohort::CalibrationCohort(CalibrationCohort&&) noexcept = default;
CalibrationCohort& CalibrationCohort::operator=(CalibrationCohort&&) noexcept = default;

CalibrationCohort CalibrationCohort::read(const std::filesystem::path& file) {
  return CalibrationCohort(std::make_unique<Impl>(Impl{read_statistics(file)}));
}

void CalibrationCohort::add(const std::string& name, const VolumeView<float>& probability,
                            std::span<const MaskView> raters, const std::optional<MaskView>& region) {
  const std::string what = "case " + name;
  const CheckedProbability map(probability, what + ": probability map");
  const RaterSet packed = pack_raters(raters, probability.geometry, what);
  const BitMask mask = region ? pack_mask(*region, probability.geometry, what + ": region of interest")
                              : region_of_marks(map.view(), packed);
  add_case(impl_->statistics, {name, "", map.view().voxels, packed, mask});
}

void CalibrationCohort::merge(const CalibrationCohort& other) {
  twintrack::merge(impl_->statistics, other.impl_->statistics, "the other cohort");
}

std::size_t CalibrationCohort::size() const { return impl_->statistics.cases.size(); }

void CalibrationCohort::write(const std::filesystem::path& file) const { write_statistics(file, impl_->statistics); }

CalibrationFit CalibrationCohort::fit(int replicates, std::uint64_t seed) const {
  if (impl_->statistics.cases.empty()) throw UsageError("fit: the cohort has no case; add one first");
  if (replicates < 1 || replicates > kMostReplicates)
    throw UsageError("fit: {} replicates, 1 to {} is right", replicates, kMostReplicates);
  CalibratorFit fit = fit_calibrator(impl_->statistics, replicates, seed);
  std::string document = to_text(to_json(fit, impl_->statistics), 1);
  return {std::move(fit.calibrator), std::move(fit.warnings), std::move(document)};
}

void write_calibrator(const std::filesystem::path& file, const CalibrationFit& fit) {
  write_file(file, fit.document + "\n");
}

void write_calibrator(const std::filesystem::path& file, const Calibrator& calibrator) {
  check_curve(calibrator);
  Json json{{"format", kCalibratorFormat}, {"research_use", kResearchUse},
            {"target", calibrator.target}, {"x", calibrator.x},
            {"y", calibrator.y},           {"support", nullptr},
            {"networks_sha256", nullptr},  {"twintrack", version()}};
  if (calibrator.support) json["support"] = {{"low", calibrator.support->first}, {"high", calibrator.support->second}};
  if (calibrator.networks_sha256) json["networks_sha256"] = *calibrator.networks_sha256;
  write_file(file, to_text(json, 1) + "\n");
}

}  // namespace twintrack

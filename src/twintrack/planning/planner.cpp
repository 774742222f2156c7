#include "twintrack/planning/planner.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/resampling.hpp"
#include "twintrack/planning/configuration_plan.hpp"
#include "twintrack/planning/plans_json.hpp"

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kAnisotropic = 3;            // spacings and extents that differ by more
constexpr double kCoarsestPercentile = 10;    // of an anisotropic axis' spacings
constexpr double kLowResolutionShare = 0.25;  // of the median image that a patch must cover, or 3d_lowres is needed
constexpr double kLowResolutionFactor = 2;    // fewer voxels than 3d_fullres, or it is not worth while
constexpr double kSpacingStep = 1.03;

template <typename T>
std::array<T, 3> transposed(const std::array<T, 3>& values, const std::array<int, 3>& axes) {
  return {values[axes[0]], values[axes[1]], values[axes[2]]};
}

template <typename T>
std::array<double, 3> percentile_per_axis(const std::vector<std::array<T, 3>>& cases, double percent) {
  std::array<double, 3> result{};
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<double> values;
    values.reserve(cases.size());
    for (const auto& item : cases) values.push_back(static_cast<double>(item[axis]));
    std::ranges::sort(values);
    result[axis] = percentile_of_sorted(values, percent);
  }
  return result;
}

int coarsest_axis(const Spacing3& spacing_mm) {
  return static_cast<int>(std::ranges::max_element(spacing_mm) - spacing_mm.begin());
}

// The median; along an axis that is much coarser and shorter than the others, a finer spacing, lest slices blur.
Spacing3 target_spacing(const Fingerprint& fingerprint) {
  Spacing3 target = percentile_per_axis(fingerprint.spacings_mm, 50);
  const std::array<double, 3> size = percentile_per_axis(fingerprint.shapes_after_crop, 50);
  const int coarsest = coarsest_axis(target);
  const int a = coarsest == 0 ? 1 : 0;
  const int b = coarsest == 2 ? 1 : 2;
  const double others_mm = std::max(target[a], target[b]);
  if (target[coarsest] <= kAnisotropic * others_mm) return target;
  if (size[coarsest] * kAnisotropic >= std::min(size[a], size[b])) return target;
  const double finer_mm = percentile_per_axis(fingerprint.spacings_mm, kCoarsestPercentile)[coarsest];
  target[coarsest] = finer_mm < others_mm ? others_mm + 1e-5 : finer_mm;
  return target;
}

std::array<int, 3> coarsest_axis_first(const Spacing3& spacing_mm) {
  const int coarsest = coarsest_axis(spacing_mm);
  return {coarsest, coarsest == 0 ? 1 : 0, coarsest == 2 ? 1 : 2};
}

std::array<double, 3> median_shape_at(const Spacing3& spacing_mm, const Fingerprint& fingerprint) {
  std::vector<std::array<double, 3>> shapes;
  for (std::size_t i = 0; i < fingerprint.spacings_mm.size(); ++i) {
    std::array<double, 3> shape{};
    for (int axis = 0; axis < 3; ++axis) {
      shape[axis] = std::nearbyint(fingerprint.spacings_mm[i][axis] / spacing_mm[axis] *
                                   static_cast<double>(fingerprint.shapes_after_crop[i][axis]));
    }
    shapes.push_back(shape);
  }
  return percentile_per_axis(shapes, 50);
}

// One step; axes that are less than half as coarse as the coarsest go first.
void coarsen(Spacing3& spacing_mm) {
  const double coarsest = *std::ranges::max_element(spacing_mm);
  const auto finer = [&](double spacing) { return coarsest / spacing > 2; };
  const bool any = std::ranges::any_of(spacing_mm, finer);
  for (double& spacing : spacing_mm) {
    if (!any || finer(spacing)) spacing *= kSpacingStep;
  }
}

std::optional<ConfigurationPlan> plan_low_resolution(const ConfigurationPlan& full, const PlanFacts& facts,
                                                     const PlanOptions& options) {
  const double full_voxels = product(full.median_shape);
  double voxels = full_voxels;
  auto patch_voxels = static_cast<double>(voxel_count(full.patch_size));
  std::optional<ConfigurationPlan> result;
  Spacing3 spacing = full.spacing_mm;
  while (patch_voxels / voxels < kLowResolutionShare) {
    coarsen(spacing);
    std::array<double, 3> shape{};
    for (int axis = 0; axis < 3; ++axis) shape[axis] = full.spacing_mm[axis] / spacing[axis] * full.median_shape[axis];
    voxels = product(shape);
    for (double& extent : shape) extent = std::nearbyint(extent);
    result = plan_configuration(spacing, shape, voxels, facts, options);
    patch_voxels = static_cast<double>(voxel_count(result->patch_size));
  }
  if (full_voxels / voxels < kLowResolutionFactor) return {};
  return result;
}

void check_belong_together(const Fingerprint& fingerprint, const TrainingDataset& dataset) {
  const JsonView document(dataset.document, dataset.json_path().string());
  const JsonView count = document.at("numTraining");
  const auto cases = std::ssize(fingerprint.spacings_mm);
  if (cases == 0 || count.as_integer(1, 1'000'000) != cases ||
      fingerprint.shapes_after_crop.size() != fingerprint.spacings_mm.size()) {
    count.fail(fmt::format("{} training cases, but the fingerprint is of {}; it must be of this dataset",
                           count.raw().dump(), cases));
  }
  if (fingerprint.crop) crop_values(*fingerprint.crop, dataset.dataset.labels, document.file());
}

// Options say how many stages; the patch says how many there is room for.
void check_stages(const ConfigurationPlan& plan, const PlanFacts& facts, const PlanOptions& options) {
  const int wanted =
      options.features.empty() ? options.stages.value_or(plan.stages()) : static_cast<int>(options.features.size());
  if (plan.stages() == wanted) return;
  throw UsageError("{} stages: a patch of {} has room for {}; ask for no more, or for a larger patch", wanted,
                   describe(plan.patch_size, facts.transpose_forward), plan.stages());
}

}  // namespace

Json make_plans(const Fingerprint& fingerprint, const TrainingDataset& dataset, const PlanOptions& options) {
  check_options(options);
  check_belong_together(fingerprint, dataset);
  const Spacing3 spacing = options.spacing_mm ? *options.spacing_mm : target_spacing(fingerprint);
  const PlanFacts facts{coarsest_axis_first(spacing), static_cast<double>(fingerprint.spacings_mm.size()),
                        static_cast<std::int64_t>(dataset.document.at("labels").size())};
  const std::array<int, 3>& axes = facts.transpose_forward;
  const std::array<double, 3> shape = transposed(median_shape_at(spacing, fingerprint), axes);
  PlanOptions chosen = options;
  if (options.patch_size) chosen.patch_size = transposed(*options.patch_size, axes);
  ConfigurationPlan full = plan_configuration(transposed(spacing, axes), shape, product(shape), facts, chosen);
  check_stages(full, facts, options);

  std::optional<ConfigurationPlan> low;
  chosen.patch_size.reset();
  if (options.low_resolution) low = plan_low_resolution(full, facts, chosen);
  full.batch_dice = low.has_value();
  const auto median = [&](const auto& cases) { return transposed(percentile_per_axis(cases, 50), axes); };
  return plans_json({fingerprint, dataset, options, axes, median(fingerprint.spacings_mm),
                     median(fingerprint.shapes_after_crop), full, low});
}

}  // namespace twintrack

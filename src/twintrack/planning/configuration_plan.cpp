#include "twintrack/planning/configuration_plan.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/planning/network_preset.hpp"
#include "twintrack/planning/topology.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kInitialEdge = 256;  // of the cube whose voxels the first, too large patch has
constexpr double kReferenceBatch = 2;
constexpr double kSmallestBatch = 2;
constexpr std::int64_t kLargestPatchEdge = 1024;
constexpr std::int64_t kLargestFeatures = 1 << 16;
constexpr int kMostStages = 13;

using Extent3 = std::array<double, 3>;

Extent3 as_extent(const Shape3& shape) {
  return {static_cast<double>(shape[0]), static_cast<double>(shape[1]), static_cast<double>(shape[2])};
}

int stages_wanted(const PlanOptions& options) {
  if (!options.features.empty()) return static_cast<int>(options.features.size());
  return options.stages.value_or(kMostStages);
}

// A patch with its network.
struct Candidate {
  Shape3 patch{};
  Topology topology;
  Architecture architecture;
  double elements = 0;  // of its feature maps
};

std::int64_t features_of(int stage, const PlanOptions& options) {
  if (!options.features.empty()) return options.features[stage];
  return std::min(options.base_features << stage, options.maximal_features);
}

Candidate candidate(const Extent3& size, const Spacing3& spacing_mm, const PlanFacts& facts,
                    const PlanOptions& options) {
  Candidate result;
  result.topology = plan_topology(spacing_mm, size, stages_wanted(options));
  result.patch = pad_to_multiple(size, result.topology.divisor);
  result.architecture = architecture_of(options.preset, result.topology.stages());
  result.architecture.classes = facts.classes;
  result.architecture.kernels = result.topology.kernels;
  result.architecture.strides = result.topology.strides;
  for (int stage = 0; stage < result.topology.stages(); ++stage) {
    result.architecture.features.push_back(features_of(stage, options));
  }
  result.elements = feature_map_elements(result.architecture, result.patch);
  return result;
}

// Voxels as cubic in mm as the image allows.
Extent3 initial_size(const Spacing3& spacing_mm, const Extent3& median_shape) {
  const Extent3 aspect{1 / spacing_mm[0], 1 / spacing_mm[1], 1 / spacing_mm[2]};
  const double scale = std::pow(kInitialEdge * kInitialEdge * kInitialEdge / product(aspect), 1.0 / 3.0);
  Extent3 size{};
  for (int axis = 0; axis < 3; ++axis) {
    size[axis] = std::min(std::max(std::nearbyint(aspect[axis] * scale), 1.0), median_shape[axis]);
  }
  return size;
}

// One step down along the axis that covers most of the image (of several the last). The step is the divisor that the
// smaller patch has, so that no valid size is passed over.
Extent3 reduced(const Candidate& current, const Spacing3& spacing_mm, const Extent3& median_shape, int most_stages) {
  Extent3 size = as_extent(current.patch);
  int axis = 0;
  for (int other = 1; other < 3; ++other) {
    if (size[other] / median_shape[other] >= size[axis] / median_shape[axis]) axis = other;
  }
  Extent3 smaller = size;
  smaller[axis] -= static_cast<double>(current.topology.divisor[axis]);
  size[axis] -= static_cast<double>(plan_topology(spacing_mm, smaller, most_stages).divisor[axis]);
  return size;
}

Candidate largest_that_fits(double limit_elements, const Spacing3& spacing_mm, const Extent3& median_shape,
                            const PlanFacts& facts, const PlanOptions& options) {
  Candidate current = candidate(initial_size(spacing_mm, median_shape), spacing_mm, facts, options);
  if (current.topology.stages() < 2) {
    throw InputError(
        "images of {:g} x {:g} x {:g} voxels at {:g} mm are too small for a U-Net; two axes need 8 voxels, or a finer "
        "spacing",
        median_shape[0], median_shape[1], median_shape[2], fmt::join(spacing_mm, " x "));
  }
  while (current.elements > limit_elements) {
    const Extent3 size = reduced(current, spacing_mm, median_shape, stages_wanted(options));
    if (*std::ranges::min_element(size) >= 1) current = candidate(size, spacing_mm, facts, options);
    if (*std::ranges::min_element(size) < 1 || current.topology.stages() < 2) {
      throw UsageError("no patch fits into {:g} GiB; allow more memory or fewer features",
                       options.memory_gib.value_or(rules_of(options.preset).reference_gib));
    }
  }
  return current;
}

Candidate chosen_patch(const Shape3& patch, const Spacing3& spacing_mm, const PlanFacts& facts,
                       const PlanOptions& options) {
  Candidate result = candidate(as_extent(patch), spacing_mm, facts, options);
  if (result.topology.stages() < 2) {
    throw UsageError("patch size {}: too small for a U-Net; two axes need 8 voxels",
                     describe(patch, facts.transpose_forward));
  }
  for (int axis = 0; axis < 3; ++axis) {
    const std::int64_t divisor = result.topology.divisor[axis];
    if (patch[axis] % divisor == 0) continue;
    throw UsageError("patch size {}: {} is halved {} times, so it must be a multiple of {}, such as {}",
                     describe(patch, facts.transpose_forward), patch[axis], std::llround(std::log2(divisor)), divisor,
                     result.patch[axis]);
  }
  return result;
}

// What memory leaves room for, but not too much of the training set at once.
std::int64_t batch_size_for(const Candidate& chosen, double limit_elements, double dataset_voxels,
                            const PlanOptions& options) {
  if (options.batch_size) return *options.batch_size;
  const double by_memory = std::nearbyint(limit_elements / chosen.elements * kReferenceBatch);
  const double by_dataset = std::nearbyint(dataset_voxels * rules_of(options.preset).dataset_share /
                                           static_cast<double>(voxel_count(chosen.patch)));
  return static_cast<std::int64_t>(std::max(std::min(by_memory, by_dataset), kSmallestBatch));
}

void check_integer(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high) throw UsageError("{} of {}: {} to {} is right", name, value, low, high);
}

void check_features(const PlanOptions& options) {
  check_integer("features of the first stage", options.base_features, 1, kLargestFeatures);
  check_integer("maximal features", options.maximal_features, options.base_features, kLargestFeatures);
  for (const std::int64_t features : options.features) check_integer("features", features, 1, kLargestFeatures);
  if (options.stages) check_integer("number of stages", *options.stages, 2, kMostStages);
  if (options.features.empty()) return;
  check_integer("a list of features", std::ssize(options.features), 2, kMostStages);
  if (options.stages && *options.stages != std::ssize(options.features)) {
    throw UsageError("{} stages, but features {} for {}; one for each stage is right", *options.stages,
                     fmt::join(options.features, ", "), options.features.size());
  }
}

}  // namespace

void check_options(const PlanOptions& options) {
  check_features(options);
  if (options.memory_gib && !(*options.memory_gib > 0 && *options.memory_gib <= 1e4)) {
    throw UsageError("memory of {} GiB: more than 0, at most 10000 is right", *options.memory_gib);
  }
  if (options.batch_size) check_integer("batch size", *options.batch_size, 1, 1024);
  for (int axis = 0; axis < 3; ++axis) {
    if (options.patch_size) check_integer("patch size", (*options.patch_size)[axis], 1, kLargestPatchEdge);
    if (options.spacing_mm && !((*options.spacing_mm)[axis] >= 1e-3 && (*options.spacing_mm)[axis] <= 1e3)) {
      throw UsageError("spacing of {} mm: 0.001 to 1000 is right", (*options.spacing_mm)[axis]);
    }
  }
}

ConfigurationPlan plan_configuration(const Spacing3& spacing_mm, const Extent3& median_shape, double case_voxels,
                                     const PlanFacts& facts, const PlanOptions& options) {
  if (median_shape[0] <= 1 || *std::ranges::min_element(median_shape) < 1) {
    throw InputError("images of {:g} x {:g} x {:g} voxels at {:g} mm: one slice or none; networks here are 3-D",
                     median_shape[0], median_shape[1], median_shape[2], fmt::join(spacing_mm, " x "));
  }
  const PresetRules& rules = rules_of(options.preset);
  const double limit =
      rules.reference_elements * (options.memory_gib.value_or(rules.reference_gib) / rules.reference_gib);
  const Candidate chosen = options.patch_size ? chosen_patch(*options.patch_size, spacing_mm, facts, options)
                                              : largest_that_fits(limit, spacing_mm, median_shape, facts, options);
  if (*std::ranges::max_element(chosen.patch) > kLargestPatchEdge) {
    throw UsageError("patch size {} would be planned; at most {} along an axis is supported, so choose one",
                     describe(chosen.patch, facts.transpose_forward), kLargestPatchEdge);
  }
  return {spacing_mm,   median_shape,
          chosen.patch, batch_size_for(chosen, limit, case_voxels * facts.cases, options),
          false,        chosen.architecture};
}

std::string describe(const Shape3& shape, const std::array<int, 3>& transpose_forward) {
  Shape3 in_file{};
  for (int axis = 0; axis < 3; ++axis) in_file[transpose_forward[axis]] = shape[axis];
  return fmt::format("{} (z, y, x)", fmt::join(in_file, " x "));
}

}  // namespace twintrack

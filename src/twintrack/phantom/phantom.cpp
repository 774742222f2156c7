#include "twintrack/phantom/phantom.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "twintrack/phantom/anatomy.hpp"
#include "twintrack/phantom/raters.hpp"
#include "twintrack/phantom/reconstruct.hpp"
#include "twintrack/phantom/render.hpp"

namespace twintrack::phantom {
namespace {

constexpr double kUsualMatrix = 512;
constexpr double kLowest_mm = -155;  // of the anatomy worth showing
constexpr double kHighest_mm = 150;

double rounded(double value, double step) { return std::floor(value / step + 0.5) * step; }

double body_low(const Oval& skin) { return static_cast<double>(skin.y_mm - skin.half_depth_mm); }

// First millimetre of a window of `field` mm that shows [low, high], or the part of it around `wanted`, and has
// `inside` within.
double window_start(double field, double low, double high, double wanted, double inside) {
  double centre = (low + high) / 2;
  if (field < high - low) centre = std::clamp(wanted, low + field / 2, high - field / 2);
  const double room = field / 2 - std::min(30.0, field / 4);
  return std::clamp(centre, inside - room, inside + room) - field / 2;
}

Geometry draw_grid(const Anatomy& anatomy, const PhantomOptions& options, Random& random) {
  const Oval& skin = anatomy.trunk.skin;
  const double width = 2 * static_cast<double>(skin.half_width_mm);
  const double plane_mm =
      std::clamp(std::floor(width * random.uniform(1.04, 1.16)), 0.7 * kUsualMatrix, 0.9 * kUsualMatrix);
  const double height_mm = rounded(random.uniform(240, 300), 1);
  constexpr double usual_slices[] = {1, 1.25, 1.5, 2, 2.5, 3};
  const double slice_mm = usual_slices[random.below(std::ssize(usual_slices))];
  const double shift_mm = random.uniform(-8, 8);

  Geometry grid;
  if (options.size) grid.size = *options.size;
  if (options.spacing_mm) grid.spacing_mm = *options.spacing_mm;
  const double field_mm[] = {plane_mm, plane_mm, height_mm};
  for (int axis = 0; axis < 3; ++axis) {
    const double finest = axis == 2 ? 0.05 : 0x1p-9;
    if (!options.spacing_mm && options.size)
      grid.spacing_mm[axis] = std::max(rounded(field_mm[axis] / static_cast<double>(grid.size[axis]), finest), finest);
    if (!options.spacing_mm && !options.size) grid.spacing_mm[axis] = axis == 2 ? slice_mm : plane_mm / kUsualMatrix;
    if (!options.size)
      grid.size[axis] =
          std::max<std::int64_t>(16, static_cast<std::int64_t>(std::ceil(field_mm[axis] / grid.spacing_mm[axis])));
  }
  const Point pancreas = anatomy.pancreas_centre, tumor = anatomy.tumor.centre;
  const double front = body_low(skin), back = front + 2 * static_cast<double>(skin.half_depth_mm);
  const auto extent = [&](int axis) { return static_cast<double>(grid.size[axis] - 1) * grid.spacing_mm[axis]; };
  grid.origin_mm = {
      window_start(extent(0), -width / 2, width / 2, static_cast<double>(pancreas.x) + shift_mm,
                   static_cast<double>(tumor.x)),
      window_start(extent(1), front, back, static_cast<double>(pancreas.y) + shift_mm, static_cast<double>(tumor.y)),
      window_start(extent(2), kLowest_mm, kHighest_mm, static_cast<double>(pancreas.z) + shift_mm,
                   static_cast<double>(tumor.z))};
  for (double& origin : grid.origin_mm) origin = rounded(origin, 0x1p-4);
  return grid;
}

Scanner draw_scanner(const Geometry& grid, Random& random) {
  Scanner scanner;
  // Thicker slices are less noisy.
  const double usual = random.uniform(8, 17);
  scanner.noise_hu = std::clamp(usual * std::sqrt(2 / grid.spacing_mm[2]), 5.0, 24.0);
  scanner.kernel_mm = random.uniform(0.55, 0.85);
  return scanner;
}

}  // namespace

Json to_json(const PhantomFacts& f) {
  return {{"phase", f.phase},
          {"tumor_site", f.site},
          {"nearest_vessel", f.nearest_vessel},
          {"tumor_diameter_mm", rounded(f.tumor_diameter_mm, 0x1p-6)},
          {"tumor_hu", rounded(f.tumor_hu, 0x1p-6)},
          {"pancreas_hu", rounded(f.pancreas_hu, 0x1p-6)},
          {"has_extension", f.has_extension},
          {"dilates_pancreatic_duct", f.dilates_pancreatic_duct},
          {"dilates_bile_duct", f.dilates_bile_duct},
          {"noise_hu", rounded(f.noise_hu, 0x1p-6)}};
}

std::string case_name(std::int64_t number) { return fmt::format("phantom_{:04}", number); }

Phantom make_phantom(std::int64_t number, const PhantomOptions& options) {
  const std::uint64_t key = combine_bits(options.seed, static_cast<std::uint64_t>(number));
  const Anatomy anatomy = draw_anatomy(key);
  Random random(key, 4);
  const Geometry grid = draw_grid(anatomy, options, random);
  const Scanner scanner = draw_scanner(grid, random);

  Rendering rendering = render(anatomy, grid, key);
  Phantom phantom;
  phantom.name = case_name(number);
  const Tumor& tumor = anatomy.tumor;
  phantom.facts = {name_of(anatomy.phase),         name_of(tumor.site),
                   tumor.nearest_vessel,           2 * static_cast<double>(tumor.radius_mm),
                   static_cast<double>(tumor.hu),  static_cast<double>(anatomy.pancreas_hu),
                   !tumor.extension.parts.empty(), tumor.dilates_pancreatic_duct,
                   tumor.dilates_bile_duct,        scanner.noise_hu};
  phantom.image = {grid, reconstruct(rendering.attenuation, grid, scanner, key)};
  phantom.labels = {grid, std::move(rendering.labels)};
  phantom.vessels = {grid, std::move(rendering.vessels)};
  phantom.box = rendering.latent.box;
  const RaterModel model;
  const Spacing3 spacing = grid.spacing_zyx_mm();
  const std::vector<float> ambiguity = ambiguity_mm(model, rendering.latent, tumor.hu, spacing);
  phantom.mean_human_response = mean_human_response(model, rendering.latent, ambiguity, options.raters);
  for (int k = 0; k < options.raters; ++k)
    phantom.raters.push_back(draw_rater(model, rendering.latent, ambiguity, spacing, k, key));
  return phantom;
}

}  // namespace twintrack::phantom

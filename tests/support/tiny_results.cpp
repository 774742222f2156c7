#include "support/tiny_results.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/pipeline/input_identity.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;

Geometry geometry() {
  Geometry geometry;
  geometry.size = {60, 40, 24};
  geometry.spacing_mm = {1, 1.25, 2.5};
  geometry.origin_mm = {30, 25, -30};
  geometry.direction = {-1, 0, 0, 0, -1, 0, 0, 0, 1};
  return geometry;
}

void write_summary(const fs::path& folder, const TinyResults& made, const std::string& name) {
  const fs::path ct = folder / "ct.nii.gz";
  CaseInput input{made.ct, ct.string(), sha256_of_input(ct), {}, 0.25, {}};
  CaseResult result;
  result.probability = made.probability;
  result.region = {bounding_box(read_mask(folder / "results" / (name + "_roi.nii.gz")).mask),
                   made.roi.voxels,
                   "localizer",
                   81000.0,
                   {}};
  result.times = {{"read", 0.25}, {"member 1", 1.5}};
  result.warnings = {"the pancreas is small <b>" + ct.string()};
  Bundle bundle;
  bundle.name = "tiny";
  bundle.hash = std::string(64, 'b');
  bundle.members.resize(3);
  bundle.calibrator = Calibrator{"mhr", {0, 1}, {0, 1}};
  write_file(folder / "results" / (name + ".json"),
             to_text(case_summary(name, input, result, made.segmentation.voxels, bundle,
                                  {.engine = "none", .device = "cpu", .precision = "fp32", .threads = 1})));
}

}  // namespace

TinyResults tiny_results() {
  const Geometry grid = geometry();
  const auto count = static_cast<std::size_t>(grid.voxel_count());
  const Volume<float> zeros{grid, std::vector<float>(count, 0)};
  const Volume<std::uint8_t> empty{grid, std::vector<std::uint8_t>(count, 0)};
  TinyResults made{zeros, zeros, zeros, {}, empty, empty, empty};
  made.raters.assign(5, empty);
  constexpr std::array<double, 3> middle_mm{14, -10, 8};  // L, P, S
  constexpr double radius_mm = 6;
  for (std::size_t i = 0; i < count; ++i) {
    const auto voxel = static_cast<std::int64_t>(i);
    const std::array<std::int64_t, 3> at{voxel % grid.size[0], voxel / grid.size[0] % grid.size[1],
                                         voxel / (grid.size[0] * grid.size[1])};
    std::array<double, 3> lps{};
    for (int a = 0; a < 3; ++a)
      lps[a] = grid.origin_mm[a] + grid.direction[4 * a] * static_cast<double>(at[a]) * grid.spacing_mm[a];
    const bool body = std::hypot(lps[0] / 28, lps[1] / 22) < 1;
    made.ct.voxels[i] = !body ? -1000.0F : lps[0] > 0 ? 90.0F : 20.0F;
    const double distance = std::hypot(lps[0] - middle_mm[0], lps[1] - middle_mm[1], lps[2] - middle_mm[2]) / radius_mm;
    const double p = std::clamp(2 - distance, 0.0, 1.0);
    made.probability.voxels[i] = static_cast<float>(p);
    made.uncalibrated.voxels[i] = static_cast<float>(std::sqrt(p));
    made.segmentation.voxels[i] = made.probability.voxels[i] >= 0.5F ? 1 : 0;
    made.roi.voxels[i] = distance < 2.5 ? 1 : 0;
    if (std::hypot(lps[0] - middle_mm[0] + 6, lps[1] - middle_mm[1]) < 3) made.vessels.voxels[i] = 1;
    for (std::size_t k = 0; k < 5; ++k) made.raters[k].voxels[i] = p > static_cast<double>(k + 1) / 6 ? 1 : 0;
  }
  return made;
}

CaseFiles write_results(const fs::path& folder, const TinyResults& made, const std::string& name) {
  const fs::path results = folder / "results";
  fs::create_directories(results);
  CaseFiles files;
  files.name = name;
  files.image = folder / "ct.nii.gz";
  write_volume(files.image, made.ct);
  const auto result = [&](const char* part) { return results / (name + part + ".nii.gz"); };
  files.probability = result("_probability");
  write_volume(files.probability, made.probability);
  files.uncalibrated = result("_uncalibrated");
  write_volume(*files.uncalibrated, made.uncalibrated);
  files.segmentation = result("_segmentation");
  write_volume(*files.segmentation, made.segmentation);
  files.roi = result("_roi");
  write_volume(*files.roi, made.roi);
  files.vessels = folder / "vessels.nii.gz";
  write_volume(*files.vessels, made.vessels);
  for (std::size_t k = 0; k < made.raters.size(); ++k) {
    files.raters.push_back(folder / ("rater_" + std::to_string(k + 1) + ".nii.gz"));
    write_volume(files.raters.back(), made.raters[k]);
  }
  write_summary(folder, made, name);
  files.summary = results / (name + ".json");
  return files;
}

}  // namespace twintrack::test

// twintrack_make_demo overview CASE_FOLDER RESULTS PICTURE: draws what `predict` found beside what the raters drew.
// twintrack_make_demo augmentation CASE_FOLDER PICTURE: draws what a network sees of a case while it is trained.
// twintrack_make_demo benchmark FOLDER: writes a CT and a bundle in the size of clinical CTs and public networks.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "augmentation_picture.hpp"
#include "benchmark_bundle.hpp"
#include "overview.hpp"
#include "synthetic_ct.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/volume/io.hpp"

namespace {

using namespace twintrack;
using namespace twintrack::demo;
namespace fs = std::filesystem;

// The settings with everything happening to most patches, so that a few of them show it.
AugmentationSettings often(AugmentationSettings settings) {
  for (double* const probability :
       {&settings.rotation_probability, &settings.scaling_probability, &settings.noise_probability,
        &settings.blur_probability, &settings.brightness_probability, &settings.contrast_probability,
        &settings.low_resolution_probability, &settings.gamma_probability}) {
    *probability = std::max(*probability, 0.5);
  }
  return settings;
}

// The nearest voxels around the tumour's middle, on a grid of that spacing; 0 outside the volume.
Patch region_around_tumor(const Volume<float>& ct, const Volume<std::uint16_t>& labels, const Shape3& shape,
                          double spacing_mm) {
  const Shape3 extent = ct.geometry.shape();
  const Spacing3 spacing = ct.geometry.spacing_zyx_mm();
  Spacing3 middle{};
  double count = 0;
  for (std::int64_t i = 0; i < voxel_count(extent); ++i) {
    if (labels.voxels[i] != 1) continue;
    const Shape3 at{i / (extent[1] * extent[2]), i / extent[2] % extent[1], i % extent[2]};
    for (int axis = 0; axis < 3; ++axis) middle[axis] += static_cast<double>(at[axis]);
    ++count;
  }
  Patch patch{
      shape, 1, std::vector<float>(voxel_count(shape), 0.0F), std::vector<std::int16_t>(voxel_count(shape), 0), {}};
  for (std::int64_t i = 0; i < voxel_count(shape); ++i) {
    const Shape3 at{i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]};
    Shape3 from{};
    bool inside = count > 0;
    for (int axis = 0; axis < 3; ++axis) {
      const double offset = static_cast<double>(at[axis] - shape[axis] / 2) * spacing_mm / spacing[axis];
      from[axis] = std::llround(middle[axis] / count + offset);
      inside = inside && from[axis] >= 0 && from[axis] < extent[axis];
    }
    if (!inside) continue;
    const std::int64_t voxel = (from[0] * extent[1] + from[1]) * extent[2] + from[2];
    patch.image[i] = ct.voxels[voxel];
    patch.labels[i] = labels.voxels[voxel] == 1 || labels.voxels[voxel] == 4 ? 1 : 0;
  }
  return patch;
}

// A case folder as `twintrack phantom` writes it.
Volume<float> ct_of(const fs::path& folder) { return read_volume(folder / "image.nii.gz"); }

void draw_overview(const fs::path& folder, const fs::path& results, const fs::path& picture) {
  Scene scene;
  scene.ct = ct_of(folder);
  scene.probability = read_volume(results / "image_probability.nii.gz");
  scene.roi = read_labels(results / "image_roi.nii.gz");
  for (int k = 1; fs::exists(folder / fmt::format("annotation_{}.nii.gz", k)); ++k) {
    scene.raters.push_back(read_labels(folder / fmt::format("annotation_{}.nii.gz", k)));
  }
  write_png(picture, overview(scene));
}

// 96 mm around the tumour at 1.5 mm, as a network of that spacing would be fed.
void draw_augmentation(const fs::path& folder, const fs::path& picture) {
  constexpr Shape3 patch{32, 64, 64};
  constexpr double spacing_mm = 1.5;
  constexpr float black_hu = -160, white_hu = 240;
  const Volume<float> ct = ct_of(folder);
  const Volume<std::uint16_t> labels = read_labels(folder / "labels.nii.gz");
  const AugmentationSettings settings = often(default_augmentation(patch, {0, 1, 2}));
  write_png(picture, augmentation_picture(region_around_tumor(ct, labels, drawn_shape(patch, settings), spacing_mm),
                                          patch, settings, 1, {black_hu, white_hu}));
}

void run(const std::vector<std::string>& arguments) {
  const std::string& job = arguments.front();
  if (job == "overview" && arguments.size() == 4) {
    draw_overview(arguments[1], arguments[2], arguments[3]);
  } else if (job == "augmentation" && arguments.size() == 3) {
    draw_augmentation(arguments[1], arguments[2]);
  } else if (job == "benchmark" && arguments.size() == 2) {
    make_output_folder(arguments[1]);
    write_volume(fs::path(arguments[1]) / "ct.nii.gz", synthetic_ct({512, 512, 300}, {0.75, 0.75, 1}));
    write_benchmark_bundle(fs::path(arguments[1]) / "bundle");
  } else {
    throw UsageError(
        "usage: twintrack_make_demo overview CASE_FOLDER RESULTS PICTURE | augmentation CASE_FOLDER PICTURE | "
        "benchmark "
        "FOLDER");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    run({argv + 1, argv + std::max(argc, 1)});
  } catch (const Error& error) {
    fmt::print(stderr, "twintrack_make_demo: {}\n", error.what());
    return static_cast<int>(error.status());
  } catch (const std::exception& error) {
    fmt::print(stderr, "twintrack_make_demo: {}\n", error.what());
    return static_cast<int>(ExitStatus::out_of_resources);
  }
  return static_cast<int>(ExitStatus::done);
}

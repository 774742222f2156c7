// A raw dataset so small that a network trains on it in seconds: in every case a bright ball, "pancreas", in a darker
// box, and a brighter one, "tumor", in its middle. All numbers are seeded.
#pragma once

#include <cmath>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "support/tiny_models.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {

inline Geometry training_geometry(std::int64_t extent) {
  Geometry geometry;
  geometry.size = {extent, extent, extent};
  geometry.spacing_mm = {2, 2, 2};
  return geometry;
}

// Number `index` of the cases: balls of 6 and 3 voxels about a place of its own near the middle.
inline Volume<std::uint16_t> training_labels(std::int64_t extent, int index) {
  Volume<std::uint16_t> labels{training_geometry(extent), {}};
  const double middle = static_cast<double>(extent) / 2;
  const double place[]{middle + index % 3 - 1, middle - index / 3 % 3, middle + (index % 2)};
  for (std::int64_t i = 0; i < labels.geometry.voxel_count(); ++i) {
    const double x = static_cast<double>(i % extent) - place[0];
    const double y = static_cast<double>(i / extent % extent) - place[1];
    const double z = static_cast<double>(i / extent / extent) - place[2];
    const double distance = std::sqrt(x * x + y * y + z * z);
    labels.voxels.push_back(distance < 3 ? 2 : distance < 6 ? 1 : 0);
  }
  return labels;
}

inline Volume<float> training_image(const Volume<std::uint16_t>& labels, int index) {
  std::mt19937 random(index + 1);
  Volume<float> image{labels.geometry, {}};
  for (const std::uint16_t label : labels.voxels)
    image.voxels.push_back(-100.0F + 100.0F * static_cast<float>(std::min<int>(label, 2)) +
                           static_cast<float>(random() % 41) - 20);
  return image;
}

inline std::string training_case_name(int index) { return "case_" + std::to_string(index); }

// dataset.json, imagesTr and labelsTr.
inline void write_training_set(const std::filesystem::path& folder, int cases, std::int64_t extent = 20) {
  std::filesystem::create_directories(folder / "imagesTr");
  std::filesystem::create_directories(folder / "labelsTr");
  Json dataset = tiny_dataset({"pancreas", "tumor"});
  dataset["numTraining"] = cases;
  put_file(folder / "dataset.json", dataset.dump(1));
  for (int i = 0; i < cases; ++i) {
    const auto labels = training_labels(extent, i);
    write_volume(folder / "imagesTr" / (training_case_name(i) + "_0000.nii.gz"), training_image(labels, i));
    write_volume(folder / "labelsTr" / (training_case_name(i) + ".nii.gz"), labels);
  }
}

// Marks of `count` raters of the tumour of a case, each a little larger than the last one's.
inline std::vector<std::filesystem::path> write_raters(const std::filesystem::path& folder, int index, int count,
                                                       std::int64_t extent = 20) {
  std::filesystem::create_directories(folder);
  const auto labels = training_labels(extent, index);
  std::vector<std::filesystem::path> files;
  for (int rater = 0; rater < count; ++rater) {
    Volume<std::uint8_t> mask{labels.geometry, {}};
    for (std::size_t i = 0; i < labels.voxels.size(); ++i) {
      const bool near = rater > 0 && i >= static_cast<std::size_t>(rater) && labels.voxels[i - rater] == 2;
      mask.voxels.push_back(labels.voxels[i] == 2 || near ? 1 : 0);
    }
    files.push_back(folder / (training_case_name(index) + "_rater_" + std::to_string(rater) + ".nii.gz"));
    write_volume(files.back(), mask);
  }
  return files;
}

}  // namespace twintrack::test

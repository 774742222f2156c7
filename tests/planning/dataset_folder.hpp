// A small nnU-Net raw dataset, good to begin with, that a test then spoils.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {

class DatasetFolder {
 public:
  explicit DatasetFolder(std::string ending = ".nii.gz") : ending_(std::move(ending)) {
    std::filesystem::create_directories(path() / "imagesTr");
    std::filesystem::create_directories(path() / "labelsTr");
    document = {{"channel_names", {{"0", "CT"}}},
                {"labels", {{"background", 0}, {"tumor", 1}, {"pancreas", 2}}},
                {"numTraining", 0},
                {"file_ending", ending_}};
  }

  std::filesystem::path path() const { return folder_.path() / "Dataset900_Test"; }
  std::filesystem::path image(const std::string& name) const {
    return path() / "imagesTr" / (name + "_0000" + ending_);
  }
  std::filesystem::path labels(const std::string& name) const { return path() / "labelsTr" / (name + ending_); }

  static Geometry grid(std::array<std::int64_t, 3> size = {6, 5, 4}) {
    Geometry geometry;
    geometry.size = size;
    geometry.spacing_mm = {1, 2, 3};
    geometry.origin_mm = {-10, 20, 5};
    return geometry;
  }

  // An image of 1, 2, 3, ... and labels of 0, each with one voxel changed by the caller.
  static Volume<float> some_image(const Geometry& geometry = grid()) {
    Volume<float> volume{geometry, std::vector<float>(geometry.voxel_count())};
    for (std::size_t i = 0; i < volume.voxels.size(); ++i) volume.voxels[i] = static_cast<float>(i + 1);
    return volume;
  }
  static Volume<std::uint16_t> some_labels(const Geometry& geometry = grid()) {
    Volume<std::uint16_t> volume{geometry, std::vector<std::uint16_t>(geometry.voxel_count())};
    volume.voxels[70] = 1;
    volume.voxels[71] = 2;
    return volume;
  }

  void add(const std::string& name) { add(name, some_image(), some_labels()); }
  void add(const std::string& name, const Volume<float>& image_volume, const Volume<std::uint16_t>& label_volume) {
    write_volume(image(name), image_volume);
    write_volume(labels(name), label_volume);
    document["numTraining"] = document["numTraining"].get<int>() + 1;
    write_json();
  }
  void write_json() const { write_file(path() / "dataset.json", document.dump()); }

  Json document;

 private:
  TemporaryFolder folder_;
  std::string ending_;
};

}  // namespace twintrack::test

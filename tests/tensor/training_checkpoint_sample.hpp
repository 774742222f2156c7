// A small training checkpoint with one block of every kind that nnU-Net's U-Nets have, and a folder for its file.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "twintrack/tensor/training_checkpoint.hpp"

namespace twintrack {

inline Tensor wavy(TensorShape shape, double phase) {
  std::int64_t count = 1;
  for (const std::int64_t extent : shape) count *= extent;
  Tensor tensor{std::move(shape), std::vector<float>(static_cast<std::size_t>(count))};
  for (std::size_t i = 0; i < tensor.values.size(); ++i) {
    tensor.values[i] = static_cast<float>(std::sin(phase + 0.37 * static_cast<double>(i)));
  }
  return tensor;
}

inline TrainingCheckpoint sample_training_checkpoint() {
  const std::vector<std::pair<std::string, TensorShape>> parameters = {
      {"encoder.stem.convs.0.conv.weight", {4, 1, 1, 3, 3}},
      {"encoder.stem.convs.0.conv.bias", {4}},
      {"encoder.stem.convs.0.norm.weight", {4}},
      {"encoder.stem.convs.0.norm.bias", {4}},
      {"encoder.stages.0.blocks.0.skip.1.conv.weight", {6, 4, 1, 1, 1}},
      {"encoder.stages.0.blocks.0.skip.1.norm.weight", {6}},
      {"encoder.stages.0.blocks.0.skip.1.norm.bias", {6}},
      {"decoder.stages.0.convs.0.conv.weight", {4, 8, 3, 3, 3}},
      {"decoder.stages.0.convs.0.conv.bias", {4}},
      {"decoder.stages.0.convs.0.norm.weight", {4}},
      {"decoder.stages.0.convs.0.norm.bias", {4}},
      {"decoder.transpconvs.0.weight", {6, 4, 2, 2, 2}},
      {"decoder.transpconvs.0.bias", {4}},
      {"decoder.seg_layers.0.weight", {3, 4, 1, 1, 1}},
      {"decoder.seg_layers.0.bias", {3}},
  };
  TrainingCheckpoint checkpoint;
  for (const auto& [name, shape] : parameters) {
    const auto phase = static_cast<double>(checkpoint.order.size());
    checkpoint.order.push_back(name);
    checkpoint.parameters[name] = wavy(shape, phase);
    checkpoint.momenta[name] = wavy(shape, 100 + phase);
  }
  checkpoint.parameters["decoder.seg_layers.0.bias"].values = {-0.0f, 0x1p-149f, -0x1.fffffep127f};
  checkpoint.learning_rate = 0.1 * 0.1;
  checkpoint.epoch = 17;
  checkpoint.best_ema = 1.0 / 3.0;
  checkpoint.logging = {{"train_losses", {0.5, -0.25, nullptr}},
                        {"dice_per_class_or_region", Json::array({{0.1, nullptr}, {0.3, 1}})},
                        {"epoch_start_timestamps", {1752445700.123456}},
                        {"lrs", Json::array()}};
  checkpoint.init_args = {{"plans", {{"dataset_name", "Dataset001_Käse"}, {"transpose_forward", {0, 1, 2}}}},
                          {"configuration", "3d_fullres"},
                          {"fold", 3},
                          {"dataset_json", {{"labels", {{"background", 0}}}, {"numTraining", 12}}},
                          {"device", "cuda:0"}};
  checkpoint.mirroring_axes = {0, 2};
  checkpoint.twintrack = {{"seed", 0xfedcba9876543210u},
                          {"low", INT64_MIN},
                          {"step", 1LL << 40},
                          {"none", nullptr},
                          {"on", true},
                          {"off", false},
                          {"real", 0.1 + 0.2},
                          {"minus", -7}};
  return checkpoint;
}

inline std::string bytes_of_file(const std::filesystem::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

class CheckpointFolder : public testing::Test {
 protected:
  void SetUp() override {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = fmt::format("training_checkpoint_{}_{}", test->name(), ::getpid());
    std::ranges::replace(name, '/', '_');
    folder_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::create_directories(folder_);
    path_ = folder_ / "checkpoint_latest.pth";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

}  // namespace twintrack

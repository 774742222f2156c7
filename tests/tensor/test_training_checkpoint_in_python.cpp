// PyTorch opens what is written here, where it is installed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <map>
#include <regex>
#include <sstream>

#include "support/golden.hpp"
#include "tensor/training_checkpoint_sample.hpp"
#include "twintrack/tensor/parameter_names.hpp"

namespace twintrack {
namespace {

struct Outcome {
  int status;
  std::vector<std::string> lines;
};

Outcome run(const std::string& command) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t count = ::fread(buffer.data(), 1, buffer.size(), pipe)) output.append(buffer.data(), count);
  const int status = ::pclose(pipe);
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, {}};
  std::istringstream stream(output);
  for (std::string line; std::getline(stream, line);) outcome.lines.push_back(line);
  return outcome;
}

std::string line_of(const std::string& name, const Tensor& tensor) {
  const auto* const bytes = reinterpret_cast<const Bytef*>(tensor.values.data());
  return fmt::format("{} {} {}", name, fmt::join(tensor.shape, ","),
                     ::crc32_z(0, bytes, tensor.values.size() * sizeof(float)));
}

std::vector<std::string> expected_lines(const TrainingCheckpoint& checkpoint) {
  std::vector<std::string> lines;
  std::map<std::string, std::size_t> first;
  for (const auto& [key, parameter] : state_dict_keys(checkpoint.order, "")) {
    const std::size_t position = first.emplace(parameter, lines.size()).first->second;
    lines.push_back(fmt::format("{} {}", line_of(key, checkpoint.parameters.at(parameter)), position));
  }
  for (std::size_t i = 0; i < checkpoint.order.size() && !checkpoint.momenta.empty(); ++i) {
    lines.push_back(line_of(std::to_string(i), checkpoint.momenta.at(checkpoint.order[i])));
  }
  return lines;
}

class TrainingCheckpointInPython : public CheckpointFolder {
 protected:
  static constexpr int torch_is_missing = 77;

  // The rest of the checkpoint, as Python has it; null when PyTorch is missing.
  Json check(const TrainingCheckpoint& checkpoint) const {
    write_training_checkpoint(path_, checkpoint);
    const Outcome outcome =
        run("/usr/bin/python3 '" TWINTRACK_SOURCE_DIR "/tests/tensor/check_training_checkpoint.py' '" + path_.string() +
            "'");
    if (outcome.status == torch_is_missing || outcome.status == 127) return nullptr;
    EXPECT_EQ(outcome.status, 0) << testing::PrintToString(outcome.lines);
    if (outcome.status != 0) return Json::object();
    std::vector<std::string> lines = outcome.lines;
    const std::string rest = lines.back();
    lines.pop_back();
    EXPECT_EQ(lines, expected_lines(checkpoint));
    // Python writes NaN, which JSON does not have.
    return Json::parse(std::regex_replace(rest, std::regex("\\bNaN\\b"), "\"NaN\""));
  }
};

#define SKIP_WITHOUT_TORCH(rest) \
  if (rest.is_null()) GTEST_SKIP() << "/usr/bin/python3 has no PyTorch (Debian: python3-torch)"

TEST_F(TrainingCheckpointInPython, TensorsAndStateAreTheSame) {
  const TrainingCheckpoint checkpoint = sample_training_checkpoint();
  const Json rest = check(checkpoint);
  SKIP_WITHOUT_TORCH(rest);
  EXPECT_EQ(rest.at("init_args"), checkpoint.init_args);
  EXPECT_EQ(rest.at("twintrack"), checkpoint.twintrack);
  EXPECT_EQ(rest.at("logging").at("train_losses"), Json({0.5, -0.25, "NaN"}));
  EXPECT_EQ(rest.at("logging").at("dice_per_class_or_region"), Json::array({{0.1, "NaN"}, {0.3, 1}}));
  EXPECT_EQ(rest.at("_best_ema"), 1.0 / 3.0);
  EXPECT_EQ(rest.at("current_epoch"), 17);
  EXPECT_EQ(rest.at("trainer_name"), "nnUNetTrainer");
  EXPECT_EQ(rest.at("inference_allowed_mirroring_axes"), Json({0, 2}));
  EXPECT_TRUE(rest.at("grad_scaler_state").is_null());
  EXPECT_EQ(rest.at("group"), Json({{"lr", checkpoint.learning_rate},
                                    {"momentum", 0.99},
                                    {"dampening", 0},
                                    {"weight_decay", 3e-5},
                                    {"nesterov", true},
                                    {"maximize", false},
                                    {"foreach", nullptr},
                                    {"differentiable", false},
                                    {"fused", nullptr}}));
}

TEST_F(TrainingCheckpointInPython, BeforeTheFirstStep) {
  TrainingCheckpoint checkpoint = sample_training_checkpoint();
  checkpoint.momenta.clear();
  checkpoint.best_ema.reset();
  checkpoint.mirroring_axes.reset();
  checkpoint.twintrack = nullptr;
  const Json rest = check(checkpoint);
  SKIP_WITHOUT_TORCH(rest);
  EXPECT_TRUE(rest.at("_best_ema").is_null());
  EXPECT_TRUE(rest.at("inference_allowed_mirroring_axes").is_null());
  EXPECT_FALSE(rest.contains("twintrack"));
}

TEST_F(TrainingCheckpointInPython, OfNnunetsOwnNetwork) {
  TWINTRACK_REQUIRE_GOLDEN();
  TrainingCheckpoint checkpoint =
      read_training_checkpoint(test::golden_folder() / "nnunet" / "resenc_iso" /
                               "nnUNetTrainer__nnUNetPlans__3d_fullres" / "fold_0" / "checkpoint_final.pth");
  checkpoint.momenta = checkpoint.parameters;
  const Json rest = check(checkpoint);
  SKIP_WITHOUT_TORCH(rest);
  EXPECT_EQ(rest.at("init_args"), checkpoint.init_args);
}

}  // namespace
}  // namespace twintrack

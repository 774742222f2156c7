// One training on several devices: processes that share every batch, through the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/tensor/training_checkpoint.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

class TrainDevices : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_torch_plugin()) GTEST_SKIP() << "built without libtorch";
    succeed({"phantom", "-o", dataset(), "--layout", "nnunet", "--cases", "3", "--size", "32,32,24", "--spacing-mm",
             "8,8,8", "-q"});
    succeed({"train", "plan", "-d", dataset(), "-o", work(), "--spacing-mm", "8,8,8", "--patch", "16,16,8",
             "--features", "4,8", "--batch-size", "2", "-q"});
  }

  fs::path dataset() const { return folder_ / "Dataset001_Tiny"; }
  fs::path work() const { return folder_ / "work"; }
  Arguments job(const std::string& device, const fs::path& model) const {
    return {"train",
            "run",
            "-d",
            dataset(),
            "-p",
            work(),
            "-o",
            model,
            "--epochs",
            "2",
            "--iterations",
            "3",
            "--validation-iterations",
            "2",
            "--device",
            device,
            "-q"};
  }
  void succeed(const Arguments& arguments) const {
    const Outcome outcome = run_twintrack(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }

  TemporaryFolder folder_;
};

TEST_F(TrainDevices, TwoShareABatchAndLearnTheSame) {
  const fs::path one = folder_ / "one";
  const fs::path two = folder_ / "two";
  succeed(job("cpu", one));
  const Outcome outcome = run_twintrack(job("cpu,cpu", two));
  if (outcome.err.find("came without Gloo") != std::string::npos) GTEST_SKIP() << "libtorch without Gloo";
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const fs::path file = fs::path("fold_0") / "checkpoint_final.pth";
  const TrainingCheckpoint expected = read_training_checkpoint(one / file);
  const TrainingCheckpoint found = read_training_checkpoint(two / file);
  double difference = 0;
  double norm = 0;
  for (const auto& [name, tensor] : expected.parameters) {
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      difference += std::pow(found.parameters.at(name).values[i] - tensor.values[i], 2);
      norm += std::pow(tensor.values[i], 2);
    }
  }
  EXPECT_LT(std::sqrt(difference / norm), 1e-4);
  const auto losses = [](const TrainingCheckpoint& checkpoint) {
    return checkpoint.logging.at("train_losses").get<std::vector<double>>();
  };
  for (std::size_t epoch = 0; epoch < 2; ++epoch) EXPECT_NEAR(losses(found)[epoch], losses(expected)[epoch], 1e-3);
  for (const std::string& name : files_below(work())) EXPECT_THAT(name, Not(HasSubstr("rank"))) << "left behind";
}

TEST_F(TrainDevices, ABatchThatCannotBeSharedIsRefused) {
  const Outcome outcome = run_twintrack(job("cpu,cpu,cpu", folder_ / "three"));
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::wrong_usage)) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("a batch of 2 cannot be shared equally by 3 devices"));
}

TEST_F(TrainDevices, ADeviceThatIsNotThereIsRefused) {
  const Outcome outcome = run_twintrack(job("cpu,cuda:99", folder_ / "absent"));
  EXPECT_NE(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("cuda:99"));
}

}  // namespace
}  // namespace twintrack::test

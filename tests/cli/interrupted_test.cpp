// Runs that are killed, interrupted, or out of disk: what is there is complete, and the next run finishes the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "cli/scene.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

using Clock = std::chrono::steady_clock;
using testing::HasSubstr;

const std::vector<std::string> case_names{"a", "b", "c"};

class Interrupted : public testing::Test {
 protected:
  Interrupted() {
    fs::create_directory(scene_ / "cases");
    unsigned seed = 1;
    for (const std::string& name : case_names) {
      write_volume(scene_ / "cases" / (name + "_0000.nii.gz"), tiny_ct(tiny_geometry(40), seed++));
    }
    const auto start = Clock::now();
    complete_ = run_twintrack(command("complete"));
    duration_ = Clock::now() - start;
  }

  Arguments command(const std::string& out) const {
    return {"predict",        "-b", scene_.bundle(), "-i",
            scene_ / "cases", "-o", scene_ / out,    "--no-mirroring",
            "--threads",      "1",  "--save-roi",    "--save-uncalibrated"};
  }

  // Every file under a final name is complete, and a summary stands for all files of its case.
  void expect_only_complete_files(const fs::path& out) const {
    for (const std::string& file : files_below(out)) {
      if (file.starts_with(".")) continue;
      if (file.ends_with(".nii.gz")) {
        EXPECT_EQ(read_volume(out / file).geometry, read_volume(scene_ / "complete" / file).geometry) << file;
        continue;
      }
      EXPECT_EQ(get_json(out / file)["format"], "twintrack-case/1");
      const std::string name = fs::path(file).stem();
      for (const char* part : {"_probability", "_segmentation", "_roi", "_uncalibrated"}) {
        EXPECT_TRUE(fs::exists(out / (name + part + ".nii.gz"))) << file << part;
      }
    }
  }

  void expect_results_of_complete_run(const fs::path& out) const {
    const auto expected = files_below(scene_ / "complete");
    ASSERT_EQ(files_below(out), expected);  // no temporary file either
    for (const std::string& file : expected) {
      if (!file.ends_with(".nii.gz")) continue;
      EXPECT_EQ(get_file(out / file), get_file(scene_ / "complete" / file)) << file;
    }
  }

  Outcome run_and_send(int signal, Clock::duration delay) const {
    Process process(twintrack_command(command("out")));
    std::this_thread::sleep_for(delay);
    process.send(signal);
    return process.wait();
  }

  Scene scene_;
  Outcome complete_;
  Clock::duration duration_{};
};

TEST_F(Interrupted, KilledAtAnyMomentAndContinued) {
  ASSERT_EQ(complete_.status, 0) << complete_.err;
  std::mt19937 random(20);
  int killed = 0;
  for (int round = 0; round < 10; ++round) {
    fs::remove_all(scene_.out());
    const double share = (round + static_cast<double>(random() % 1000) / 1000) / 10;
    const Outcome outcome = run_and_send(SIGKILL, std::chrono::duration_cast<Clock::duration>(share * duration_));
    killed += outcome.status == 128 + SIGKILL ? 1 : 0;
    expect_only_complete_files(scene_.out());
    const Outcome continued = run_twintrack(command("out"));
    EXPECT_EQ(continued.status, 0) << continued.err;
    expect_results_of_complete_run(scene_.out());
  }
  EXPECT_GE(killed, 5);
}

TEST_F(Interrupted, KilledAgainAndAgainWhileOverwriting) {
  ASSERT_EQ(complete_.status, 0) << complete_.err;
  fs::copy(scene_ / "complete", scene_.out());
  Arguments overwriting = command("out");
  overwriting.insert(overwriting.end(), {"--overwrite", "--threshold", "0.9"});
  std::mt19937 random(21);
  for (int round = 0; round < 6; ++round) {
    Process process(twintrack_command(overwriting));
    const double share = static_cast<double>(random() % 1000) / 1000;
    std::this_thread::sleep_for(std::chrono::duration_cast<Clock::duration>(share * duration_));
    process.send(SIGKILL);
    process.wait();
    for (const std::string& name : case_names) {
      const fs::path summary = scene_.out() / (name + ".json");
      if (!fs::exists(summary)) continue;
      // A summary never stands beside a segmentation that another run made.
      double marked = 0;
      const auto segmentation = read_labels(scene_.out() / (name + "_segmentation.nii.gz"));
      for (const std::uint16_t label : segmentation.voxels) marked += label;
      EXPECT_NEAR(get_json(summary)["tumor_volume_mm3"], marked * segmentation.geometry.voxel_volume_mm3(), 1e-6);
    }
  }
  EXPECT_EQ(run_twintrack(overwriting).status, 0);
  EXPECT_EQ(files_below(scene_.out()), files_below(scene_ / "complete"));
}

TEST_F(Interrupted, AsksToStopAndContinues) {
  ASSERT_EQ(complete_.status, 0) << complete_.err;
  int stopped = 0;
  for (const int signal : {SIGINT, SIGTERM}) {
    for (const double share : {0.15, 0.4, 0.7}) {
      fs::remove_all(scene_.out());
      const Outcome outcome = run_and_send(signal, std::chrono::duration_cast<Clock::duration>(share * duration_));
      if (outcome.status == 0) continue;  // it was faster
      if (outcome.err.empty()) {          // its libraries were still being loaded
        EXPECT_EQ(outcome.status, 128 + signal);
        EXPECT_FALSE(fs::exists(scene_.out()));
        continue;
      }
      ++stopped;
      EXPECT_EQ(outcome.status, 130);
      EXPECT_THAT(outcome.err, HasSubstr("twintrack: interrupted\n"));
      for (const std::string& file : files_below(scene_.out())) EXPECT_FALSE(file.starts_with(".")) << file;
      expect_only_complete_files(scene_.out());
      EXPECT_EQ(run_twintrack(command("out")).status, 0);
      expect_results_of_complete_run(scene_.out());
    }
  }
  EXPECT_GE(stopped, 3);
}

TEST_F(Interrupted, BundleKilledWhileItIsMade) {
  const Arguments create = scene_.create_bundle({"--calibrator", scene_.calibrator()});
  std::mt19937 random(22);
  for (int round = 0; round < 8; ++round) {
    Process process(twintrack_command(create));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 120000));
    process.send(SIGKILL);
    process.wait();
    if (fs::exists(scene_ / "new_bundle")) {
      EXPECT_EQ(run_twintrack({"bundle", "verify", scene_ / "new_bundle"}).status, 0);
      fs::remove_all(scene_ / "new_bundle");
    }
  }
  EXPECT_EQ(run_twintrack(create).status, 0);
  for (const auto& entry : fs::directory_iterator(scene_.folder())) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path();
  }
}

}  // namespace
}  // namespace twintrack::test

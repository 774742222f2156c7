// calibrate and what is around it: files that exist, full disks, interruption, memory, and predict with the result.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "cli/calibrate_scene.hpp"
#include "cli/scene.hpp"
#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"

namespace twintrack::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(Calibrate, WhatExistsIsKept) {
  const fs::path manifest = cohort();
  put_file(output(), "mine");
  put_file(*this / "s.stats", "mine too");
  Outcome outcome = run_twintrack(arguments(manifest));
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::wrong_usage));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr(output().string()), HasSubstr("--overwrite")));
  outcome = run_twintrack({"calibrate", "--manifest", manifest, "--statistics-out", *this / "s.stats"});
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::wrong_usage));
  EXPECT_EQ(get_file(output()), "mine");
  EXPECT_EQ(get_file(*this / "s.stats"), "mine too");
}

TEST_F(Calibrate, AFailedRunKeepsWhatIsToBeOverwritten) {
  const fs::path manifest = cohort();
  put_file(output(), "mine");
  fs::remove(*this / "case_3" / "rater_02.nii.gz");
  fs::copy_file(*this / "case_1" / "probability.nii.gz", *this / "case_3" / "rater_02.nii.gz");
  const auto before = files_below(folder_.path());
  EXPECT_EQ(run_twintrack(arguments(manifest, {"--overwrite"})).status, static_cast<int>(ExitStatus::bad_input));
  EXPECT_EQ(get_file(output()), "mine");
  EXPECT_EQ(files_below(folder_.path()), before);
}

TEST_F(Calibrate, FileSizeLimitLeavesNothing) {
  const fs::path manifest = cohort();
  const auto before = files_below(folder_.path());
  const Outcome outcome = run_process(with_file_limit(4, twintrack_command(arguments(manifest))));
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::out_of_resources));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cannot write " + output().string()), HasSubstr("largest size allowed")));
  EXPECT_EQ(files_below(folder_.path()), before);
}

class CalibrateMounted : public Calibrate {
 protected:
  void SetUp() override {
    if (!may_mount()) GTEST_SKIP() << "file systems cannot be mounted here";
    fs::create_directory(*this / "out");
  }
  Outcome run_with(const std::string& options, const fs::path& manifest) const {
    const fs::path out = *this / "out";
    return run_process(with_mount(out, options,
                                  twintrack_command({"calibrate", "--manifest", manifest, "-o", out / "c.json",
                                                     "--statistics-out", out / "c.stats", "--json"})));
  }
};

TEST_F(CalibrateMounted, FullDiskLeavesNothing) {
  const Outcome outcome = run_with("size=16k", cohort());
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::out_of_resources));
  EXPECT_THAT(outcome.err, HasSubstr("c.stats: the disk is full"));
  EXPECT_EQ(outcome.out, "");
}

TEST_F(CalibrateMounted, ReadOnlyFolderIsRefusedBeforeTheWork) {
  write_file(*this / "m.csv", "case,probability,raters\na,absent.nii.gz,absent.nii.gz\n");
  const Outcome outcome = run_with("size=1m,ro", *this / "m.csv");
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::out_of_resources));
  EXPECT_THAT(outcome.err, HasSubstr("c.json: the file system is read-only"));
}

TEST_F(Calibrate, InterruptionLeavesNothingHalfWritten) {
  const fs::path manifest = cohort({.cases = 8, .raters = 5, .size = {90, 80, 60}});
  const Arguments command = arguments(manifest, {"--threads", "1", "--statistics-out", *this / "s.stats"});
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(run_twintrack(command).status, 0);
  auto duration = std::chrono::steady_clock::now() - start;  // shortened when a run turns out to be faster
  const std::string calibrator = get_file(output());
  const std::string statistics = get_file(*this / "s.stats");
  int stopped = 0;
  for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
    for (const double share : {0.2, 0.5, 0.8, 0.95}) {
      fs::remove(output());
      fs::remove(*this / "s.stats");
      const auto begin = std::chrono::steady_clock::now();
      Process process(twintrack_command(command));
      std::this_thread::sleep_for(std::chrono::duration_cast<std::chrono::nanoseconds>(duration * share));
      process.send(signal);
      const Outcome outcome = process.wait();
      if (outcome.status == 0) duration = std::min(duration, (std::chrono::steady_clock::now() - begin) / 2);
      if (fs::exists(output())) {
        EXPECT_EQ(get_file(output()), calibrator);
      }
      if (fs::exists(*this / "s.stats")) {
        EXPECT_EQ(get_file(*this / "s.stats"), statistics);
      }
      if (outcome.status == 0) continue;  // it was faster
      ++stopped;
      EXPECT_EQ(outcome.status, signal == SIGKILL ? 128 + SIGKILL : 130) << outcome.err;
      if (signal == SIGKILL) continue;  // the next run for the same file removes what it left
      for (const std::string& file : files_below(folder_.path())) EXPECT_FALSE(file.starts_with(".")) << file;
    }
  }
  EXPECT_GE(stopped, 6);
}

// Largest resident memory of a run, in kibibytes.
long peak_of(const Arguments& arguments) {
  const Arguments command = twintrack_command(arguments);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::open("/dev/null", O_WRONLY), STDOUT_FILENO);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    ::execv(words[0], words.data());
    ::_exit(127);
  }
  int status = 0;
  rusage usage{};
  EXPECT_EQ(::wait4(child, &status, 0, &usage), child);
  EXPECT_EQ(status, 0);
  return usage.ru_maxrss;
}

TEST_F(Calibrate, MemoryDoesNotGrowWithTheCohort) {
  cohort({.cases = 12, .raters = 5, .size = {100, 90, 80}});
  const auto peak = [&](const std::string& name, const std::vector<int>& cases) {
    return peak_of(arguments(part(name, cases), {"--overwrite", "--quiet", "--threads", "2"}));
  };
  const long few = peak("few.csv", {0, 1});
  const long many = peak("many.csv", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_LT(static_cast<double>(many), 1.05 * static_cast<double>(few));
}

// predict with the calibrator.

TEST(CalibrateAndPredict, CalibratorBelongsToTheNetworks) {
  const Scene scene;
  ASSERT_EQ(run_twintrack(scene.predict({"--save-uncalibrated", "--save-roi"})).status, 0);
  Volume<std::uint8_t> rater{read_volume(scene.ct()).geometry, {}};
  for (std::int64_t i = 0; i < rater.geometry.voxel_count(); ++i)
    rater.voxels.push_back(static_cast<std::uint8_t>(i % 7 == 0));
  write_volume(scene / "rater.nii.gz", rater);
  put_file(scene / "m.csv",
           "case,probability,raters,roi\nct,out/ct_uncalibrated.nii.gz,rater.nii.gz,out/ct_roi.nii.gz\n");
  const fs::path own = scene / "own.json";
  Outcome outcome = run_twintrack({"calibrate", "--manifest", scene / "m.csv", "-o", own});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, Not(HasSubstr("calibrated already")));
  const std::string networks = get_json(scene.out() / "ct.json")["bundle"]["networks_sha256"];
  EXPECT_EQ(get_json(own)["networks_sha256"], networks);

  const auto predict = [&](const fs::path& calibrator, const Arguments& options) {
    Arguments all{"--calibrator", calibrator, "--overwrite", "--save-uncalibrated"};
    all.insert(all.end(), options.begin(), options.end());
    return run_twintrack(scene.predict(all));
  };
  ASSERT_EQ(predict(own, {}).status, 0);
  EXPECT_THAT(get_json(scene.out() / "ct.json")["warnings"], IsEmpty());  // its own voxels are all in the support
  const Calibrator calibrator = read_calibrator(own);
  const auto map = read_volume(scene.out() / "ct_probability.nii.gz").voxels;
  const auto before = read_volume(scene.out() / "ct_uncalibrated.nii.gz").voxels;
  const auto region = read_labels(scene.out() / "ct_roi.nii.gz").voxels;
  for (std::size_t i = 0; i < map.size(); ++i) ASSERT_EQ(map[i], region[i] != 0 ? calibrator(before[i]) : 0.0F);

  Json foreign = get_json(own);
  foreign["networks_sha256"] = std::string(64, '0');
  foreign["support"] = {{"low", 0.999}, {"high", 1}};
  put_file(scene / "foreign.json", foreign.dump());
  outcome = predict(scene / "foreign.json", {});
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::bad_input));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("foreign.json: networks_sha256"), HasSubstr("--force")));
  outcome = predict(scene / "foreign.json", {"--force"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(get_json(scene.out() / "ct.json")["warnings"],
              Contains(HasSubstr("of the region of interest has probabilities outside 0.999 to 1")));
  EXPECT_THAT(outcome.err, HasSubstr("outside 0.999 to 1"));
}

TEST(CalibrateAndPredict, CalibratedMapsAndOtherBundlesAreWarnedOf) {
  const Scene scene;
  ASSERT_EQ(run_twintrack(scene.predict()).status, 0);
  Volume<std::uint8_t> rater{read_volume(scene.ct()).geometry, {}};
  rater.voxels.assign(static_cast<std::size_t>(rater.geometry.voxel_count()), 1);
  write_volume(scene / "rater.nii.gz", rater);
  put_file(scene / "m.csv", "case,probability,raters\nct,out/ct_probability.nii.gz,rater.nii.gz\n");
  const Outcome outcome = run_twintrack({"calibrate", "--manifest", scene / "m.csv", "-o", scene / "c.json"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("1 of 1 maps are calibrated already"), HasSubstr("--save-uncalibrated")));
  ASSERT_EQ(run_twintrack(scene.create_bundle()).status, 0);
  const Outcome other = run_twintrack(
      {"calibrate", "--manifest", scene / "m.csv", "-o", scene / "d.json", "--bundle", scene / "new_bundle"});
  EXPECT_EQ(other.status, 0);
  EXPECT_THAT(other.err, HasSubstr("name other networks"));
  EXPECT_NE(get_json(scene / "d.json")["networks_sha256"], get_json(scene / "c.json")["networks_sha256"]);
}

}  // namespace
}  // namespace twintrack::test

// phantom as a user runs it: both layouts, a cohort that is interrupted and continued, wrong options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/cohort/manifest.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/nnunet/dataset.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

class PhantomJob : public testing::Test {
 protected:
  fs::path out() const { return folder_ / "out"; }
  Arguments job(const Arguments& options = {}) const {
    Arguments all{"phantom", "-o", out(), "--cases", "2", "--size", "64,48,32", "--spacing-mm", "4,4,5"};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }
  std::string file(const fs::path& name) const { return get_file(out() / name); }

  TemporaryFolder folder_;
};

TEST_F(PhantomJob, CurvasLayoutIsACohortThatTheOtherJobsRead) {
  const Outcome outcome = run_twintrack(job({"--raters", "3"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr(kResearchUse));
  EXPECT_THAT(
      files_below(out() / "phantom_0001"),
      testing::UnorderedElementsAre("annotation_1.nii.gz", "annotation_2.nii.gz", "annotation_3.nii.gz", "case.json",
                                    "image.nii.gz", "labels.nii.gz", "mhr.nii.gz", "vessels.nii.gz"));
  const Manifest manifest =
      read_manifest(out() / "manifest.csv", std::vector{Column::image, Column::raters, Column::vessels});
  ASSERT_EQ(manifest.cases.size(), 2u);
  for (const CohortCase& item : manifest.cases) {
    const RaterSet raters = read_raters(item.raters);
    EXPECT_EQ(raters.size(), 3);
    const Volume<float> image = read_volume(*item.image);
    EXPECT_EQ(image.geometry.size, (std::array<std::int64_t, 3>{64, 48, 32}));
    EXPECT_EQ(image.geometry.spacing_mm, (std::array<double, 3>{4, 4, 5}));
    EXPECT_EQ(raters.geometry, image.geometry);
    const Volume<float> mhr = read_probability(item.image->parent_path() / "mhr.nii.gz");
    EXPECT_EQ(mhr.geometry, image.geometry);
    const auto labels = read_labels(item.image->parent_path() / "labels.nii.gz");
    const auto vessels = read_labels(*item.vessels);
    EXPECT_EQ(labels.geometry, image.geometry);
    EXPECT_EQ(vessels.geometry, image.geometry);
    EXPECT_EQ(std::set(labels.voxels.begin(), labels.voxels.end()).size(), 7u);
    EXPECT_EQ(std::set(vessels.voxels.begin(), vessels.voxels.end()).size(), 6u);
    for (std::int64_t i = 0; i < image.geometry.voxel_count(); ++i) {
      if (mhr.voxels[i] > 0) continue;
      for (const BitMask& mask : raters.masks) ASSERT_FALSE(mask[i]);  // nobody marks what nobody would
    }
  }
  EXPECT_THAT(Json::parse(file("phantom_0000/case.json"))["note"].get<std::string>(), HasSubstr("no patient"));
}

TEST_F(PhantomJob, NnunetLayoutIsARawDataset) {
  ASSERT_EQ(run_twintrack(job({"--layout", "nnunet"})).status, 0);
  const Dataset dataset = read_dataset(out() / "dataset.json");
  EXPECT_THAT(dataset.labels.names, ElementsAre("background", "tumor", "veins", "arteries", "pancreas",
                                                "pancreatic_duct", "common_bile_duct"));
  const Json document = Json::parse(file("dataset.json"));
  EXPECT_EQ(document["numTraining"], 2);
  EXPECT_EQ(document["file_ending"], ".nii.gz");
  EXPECT_EQ(document["channel_names"]["0"], "CT");
  const auto full = read_labels(out() / "labelsTr/phantom_0001.nii.gz");
  EXPECT_EQ(read_volume(out() / "imagesTr/phantom_0001_0000.nii.gz").geometry, full.geometry);

  const fs::path second = folder_ / "pancreas";
  Arguments pancreas = job({"--layout", "nnunet", "--labels", "pancreas"});
  pancreas[2] = second;
  ASSERT_EQ(run_twintrack(pancreas).status, 0);
  EXPECT_THAT(read_dataset(second / "dataset.json").labels.names, ElementsAre("background", "pancreas"));
  const auto alone = read_labels(second / "labelsTr/phantom_0001.nii.gz");
  EXPECT_EQ(get_file(second / "imagesTr/phantom_0001_0000.nii.gz"), file("imagesTr/phantom_0001_0000.nii.gz"));
  for (std::size_t i = 0; i < full.voxels.size(); ++i) {
    const auto label = full.voxels[i];
    ASSERT_EQ(alone.voxels[i], label == 1 || label == 4 || label == 5 ? 1 : 0);
  }
}

TEST_F(PhantomJob, SameSeedSameFilesOnAnyNumberOfThreadsAndAnyRange) {
  ASSERT_EQ(run_twintrack(job({"--threads", "1"})).status, 0);
  Arguments other = job({"--threads", "3", "--first", "1"});
  other[2] = folder_ / "other";
  ASSERT_EQ(run_twintrack(other).status, 0);
  for (const std::string& name : files_below(out() / "phantom_0001"))
    EXPECT_EQ(get_file(folder_ / "other" / "phantom_0001" / name), file(fs::path("phantom_0001") / name)) << name;
  EXPECT_NE(file("phantom_0000/image.nii.gz"), file("phantom_0001/image.nii.gz"));
}

TEST_F(PhantomJob, CompleteCasesAreKeptAndACohortGrows) {
  ASSERT_EQ(run_twintrack(job()).status, 0);
  const auto written = fs::last_write_time(out() / "phantom_0000/image.nii.gz");
  Arguments more = job({"--json"});
  more[4] = "3";
  const Outcome outcome = run_twintrack(more);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(fs::last_write_time(out() / "phantom_0000/image.nii.gz"), written);
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 2);
  const Json last = Json::parse(outcome.out.substr(outcome.out.find('\n') + 1));
  EXPECT_EQ(last["made"], 1);
  EXPECT_EQ(last["kept"], 2);
  EXPECT_EQ(last["cases"], 3);
  EXPECT_EQ(read_manifest(out() / "manifest.csv", {}).cases.size(), 3u);
}

TEST_F(PhantomJob, OtherSettingsAreNotMixedIntoACohort) {
  ASSERT_EQ(run_twintrack(job()).status, 0);
  const Outcome refused = run_twintrack(job({"--seed", "5"}));
  EXPECT_EQ(refused.status, static_cast<int>(ExitStatus::wrong_usage));
  EXPECT_THAT(refused.err, AllOf(HasSubstr("phantom.json"), HasSubstr("(seed)"), HasSubstr("--overwrite")));
  const std::string before = file("phantom_0000/image.nii.gz");
  Arguments replaced = job({"--seed", "5", "--overwrite"});
  replaced[4] = "1";
  ASSERT_EQ(run_twintrack(replaced).status, 0);
  EXPECT_NE(file("phantom_0000/image.nii.gz"), before);
  EXPECT_FALSE(fs::exists(out() / "phantom_0001"));
}

TEST_F(PhantomJob, InterruptedAndContinuedEqualsUninterrupted) {
  for (const char* layout : {"curvas", "nnunet"}) {
    const auto command = [&](const fs::path& folder) {
      return Arguments{"phantom", "-o",        folder,         "--cases", "6",         "--layout", layout,
                       "--size",  "128,96,64", "--spacing-mm", "3,3,4",   "--threads", "1",        "-q"};
    };
    const fs::path whole = folder_ / (std::string("whole_") + layout);
    const auto start = std::chrono::steady_clock::now();
    ASSERT_EQ(run_twintrack(command(whole)).status, 0);
    const auto duration = std::chrono::steady_clock::now() - start;
    const fs::path pieces = folder_ / (std::string("pieces_") + layout);
    for (const int signal : {SIGINT, SIGKILL, SIGTERM}) {
      Process process(twintrack_command(command(pieces)));
      std::this_thread::sleep_for(duration / 4);
      process.send(signal);
      const Outcome outcome = process.wait();
      EXPECT_THAT(outcome.status, AnyOf(0, 130, 137)) << outcome.err;  // 137: killed
    }
    ASSERT_EQ(run_twintrack(command(pieces)).status, 0);
    ASSERT_EQ(files_below(pieces), files_below(whole)) << layout;
    for (const std::string& name : files_below(whole)) {
      if (fs::is_directory(whole / name)) continue;
      EXPECT_EQ(get_file(pieces / name), get_file(whole / name)) << name;
    }
  }
}

struct WrongOption {
  std::string what;
  Arguments options;
  std::vector<std::string> words;
};
void PrintTo(const WrongOption& wrong, std::ostream* stream) { *stream << wrong.what; }

class WrongPhantomOptions : public testing::TestWithParam<WrongOption> {};

TEST_P(WrongPhantomOptions, AreRefusedBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  Arguments arguments{"phantom", "-o", folder / "out"};
  arguments.insert(arguments.end(), GetParam().options.begin(), GetParam().options.end());
  const Outcome outcome = run_twintrack(arguments);
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::wrong_usage));
  for (const std::string& word : GetParam().words) EXPECT_THAT(outcome.err, HasSubstr(word));
  EXPECT_LE(std::ranges::count(outcome.err, '\n'), 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(folder.entries(), 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Options, WrongPhantomOptions,
    testing::Values(WrongOption{"no_cases", {"--cases", "0"}, {"--cases"}},
                    WrongOption{"negative_first", {"--first", "-1"}, {"--first"}},
                    WrongOption{"no_raters", {"--raters", "0"}, {"--raters"}},
                    WrongOption{"too_many_raters", {"--raters", "65"}, {"--raters", "64"}},
                    WrongOption{"negative_seed", {"--seed", "-3"}, {"--seed"}},
                    WrongOption{"layout_unknown", {"--layout", "bids"}, {"--layout", "bids", "nnunet"}},
                    WrongOption{"labels_unknown", {"--layout", "nnunet", "--labels", "liver"}, {"--labels", "liver"}},
                    WrongOption{"labels_of_curvas", {"--labels", "pancreas"}, {"--labels pancreas", "nnunet"}},
                    WrongOption{
                        "raters_of_nnunet", {"--layout", "nnunet", "--raters", "3"}, {"--raters 3", "--layout curvas"}},
                    WrongOption{"size_of_two", {"--size", "64,64"}, {"--size"}},
                    WrongOption{"size_tiny", {"--size", "64,64,4"}, {"--size", "16"}},
                    WrongOption{"size_huge", {"--size", "64,64,100000"}, {"--size", "2048"}},
                    WrongOption{"spacing_0", {"--spacing-mm", "1,1,0"}, {"--spacing-mm", "0.2 to 20"}},
                    WrongOption{"spacing_nan", {"--spacing-mm", "1,nan,1"}, {"--spacing-mm", "nan"}},
                    WrongOption{"threads_0", {"--threads", "0"}, {"--threads", "1 to 1024"}}),
    [](const auto& row) { return row.param.what; });

TEST_F(PhantomJob, OutputThatIsAFileOrNamelessIsRefused) {
  std::ofstream(out()) << "a file";
  EXPECT_EQ(run_twintrack(job()).status, static_cast<int>(ExitStatus::out_of_resources));
  EXPECT_EQ(get_file(out()), "a file");
  EXPECT_EQ(run_twintrack({"phantom"}).status, static_cast<int>(ExitStatus::wrong_usage));
}

}  // namespace
}  // namespace twintrack::test

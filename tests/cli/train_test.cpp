// train as a user runs it: plan, run, all; interrupted, killed, out of disk; bad datasets and options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <limits>
#include <random>
#include <regex>
#include <sstream>
#include <thread>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"
#include "training/tiny_training_set.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/nnunet/model.hpp"
#include "twintrack/pipeline/bundle.hpp"
#include "twintrack/tensor/training_checkpoint.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr int bad_input = static_cast<int>(ExitStatus::bad_input);
constexpr int wrong_usage = static_cast<int>(ExitStatus::wrong_usage);
constexpr int out_of_resources = static_cast<int>(ExitStatus::out_of_resources);

Arguments operator+(Arguments first, const Arguments& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// With the options' values in place of those that the job has already.
Arguments with(Arguments job, const Arguments& options) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    const auto given = std::ranges::find(job, options[i]);
    if (given == job.end() || i + 1 == options.size() || !options[i].starts_with("--")) {
      job.push_back(options[i]);
    } else {
      given[1] = options[++i];
    }
  }
  return job;
}

// A dataset of four cases of 20 x 20 x 20 voxels, and a network of two stages.
class TrainJob : public testing::Test {
 protected:
  TrainJob() { write_training_set(dataset(), 4); }
  void SetUp() override {
    if (!has_torch_plugin()) GTEST_SKIP() << "built without libtorch";
  }

  fs::path dataset() const { return folder_ / "Dataset001_Tiny"; }
  fs::path work() const { return folder_ / "work"; }
  fs::path model() const { return folder_ / model_folder_name; }
  fs::path bundle() const { return folder_ / "bundle"; }
  fs::path image(int index) const { return dataset() / "imagesTr" / (training_case_name(index) + "_0000.nii.gz"); }
  fs::path labels(int index) const { return dataset() / "labelsTr" / (training_case_name(index) + ".nii.gz"); }

  static Arguments network() {
    return {"--patch", "16,16,16", "--features", "8,16", "--batch-size", "2", "--spacing-mm", "2,2,2"};
  }
  static Arguments short_training() {
    return {"--epochs", "2", "--iterations", "2", "--validation-iterations", "1", "--threads", "1", "--workers", "1"};
  }
  Arguments plan(const Arguments& options = {}) const {
    return with(Arguments{"train", "plan", "-d", dataset(), "-o", work()} + network(), options);
  }
  Arguments run_at(const fs::path& output, const Arguments& options = {}) const {
    return with(Arguments{"train", "run", "-d", dataset(), "-p", work(), "-o", output} + short_training(), options);
  }
  Arguments run(const Arguments& options = {}) const { return run_at(model(), options); }
  void make_plans() const { ASSERT_EQ(run_twintrack(plan({"-q"})).status, 0); }

  static TrainingCheckpoint final_checkpoint(const fs::path& model) {
    return read_training_checkpoint(model / "fold_0" / checkpoint_name);
  }

  TemporaryFolder folder_;
};

void expect_equal(const TrainingCheckpoint& a, const TrainingCheckpoint& b) {
  for (const auto tensors : {&TrainingCheckpoint::parameters, &TrainingCheckpoint::momenta}) {
    ASSERT_EQ((a.*tensors).size(), (b.*tensors).size());
    for (const auto& [name, tensor] : a.*tensors) {
      EXPECT_TRUE(tensor.values == (b.*tensors).at(name).values) << name;  // to the bit
    }
  }
  for (const char* list : {"train_losses", "val_losses", "mean_fg_dice", "ema_fg_dice", "lrs"}) {
    EXPECT_EQ(a.logging[list], b.logging[list]) << list;
  }
  EXPECT_EQ(a.epoch, b.epoch);
}

void wait_for(const fs::path& file) {
  const auto start = Clock::now();
  while (!fs::exists(file) && Clock::now() - start < std::chrono::minutes(1)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::vector<std::string> hidden_files(const fs::path& folder) {
  std::vector<std::string> hidden;
  for (const std::string& file : files_below(folder)) {
    if (fs::path(file).filename().string().starts_with('.')) hidden.push_back(file);
  }
  return hidden;
}

TEST_F(TrainJob, PlanWritesPlansAndSaysWhatTheyAre) {
  const Arguments without_libtorch = {"env", "TWINTRACK_PLUGINS=" + folder_.path().string()};
  const Outcome outcome = run_process(without_libtorch + twintrack_command(plan()));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("plans.json: 4 cases"), HasSubstr("3d_fullres: spacing 2 x 2 x 2 mm"),
                                 HasSubstr("patch 16 x 16 x 16"), HasSubstr("batch 2"), HasSubstr("features 8-16")));
  EXPECT_THAT(files_below(work()), testing::UnorderedElementsAre("dataset_fingerprint.json", "plans.json"));
  const Json plans = get_json(work() / "plans.json");
  EXPECT_EQ(plans["dataset_name"], "Dataset001_Tiny");

  const Outcome json = run_twintrack(plan({"--json", "-q"}));
  EXPECT_EQ(json.status, 0);
  EXPECT_EQ(json.err, "");
  EXPECT_EQ(Json::parse(json.out)["configurations"], plans["configurations"]);

  const Outcome refused = run_twintrack(plan({"--crop-to", "tumor"}));
  EXPECT_EQ(refused.status, wrong_usage);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("plans.json"), HasSubstr("--overwrite")));
  EXPECT_EQ(get_json(work() / "plans.json"), plans);
  EXPECT_EQ(run_twintrack(plan({"--crop-to", "tumor", "--overwrite"})).status, 0);
  EXPECT_EQ(get_json(work() / "plans.json")["crop_to_labels"]["labels"], Json::array({"tumor"}));
}

TEST_F(TrainJob, RunWritesAModelThatOthersRead) {
  make_plans();
  const Outcome outcome = run_twintrack(run());
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("fold_0/checkpoint_final.pth: 2 epochs"), HasSubstr("pseudo-Dice")));
  EXPECT_THAT(outcome.err, HasSubstr(kResearchUse));
  EXPECT_THAT(files_below(model()), testing::UnorderedElementsAre(
                                        "plans.json", "dataset.json", "fold_0/checkpoint_best.pth",
                                        "fold_0/checkpoint_final.pth", "fold_0/training.json", "fold_0/progress.svg"));
  EXPECT_THAT(get_json(work() / "splits_final.json").size(), 4);

  // In a log: a line for each epoch, and what ran without what it last said of itself.
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("\nfold 0: epoch 1/2  loss "), HasSubstr("\nfold 0: epoch 2/2  loss "),
                                 HasSubstr("\nfold 0: 3 cases to train on, 1 to validate with\n"),
                                 HasSubstr("\nfold 0: done in "), Not(HasSubstr("\r")), Not(HasSubstr("\x1b"))));

  const std::string before = get_file(model() / "fold_0/checkpoint_final.pth");
  const Outcome again = run_twintrack(run({"--json"}));
  EXPECT_EQ(again.status, 0);
  EXPECT_THAT(again.err, HasSubstr("complete already"));
  EXPECT_EQ(get_file(model() / "fold_0/checkpoint_final.pth"), before);
  const Json result = Json::parse(again.out);
  EXPECT_EQ(result["fold"], "0");
  EXPECT_EQ(result["checkpoint"], (model() / "fold_0/checkpoint_final.pth").string());
  EXPECT_EQ(result["last_epoch"]["epoch"], 1);

  const Outcome other = run_twintrack(run({"--seed", "5", "-q"}));
  EXPECT_EQ(other.status, wrong_usage);
  EXPECT_THAT(other.err, AllOf(HasSubstr("(seed)"), HasSubstr("--overwrite")));
  EXPECT_EQ(std::ranges::count(other.err, '\n'), 1);
  EXPECT_EQ(get_file(model() / "fold_0/checkpoint_final.pth"), before);

  const Outcome segmented =
      run_twintrack({"segment", "-m", model(), "-f", "0", "-i", image(0), "-o", folder_ / "out", "-q"});
  EXPECT_EQ(segmented.status, 0) << segmented.err;
  EXPECT_THAT(files_below(folder_ / "out"), Contains("case_0.nii.gz"));
}

TEST_F(TrainJob, QuietSaysNothing) {
  make_plans();
  const Outcome outcome = run_twintrack(run({"-q", "--fold", "all", "--no-mirroring", "--no-augmentation"}));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, HasSubstr("fold_all/checkpoint_final.pth"));
}

TEST_F(TrainJob, ABarOnATerminalStaysOnItsLine) {
  if (run_process({"script", "-qec", "true", "/dev/null"}).status != 0) GTEST_SKIP() << "needs script(1)";
  make_plans();
  std::string command;
  for (const std::string& word : twintrack_command(run({"--iterations", "40"}))) command += "'" + word + "' ";
  const Outcome outcome = run_process({"script", "-qec", command, "/dev/null"});
  ASSERT_EQ(outcome.status, 0) << outcome.out;
  constexpr std::size_t columns = 80;
  int bars = 0;
  std::istringstream text(std::regex_replace(outcome.out, std::regex("\x1b\\[K|\r"), "\n"));
  for (std::string line; std::getline(text, line);) {
    if (line.find("  [") == std::string::npos) continue;
    ++bars;
    EXPECT_LT(line.size(), columns) << line;
  }
  EXPECT_GE(bars, 3);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("fold 0: epoch 2/2"), HasSubstr("fold 0: done in")));
}

TEST_F(TrainJob, InterruptedAndContinuedEqualsUninterrupted) {
  make_plans();
  const Arguments longer{"--epochs", "4", "--iterations", "15"};
  const fs::path whole = folder_ / "whole";
  const auto start = Clock::now();
  ASSERT_EQ(run_twintrack(run_at(whole, longer)).status, 0);
  const auto duration = Clock::now() - start;
  std::mt19937 random(23);
  int stopped = 0;
  for (const auto& signals : {std::vector{SIGINT, SIGKILL}, std::vector{SIGKILL, SIGTERM, SIGKILL}}) {
    fs::remove_all(model());
    fs::remove_all(work() / "preprocessed");
    for (const int signal : signals) {
      Process process(twintrack_command(run(longer)));
      if (signal == signals.front()) {
        wait_for(model() / "fold_0/checkpoint_latest.pth");  // of the first epoch
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 150));
      } else {
        const double share = 0.3 + 0.5 * static_cast<double>(random() % 1000) / 1000;
        std::this_thread::sleep_for(std::chrono::duration_cast<Clock::duration>(share * duration));
      }
      process.send(signal);
      const Outcome outcome = process.wait();
      EXPECT_THAT(outcome.status, AnyOf(0, 130, 128 + SIGKILL)) << outcome.err;
      if (outcome.status == 130) {
        EXPECT_THAT(outcome.err, HasSubstr("twintrack: interrupted\n"));
        EXPECT_THAT(hidden_files(folder_.path()), IsEmpty());
      }
      stopped += outcome.status == 0 ? 0 : 1;
      // Whatever has a final name is complete.
      for (const char* name : {"checkpoint_latest.pth", "checkpoint_best.pth"}) {
        const fs::path file = model() / "fold_0" / name;
        if (!fs::exists(file)) continue;
        EXPECT_GE(read_training_checkpoint(file).epoch, 1);
      }
    }
    const Outcome last = run_twintrack(run(longer));
    ASSERT_EQ(last.status, 0) << last.err;
    expect_equal(final_checkpoint(model()), final_checkpoint(whole));
    EXPECT_EQ(files_below(model()), files_below(whole));  // no temporary file either
  }
  EXPECT_GE(stopped, 2);
}

TEST_F(TrainJob, AFileSizeLimitEndsIt) {
  make_plans();
  const Outcome outcome = run_process(with_file_limit(100, twintrack_command(run())));
  EXPECT_EQ(outcome.status, out_of_resources);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("cannot write"), HasSubstr("checkpoint_"), HasSubstr("largest size")));
  EXPECT_THAT(outcome.err, HasSubstr("fold 0: stopped at 3 of 6"));
  for (const std::string& file : files_below(model())) EXPECT_FALSE(file.ends_with(".pth")) << file;
  EXPECT_THAT(hidden_files(folder_.path()), IsEmpty());
  EXPECT_EQ(run_twintrack(run()).status, 0);
}

TEST_F(TrainJob, AFullDiskLeavesTheEarlierCheckpoint) {
  if (!may_mount()) GTEST_SKIP() << "file systems cannot be mounted here";
  make_plans();
  const fs::path whole = folder_ / "whole";
  const Arguments longer{"--epochs", "4"};
  ASSERT_EQ(run_twintrack(run_at(whole, longer)).status, 0);
  const auto kibibytes = fs::file_size(whole / "fold_0/checkpoint_final.pth") / 1024;
  ASSERT_GT(kibibytes, 100u);
  // Room for the best and the latest checkpoint and the log, but not for a third one beside them.
  const std::string size = "size=" + std::to_string(kibibytes * 5 / 2 + 40) + "k";
  fs::create_directory(model());
  const fs::path copy = folder_ / "copy";
  const Arguments and_copy{
      "sh", "-c",    "from=$1; to=$2; shift 2; \"$@\"; status=$?; cp -a \"$from\" \"$to\"; exit $status",
      "sh", model(), copy};
  const Outcome outcome = run_process(with_mount(model(), size, and_copy + twintrack_command(run(longer))));
  EXPECT_EQ(outcome.status, out_of_resources) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("checkpoint_"), HasSubstr("the disk is full")));
  EXPECT_EQ(read_training_checkpoint(copy / "fold_0/checkpoint_latest.pth").epoch, 1);
  EXPECT_FALSE(fs::exists(copy / "fold_0/checkpoint_final.pth"));
  EXPECT_THAT(hidden_files(copy), IsEmpty());
  const Outcome continued = run_twintrack(run_at(copy, longer));
  EXPECT_EQ(continued.status, 0);
  EXPECT_THAT(continued.err, HasSubstr("continues after epoch 1 of 4"));
  expect_equal(final_checkpoint(copy), final_checkpoint(whole));
}

TEST_F(TrainJob, WithoutLibtorchItSaysWhatToInstall) {
  make_plans();
  fs::create_directory(folder_ / "empty");
  const Arguments without_libtorch = {"env", "TWINTRACK_PLUGINS=" + (folder_ / "empty").string()};
  const Arguments all{"train", "all", "-d", dataset(), "--work", folder_ / "other", "-o", bundle()};
  for (const Arguments& job : {run(), all}) {
    const Outcome outcome = run_process(without_libtorch + twintrack_command(job));
    EXPECT_EQ(outcome.status, out_of_resources);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("libtwintrack_torch.so"), HasSubstr("libtorch-dev")));
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_FALSE(fs::exists(model()));
  EXPECT_FALSE(fs::exists(folder_ / "other"));
  EXPECT_FALSE(fs::exists(bundle()));
}

TEST_F(TrainJob, PyTorchLoadsTheCheckpoint) {
  const Arguments python{"/usr/bin/python3", "-c"};
  if (!fs::exists(python[0]) || run_process(python + Arguments{"import torch"}).status != 0) {
    GTEST_SKIP() << "needs Debian's python3-torch";
  }
  make_plans();
  ASSERT_EQ(run_twintrack(run({"-q"})).status, 0);
  const char* script =
      "import sys, torch\n"
      "safe = {'weights_only': True} if int(torch.__version__.split('.')[0]) >= 2 else {}\n"
      "c = torch.load(sys.argv[1], map_location='cpu', **safe)\n"
      "assert sorted(c) == ['_best_ema', 'current_epoch', 'grad_scaler_state', 'inference_allowed_mirroring_axes', "
      "'init_args', 'logging', 'network_weights', 'optimizer_state', 'trainer_name', 'twintrack'], sorted(c)\n"
      "weights = c['network_weights']\n"
      "assert all(torch.isfinite(w).all() for w in weights.values())\n"
      "group = c['optimizer_state']['param_groups'][0]\n"
      "assert len(group['params']) == len(c['optimizer_state']['state'])\n"
      "parameters = [torch.nn.Parameter(torch.zeros_like(s['momentum_buffer'])) for s in "
      "c['optimizer_state']['state'].values()]\n"
      "torch.optim.SGD(parameters, 0.01, momentum=0.99, nesterov=True).load_state_dict(c['optimizer_state'])\n"
      "assert c['init_args']['configuration'] == '3d_fullres' and c['init_args']['fold'] == 0\n"
      "assert len(c['logging']['train_losses']) == 2\n"
      "print(c['current_epoch'], c['trainer_name'], c['inference_allowed_mirroring_axes'])\n";
  const Outcome outcome = run_process(python + Arguments{script, model() / "fold_0/checkpoint_final.pth"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "2 nnUNetTrainer (0, 1, 2)\n");
}

TEST_F(TrainJob, RatersMeansAreTrained) {
  make_plans();
  const Arguments soft{"--raters", folder_ / "raters.csv", "--soft-label", "tumor", "-q"};
  std::ofstream manifest(folder_ / "raters.csv");
  manifest << "case,raters" << std::endl;
  for (int i = 0; i < 4; ++i) {
    if (i == 3) {
      const Outcome incomplete = run_twintrack(run(soft));
      EXPECT_EQ(incomplete.status, bad_input);
      EXPECT_THAT(incomplete.err, AllOf(HasSubstr("case 'case_3'"), HasSubstr("raters")));
    }
    manifest << training_case_name(i) << ",";
    for (const fs::path& rater : write_raters(folder_ / "raters", i, 3)) manifest << rater.string() << ";";
    manifest << std::endl;
  }
  const Outcome outcome = run_twintrack(run(soft));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(get_json(model() / "fold_0/training.json")["settings"]["soft_label"], "tumor");
  EXPECT_EQ(get_json(model() / "fold_0/training.json")["settings"]["raters"]["case_1"], 3);
}

// A localiser and members that find the balls.
class TrainAllJob : public TrainJob {
 protected:
  Arguments all(const Arguments& options = {}) const {
    const Arguments job{"train",
                        "all",
                        "-d",
                        dataset(),
                        "--work",
                        work(),
                        "--members",
                        "2",
                        "--roi-margin-mm",
                        "6,6,6",
                        "--localizer-spacing-mm",
                        "2,2,2",
                        "--localizer-patch",
                        "16,16,16",
                        "--localizer-features",
                        "8,16",
                        "--localizer-batch-size",
                        "2",
                        "--localizer-volume-ml",
                        "0,1000",
                        "--no-mirroring",
                        "--no-augmentation",
                        "--epochs",
                        "3",
                        "--iterations",
                        "25",
                        "--validation-iterations",
                        "1",
                        "--threads",
                        "1",
                        "--workers",
                        "1"};
    return with(job + network(), options);
  }
  fs::path raters() const {
    std::ofstream file(folder_ / "raters.csv");
    file << "case,image,raters\n";
    for (int i = 0; i < 2; ++i) {
      file << training_case_name(i) << "," << image(i).string() << ",";
      for (const fs::path& rater : write_raters(folder_ / "raters", i, 3)) file << rater.string() << ";";
      file << "\n";
    }
    return folder_ / "raters.csv";
  }
  fs::path member_checkpoint(int member) const {
    return work() / "members" / ("member_" + std::to_string(member)) / model_folder_name /
           ("fold_" + std::to_string(member)) / checkpoint_name;
  }
  fs::path localizer_checkpoint() const {
    return work() / "localizer" / model_folder_name / "fold_0" / checkpoint_name;
  }
};

TEST_F(TrainAllJob, MakesACalibratedBundleOfWhatIsTrainedAlreadyAndWhatIsNot) {
  // One member alone, as on a machine of its own.
  const Outcome alone = run_twintrack(all({"--member", "1"}));
  ASSERT_EQ(alone.status, 0) << alone.err;
  EXPECT_THAT(alone.out, HasSubstr(member_checkpoint(1).string()));
  EXPECT_TRUE(fs::exists(member_checkpoint(1)));
  EXPECT_FALSE(fs::exists(work() / "members/member_0"));
  EXPECT_FALSE(fs::exists(work() / "localizer"));
  EXPECT_FALSE(fs::exists(bundle()));
  const std::string member = get_file(member_checkpoint(1));

  const Outcome localizer = run_twintrack(all({"--localizer-only", "--json"}));
  ASSERT_EQ(localizer.status, 0) << localizer.err;
  EXPECT_EQ(Json::parse(localizer.out)["checkpoint"], localizer_checkpoint().string());
  EXPECT_FALSE(fs::exists(work() / "members/member_0"));

  const Arguments whole = all({"-o", bundle().string() + "/", "--raters", raters(), "--json"});
  const Outcome outcome = run_twintrack(whole);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("localiser: complete already"), HasSubstr("member 1: complete already"),
                                 HasSubstr("member 0: epoch 3/3")));
  EXPECT_EQ(get_file(member_checkpoint(1)), member);
  const Json result = Json::parse(outcome.out);
  EXPECT_EQ(result["members"], 2);
  EXPECT_EQ(result["calibrated"], true);

  EXPECT_EQ(run_twintrack({"bundle", "verify", bundle()}).status, 0);
  const Bundle made = read_bundle(bundle());
  EXPECT_EQ(made.name, "bundle");
  EXPECT_EQ(made.trained_on, "Dataset001_Tiny");
  EXPECT_EQ(made.hash, result["sha256"]);
  EXPECT_EQ(made.members.size(), 2u);
  EXPECT_EQ(made.localizer->label, "pancreas");
  EXPECT_TRUE(made_for(*made.calibrator, made));
  const Outcome predicted = run_twintrack({"predict", "-b", bundle(), "-i", image(3), "-o", folder_ / "out"});
  EXPECT_EQ(predicted.status, 0) << predicted.err;

  // The networks found what they were shown.
  const Json summary = get_json(folder_ / "out/case_3.json");
  EXPECT_GT(summary["tumor_volume_mm3"].get<double>(), 0) << summary.dump(1);

  const Outcome again = run_twintrack(whole);
  EXPECT_EQ(again.status, wrong_usage);
  EXPECT_THAT(again.err, AllOf(HasSubstr("bundle"), HasSubstr("exists already"), HasSubstr("--overwrite")));

  // A case of the raters' that cannot be read is named, and leaves no bundle.
  fs::remove_all(bundle());
  put_file(folder_ / "cut.nii.gz", get_file(image(0)).substr(0, 2000));
  std::ofstream(folder_ / "bad.csv") << "case,image,raters\nonly," << (folder_ / "cut.nii.gz").string() << ","
                                     << (folder_ / "raters/case_0_rater_0.nii.gz").string() << "\n";
  const Outcome failed = run_twintrack(all({"-o", bundle(), "--raters", folder_ / "bad.csv"}));
  EXPECT_EQ(failed.status, bad_input);
  EXPECT_THAT(failed.err, AllOf(HasSubstr("case 'only'"), HasSubstr("cut.nii.gz")));
  EXPECT_FALSE(fs::exists(bundle()));
}

TEST_F(TrainAllJob, KilledAndContinuedMakesTheSameNetworks) {
  const Arguments job = all({"-o", bundle(), "--members", "1", "--iterations", "12"});
  const auto start = Clock::now();
  ASSERT_EQ(run_twintrack(job).status, 0);
  const auto duration = Clock::now() - start;
  const TrainingCheckpoint member = read_training_checkpoint(member_checkpoint(0));
  const std::string hash = read_bundle(bundle()).hash;
  fs::remove_all(bundle());
  fs::remove_all(work());
  std::mt19937 random(5);
  for (const int signal : {SIGKILL, SIGINT, SIGKILL}) {
    Process process(twintrack_command(job));
    const double share = 0.2 + 0.5 * static_cast<double>(random() % 1000) / 1000;
    std::this_thread::sleep_for(std::chrono::duration_cast<Clock::duration>(share * duration));
    process.send(signal);
    EXPECT_THAT(process.wait().status, AnyOf(0, 130, 128 + SIGKILL));
    fs::remove_all(bundle());
  }
  const Outcome last = run_twintrack(job);
  ASSERT_EQ(last.status, 0) << last.err;
  expect_equal(read_training_checkpoint(member_checkpoint(0)), member);
  EXPECT_EQ(read_bundle(bundle()).hash, hash);
  EXPECT_THAT(hidden_files(folder_.path()), IsEmpty());
}

struct BadDataset {
  std::string what;
  std::function<void(const fs::path& dataset)> spoil;
  std::vector<std::string> words;
  bool planned = true;  // `train plan` refuses it too
};
void PrintTo(const BadDataset& bad, std::ostream* stream) { *stream << bad.what; }

class BadDatasets : public TrainJob, public testing::WithParamInterface<BadDataset> {};

TEST_P(BadDatasets, AreRefusedBeforeTheFirstEpoch) {
  make_plans();
  const auto before = files_below(work());
  GetParam().spoil(dataset());
  std::vector<Arguments> jobs{run()};
  if (GetParam().planned) jobs.push_back(plan());
  for (const Arguments& job : jobs) {
    const Outcome outcome = run_twintrack(job);
    EXPECT_EQ(outcome.status, bad_input) << outcome.err;
    for (const std::string& word : GetParam().words) EXPECT_THAT(outcome.err, HasSubstr(word));
    EXPECT_THAT(outcome.err, Not(HasSubstr("epoch 1/")));
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_THAT(files_below(model()), IsEmpty());
  EXPECT_THAT(hidden_files(folder_.path()), IsEmpty());
}

std::function<void(const fs::path&)> dataset_json(const std::function<void(Json&)>& edit) {
  return [edit](const fs::path& dataset) { edit_json(dataset / "dataset.json", edit); };
}
void cut_in_half(const fs::path& file) {
  const std::string bytes = get_file(file);
  put_file(file, bytes.substr(0, bytes.size() / 2));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadDatasets,
    testing::Values(BadDataset{"label_file_missing",
                               [](const fs::path& d) { fs::remove(d / "labelsTr/case_2.nii.gz"); },
                               {"case_2.nii.gz", "no such file"}},
                    BadDataset{"other_grid",
                               [](const fs::path& d) {
                                 auto labels = read_labels(d / "labelsTr/case_1.nii.gz");
                                 labels.geometry.origin_mm = {5, 0, 0};
                                 write_volume(d / "labelsTr/case_1.nii.gz", labels);
                               },
                               {"case_1_0000.nii.gz", "case_1.nii.gz"}},
                    BadDataset{"unknown_label",
                               [](const fs::path& d) {
                                 auto labels = read_labels(d / "labelsTr/case_3.nii.gz");
                                 labels.voxels[17] = 9;
                                 write_volume(d / "labelsTr/case_3.nii.gz", labels);
                               },
                               {"case_3.nii.gz", "label 9", "dataset.json"}},
                    BadDataset{"image_cut_off",
                               [](const fs::path& d) { cut_in_half(d / "imagesTr/case_0_0000.nii.gz"); },
                               {"case_0_0000.nii.gz"}},
                    BadDataset{"labels_cut_off",
                               [](const fs::path& d) { cut_in_half(d / "labelsTr/case_0.nii.gz"); },
                               {"case_0.nii.gz"}},
                    BadDataset{"image_with_nan",
                               [](const fs::path& d) {
                                 auto image = read_volume(d / "imagesTr/case_2_0000.nii.gz");
                                 image.voxels[100] = std::numeric_limits<float>::quiet_NaN();
                                 write_volume(d / "imagesTr/case_2_0000.nii.gz", image);
                               },
                               {"case_2_0000.nii.gz", "NaN"}},
                    BadDataset{"no_labels_field",
                               dataset_json([](Json& j) { j.erase("labels"); }),
                               {"dataset.json", "labels", "missing"}},
                    BadDataset{"no_file_ending",
                               dataset_json([](Json& j) { j.erase("file_ending"); }),
                               {"dataset.json", "file_ending", "missing"}},
                    BadDataset{"wrong_number",
                               dataset_json([](Json& j) { j["numTraining"] = 5; }),
                               {"numTraining", "5 cases are announced, 4 lie"}},
                    BadDataset{"one_case_with_a_fold",
                               [](const fs::path& d) {
                                 fs::remove_all(d);
                                 write_training_set(d, 1);
                               },
                               {"one case", "fold 'all'"},
                               false},
                    BadDataset{"another_case_than_the_splits_know",
                               [](const fs::path& d) {
                                 put_file(d.parent_path() / "work/splits_final.json",
                                          R"([{"train": ["case_0"], "val": ["case_9"]}])");
                               },
                               {"splits_final.json", "case_9"},
                               false}),
    [](const auto& row) { return row.param.what; });

struct WrongTraining {
  std::string what;
  Arguments options;  // after `train`
  std::vector<std::string> words;
};
void PrintTo(const WrongTraining& wrong, std::ostream* stream) { *stream << wrong.what; }

class WrongTrainOptions : public testing::TestWithParam<WrongTraining> {};

TEST_P(WrongTrainOptions, AreRefusedBeforeAnythingIsWritten) {
  const TemporaryFolder folder;
  write_training_set(folder / "data", 2);
  put_file(folder / "raters.csv", "case,raters\ncase_0,a.nii.gz\n");
  const auto before = files_below(folder.path());
  Arguments arguments{"train"};
  for (const std::string& word : GetParam().options) {
    arguments.push_back(std::regex_replace(word, std::regex("@"), folder.path().string() + "/"));
  }
  if (!has_torch_plugin() && GetParam().options[0] != "plan") GTEST_SKIP() << "built without libtorch";
  const Outcome outcome = run_twintrack(arguments);
  EXPECT_EQ(outcome.status, wrong_usage) << outcome.err;
  for (const std::string& word : GetParam().words) EXPECT_THAT(outcome.err, HasSubstr(word));
  EXPECT_LE(std::ranges::count(outcome.err, '\n'), 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(files_below(folder.path()), before);
}

WrongTraining wrong_plan(const std::string& what, const Arguments& options, const std::vector<std::string>& words) {
  return {"plan_" + what, Arguments{"plan", "-d", "@data", "-o", "@work", "-q"} + options, words};
}
WrongTraining wrong_run(const std::string& what, const Arguments& options, const std::vector<std::string>& words) {
  return {"run_" + what, Arguments{"run", "-d", "@data", "-p", "@work", "-o", "@model", "-q"} + options, words};
}
WrongTraining wrong_all(const std::string& what, const Arguments& options, const std::vector<std::string>& words) {
  return {"all_" + what, Arguments{"all", "-d", "@data", "--work", "@work", "-q"} + options, words};
}

INSTANTIATE_TEST_SUITE_P(
    Options, WrongTrainOptions,
    testing::Values(
        WrongTraining{"no_job", {}, {"a job is needed", "plan, run, all"}},
        WrongTraining{"plan_without_dataset", {"plan", "-o", "@work"}, {"--dataset", "required"}},
        wrong_plan("preset_unknown", {"--preset", "huge"}, {"--preset", "huge", "resenc-m"}),
        wrong_plan("patch_of_two", {"--patch", "16,16"}, {"--patch"}),
        wrong_plan("patch_of_0", {"--patch", "0,16,16"}, {"--patch", "4 to 1024"}),
        wrong_plan("spacing_nan", {"--spacing-mm", "1,nan,1"}, {"--spacing-mm", "nan"}),
        wrong_plan("stages_1", {"--stages", "1"}, {"--stages"}),
        wrong_plan("stages_too_many", {"--patch", "16,16,16", "--spacing-mm", "2,2,2", "--stages", "6"},
                   {"6 stages", "16 x 16 x 16"}),
        wrong_plan("margin_negative", {"--crop-to", "tumor", "--crop-margin-mm", "1,-1,1"}, {"--crop-margin-mm"}),
        wrong_run("fold_text", {"--fold", "last"}, {"--fold last", "all"}),
        wrong_run("fold_negative", {"--fold=-1"}, {"--fold -1"}),
        wrong_run("epochs_0", {"--epochs", "0"}, {"--epochs"}),
        wrong_run("learning_rate_nan", {"--learning-rate", "nan"}, {"--learning-rate", "nan"}),
        wrong_run("momentum_1", {"--momentum", "1"}, {"--momentum"}),
        wrong_run("loss_unknown", {"--loss", "focal"}, {"--loss", "focal", "dice-ce"}),
        wrong_run("precision_unknown", {"--precision", "fp8"}, {"--precision", "fp8"}),
        wrong_run("seed_negative", {"--seed", "-3"}, {"--seed"}),
        wrong_run("workers_0", {"--workers", "0"}, {"--workers"}),
        wrong_run("soft_label_without_raters", {"--soft-label", "tumor"}, {"--raters", "--soft-label"}),
        wrong_run("raters_without_soft_label", {"--raters", "@raters.csv"}, {"--raters", "--soft-label"}),
        wrong_all("no_output", {}, {"-o BUNDLE"}),
        wrong_all("member_beyond", {"--member", "3"}, {"--member 3", "3 members"}),
        wrong_all("member_and_localizer", {"--member", "0", "--localizer-only"}, {"--localizer-only", "--member"}),
        wrong_all("volume_reversed", {"-o", "@b", "--localizer-volume-ml", "9,2"},
                  {"--localizer-volume-ml 9,2", "smaller"}),
        wrong_all("tumor_is_background", {"-o", "@b", "--tumor-label", "background"}, {"--tumor-label background"}),
        wrong_all("output_is_a_file", {"-o", "@raters.csv"}, {"raters.csv", "exists already"}),
        wrong_all("output_is_no_bundle", {"-o", "@data", "--overwrite"}, {"data", "no bundle"})),
    [](const auto& row) { return row.param.what; });

TEST_F(TrainJob, WhatCannotBeIsNamed) {
  const Outcome no_plans = run_twintrack(run());
  EXPECT_EQ(no_plans.status, bad_input);
  EXPECT_THAT(no_plans.err, AllOf(HasSubstr("plans.json"), HasSubstr("train plan")));
  make_plans();
  const auto refused = [&](const Arguments& job, int status, const std::vector<std::string>& words) {
    const Outcome outcome = run_twintrack(job);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    for (const std::string& word : words) EXPECT_THAT(outcome.err, HasSubstr(word));
    EXPECT_THAT(files_below(model()), IsEmpty());
  };
  refused(run({"--device", "cuda:99"}), wrong_usage, {"cuda:99"});
  refused(run({"--precision", "mixed"}), wrong_usage, {"mixed"});
  refused(run({"--fold", "7"}), bad_input, {"fold 7", "splits_final.json"});
  refused(run({"--configuration", "2d"}), bad_input, {"plans.json", "2d", "3d_fullres"});
  edit_json(work() / "plans.json", [](Json& plans) {
    plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]["dropout_op"] = "torch.nn.Dropout3d";
  });
  refused(run(), bad_input, {"plans.json", "dropout_op"});

  const Arguments all{"train", "all", "-d", dataset(), "--work", folder_ / "other", "-o", bundle()};
  put_file(folder_ / "raters.csv", "case,image,raters\na,a.nii.gz,b.nii.gz\n");
  refused(all + Arguments{"--raters", folder_ / "raters.csv"}, bad_input, {"raters.csv", "case 'a'", "b.nii.gz"});
  refused(all + Arguments{"--raters", folder_ / "none.csv"}, bad_input, {"none.csv"});
  refused(all + Arguments{"--tumor-label", "liver"}, bad_input, {"liver", "tumor"});
  refused(all + Arguments{"--organ-label", "background"}, bad_input, {"foreground"});
  EXPECT_FALSE(fs::exists(folder_ / "other"));
}

}  // namespace
}  // namespace twintrack::test

// Training a fold: that it learns, that it can be interrupted, that it is the same each time, and what it refuses.
#include "twintrack/training/trainer.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "training/tiny_training_set.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/nnunet/model.hpp"
#include "twintrack/planning/organ_dataset.hpp"
#include "twintrack/tensor/training_checkpoint.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using test::error_message;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const TrainingObserver nobody;

Json plans_for_training() {
  Json plans = test::tiny_plans();
  plans["configurations"]["3d_fullres"]["batch_size"] = 2;
  return plans;
}
Json& arguments_of(Json& plans) { return plans["configurations"]["3d_fullres"]["architecture"]["arch_kwargs"]; }

class TrainerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_torch_plugin()) GTEST_SKIP() << "built without libtorch";
    set_thread_count(1);  // these networks are too small for more
    make_dataset(4);
    source_.plans = plans_for_training();
    source_.plans_file = folder_ / "plans.json";
    source_.work_folder = folder_ / "work";
    settings_.epochs = 3;
    settings_.iterations = 3;
    settings_.validation_iterations = 1;
    settings_.workers = 1;
    settings_.seed = 11;
  }

  void TearDown() override { set_thread_count(threads_); }

  void make_dataset(int cases) {
    fs::remove_all(folder_ / "dataset");
    test::write_training_set(folder_ / "dataset", cases);
    source_.dataset = read_training_dataset(folder_ / "dataset", Validation::none);
  }
  void change_labels(const std::function<void(Json& document)>& change) {
    test::edit_json(folder_ / "dataset/dataset.json", change);
    source_.dataset = read_training_dataset(folder_ / "dataset", Validation::none);
  }

  fs::path model(const std::string& name = "model") const { return folder_ / name; }
  fs::path file(const std::string& name, const std::string& folder = "model") const {
    return model(folder) / fold_folder_name(settings_.fold) / name;
  }
  TrainingCheckpoint checkpoint(const std::string& folder = "model", const char* name = "checkpoint_final.pth") const {
    return read_training_checkpoint(file(name, folder));
  }
  TrainingOutcome run(const std::string& folder = "model", bool overwrite = false) const {
    return train(source_, settings_, model(folder), overwrite, nobody);
  }
  // Ends with Interrupted at an iteration (training and validation, from 1) of an epoch (from 0).
  void run_until(std::int64_t epoch, std::int64_t iteration, const std::string& folder = "model") const {
    TrainingObserver observer;
    observer.on_iteration = [=](const TrainingStatus& status) {
      if (status.epoch == epoch && status.iteration == iteration) throw Interrupted();
    };
    EXPECT_THROW(train(source_, settings_, model(folder), false, observer), Interrupted);
  }
  void expect_model(int channels, const std::string& folder = "model") const {
    const Model read = read_model_folder(model(folder), {{settings_.fold ? std::to_string(*settings_.fold) : "all"}},
                                         "checkpoint_final.pth");
    EXPECT_EQ(read.labels.channels(), channels);
    EXPECT_EQ(read.folds.size(), 1u);
  }

  int threads_ = thread_count();
  test::TemporaryFolder folder_;
  TrainingSource source_;
  TrainingSettings settings_;
};

std::set<std::string> names_below(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    names.insert(entry.path().lexically_relative(folder));
  return names;
}

void expect_equal(const TensorMap& a, const TensorMap& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    ASSERT_TRUE(b.contains(name)) << name;
    EXPECT_EQ(tensor.shape, b.at(name).shape) << name;
    EXPECT_TRUE(tensor.values == b.at(name).values) << name;  // to the bit
  }
}

void expect_equal(const std::vector<EpochReport>& a, const std::vector<EpochReport>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].epoch, b[i].epoch);
    EXPECT_EQ(a[i].learning_rate, b[i].learning_rate);
    EXPECT_EQ(a[i].training_loss, b[i].training_loss);
    EXPECT_EQ(a[i].validation_loss, b[i].validation_loss);
    EXPECT_EQ(a[i].dice, b[i].dice);
    EXPECT_EQ(a[i].smoothed_dice, b[i].smoothed_dice);
  }
}

void expect_equal(const TrainingCheckpoint& a, const TrainingCheckpoint& b) {
  expect_equal(a.parameters, b.parameters);
  expect_equal(a.momenta, b.momenta);
  EXPECT_EQ(a.order, b.order);
  EXPECT_EQ(a.epoch, b.epoch);
  EXPECT_EQ(a.best_ema, b.best_ema);
  EXPECT_EQ(a.twintrack["settings"], b.twintrack["settings"]);
}

TEST_F(TrainerTest, LearnsACaseByHeart) {
  make_dataset(1);
  Json& configuration = source_.plans["configurations"]["3d_fullres"];
  configuration["patch_size"] = {16, 16, 16};
  Json& network = arguments_of(source_.plans);
  network["features_per_stage"] = {8, 16};
  network["n_conv_per_stage"] = {2, 2};
  network["n_conv_per_stage_decoder"] = {2};
  settings_.fold.reset();
  settings_.augmentation = false;
  settings_.epochs = 6;
  settings_.iterations = 30;
  settings_.validation_iterations = 4;
  const TrainingOutcome outcome = run();
  ASSERT_EQ(outcome.epochs.size(), 6u);
  EXPECT_LT(outcome.epochs.back().training_loss, -0.8);  // -1: perfect Dice and no cross entropy
  EXPECT_GT(outcome.epochs.back().mean_dice, 0.9);
  EXPECT_GT(outcome.epochs.back().dice[1], 0.9);
  expect_model(3);
}

TEST_F(TrainerTest, WritesAModelFolderAndALog) {
  const TrainingOutcome outcome = run();
  EXPECT_FALSE(outcome.already_complete);
  EXPECT_EQ(test::get_json(model() / "plans.json"), source_.plans);
  EXPECT_EQ(test::get_json(model() / "dataset.json"), source_.dataset.document);
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(model() / "fold_0")) files.push_back(entry.path().filename());
  EXPECT_THAT(files, testing::UnorderedElementsAre("checkpoint_best.pth", "checkpoint_final.pth", "training.json",
                                                   "progress.svg"));
  const Json log = test::get_json(file("training.json"));
  EXPECT_EQ(log["format"], "twintrack-training/1");
  EXPECT_EQ(log["cases"], (Json{{"training", 3}, {"validation", 1}}));
  EXPECT_EQ(log["settings"]["seed"], 11);
  EXPECT_EQ(log["epochs"].size(), 3u);
  const TrainingCheckpoint final = checkpoint();
  EXPECT_EQ(final.epoch, 3);
  EXPECT_EQ(final.init_args["fold"], 0);
  EXPECT_EQ(final.init_args["configuration"], "3d_fullres");
  EXPECT_EQ(final.init_args["plans"], source_.plans);
  EXPECT_EQ(final.logging["train_losses"].size(), 3u);
  EXPECT_EQ(final.logging["train_losses"][2], outcome.epochs[2].training_loss);
  EXPECT_THAT(*final.mirroring_axes, ElementsAre(0, 1, 2));
  EXPECT_EQ(final.momenta.size(), final.parameters.size());
  expect_model(3);
}

TEST_F(TrainerTest, TheLearningRateFallsAsNnunetsDoes) {
  const TrainingOutcome outcome = run();
  for (int epoch = 0; epoch < 3; ++epoch) {
    EXPECT_DOUBLE_EQ(outcome.epochs[epoch].learning_rate, 0.01 * std::pow(1 - epoch / 3.0, 0.9));
  }
}

TEST_F(TrainerTest, TheBestCheckpointIsTheFirstWithTheLargestMovingAverage) {
  settings_.epochs = 6;
  const TrainingOutcome outcome = run();
  const auto best = std::ranges::max_element(outcome.epochs, {}, &EpochReport::smoothed_dice);
  EXPECT_EQ(checkpoint("model", "checkpoint_best.pth").epoch, best->epoch + 1);
  EXPECT_EQ(checkpoint().best_ema, best->smoothed_dice);
  double smoothed = outcome.epochs[0].mean_dice;
  for (const EpochReport& epoch : outcome.epochs) {
    smoothed = 0.9 * smoothed + 0.1 * epoch.mean_dice;
    EXPECT_NEAR(epoch.smoothed_dice, smoothed, 1e-12);
  }
}

TEST_F(TrainerTest, InterruptedAndContinuedEqualsUninterrupted) {
  const TrainingOutcome whole = run("whole");
  // In the first epoch (nothing is saved yet), in the middle of the second one, in its validation, in the last one.
  const std::vector<std::vector<std::pair<int, int>>> endings{{{1, 2}}, {{0, 2}, {1, 4}}, {{0, 1}, {1, 1}, {2, 3}}};
  for (std::size_t i = 0; i < endings.size(); ++i) {
    const std::string name = "pieces_" + std::to_string(i);
    for (const auto& [epoch, iteration] : endings[i]) run_until(epoch, iteration, name);
    const TrainingOutcome pieces = run(name);
    EXPECT_FALSE(pieces.already_complete);
    expect_equal(pieces.epochs, whole.epochs);
    expect_equal(checkpoint(name), checkpoint("whole"));
    expect_equal(checkpoint(name, "checkpoint_best.pth"), checkpoint("whole", "checkpoint_best.pth"));
    EXPECT_EQ(names_below(model(name)), names_below(model("whole")));
  }
}

TEST_F(TrainerTest, CheckpointsEveryFewEpochsContinueTheSameTraining) {
  settings_.epochs = 5;
  const TrainingOutcome whole = run("whole");
  settings_.save_every = 2;
  run_until(3, 1);
  EXPECT_EQ(checkpoint("model", "checkpoint_latest.pth").epoch, 2);
  std::vector<std::string> notes;
  TrainingObserver observer;
  observer.on_note = [&](const std::string& line) { notes.push_back(line); };
  const TrainingOutcome pieces = train(source_, settings_, model(), false, observer);
  EXPECT_THAT(notes, Contains(HasSubstr("continues after epoch 2 of 5")));
  expect_equal(pieces.epochs, whole.epochs);
  expect_equal(checkpoint(), checkpoint("whole"));
}

TEST_F(TrainerTest, KilledBeforeTheFinalNameItOnlyTakesTheName) {
  run();
  const TrainingCheckpoint expected = checkpoint();
  fs::rename(file("checkpoint_final.pth"), file("checkpoint_latest.pth"));
  TrainingObserver observer;
  observer.on_iteration = [](const TrainingStatus&) { FAIL() << "trained again"; };
  EXPECT_EQ(train(source_, settings_, model(), false, observer).epochs.size(), 3u);
  expect_equal(checkpoint(), expected);
  EXPECT_FALSE(fs::exists(file("checkpoint_latest.pth")));
}

TEST_F(TrainerTest, ACompleteTrainingIsKept) {
  const TrainingOutcome first = run();
  const std::string bytes = test::get_file(file("checkpoint_final.pth"));
  fs::remove_all(folder_ / "work");  // nothing but the checkpoint is needed
  const TrainingOutcome second = run();
  EXPECT_TRUE(second.already_complete);
  expect_equal(second.epochs, first.epochs);
  EXPECT_EQ(test::get_file(file("checkpoint_final.pth")), bytes);
}

TEST_F(TrainerTest, OverwritingTrainsAnew) {
  run();
  settings_.seed = 12;
  run("other");
  EXPECT_FALSE(run("model", true).already_complete);
  expect_equal(checkpoint(), checkpoint("other"));
  run_until(2, 1, "third");
  run("third", true);
  expect_equal(checkpoint("third"), checkpoint("other"));
}

TEST_F(TrainerTest, SameSeedSameResultWhateverTheWorkers) {
  const TrainingOutcome one = run("one");
  settings_.workers = 3;
  const TrainingOutcome two = run("two");
  expect_equal(one.epochs, two.epochs);
  expect_equal(checkpoint("one"), checkpoint("two"));
  settings_.seed = 12;
  const TrainingOutcome other = run("other");
  EXPECT_NE(other.epochs[0].training_loss, one.epochs[0].training_loss);
  EXPECT_NE(checkpoint("other").parameters.begin()->second.values, checkpoint("one").parameters.begin()->second.values);
}

TEST_F(TrainerTest, OtherSettingsAreNotMixedIntoATraining) {
  run_until(1, 1, "begun");
  run("complete");
  const TrainingSource source = source_;
  const TrainingSettings settings = settings_;
  const std::vector<std::pair<std::string, std::function<void()>>> changes{
      {"epochs", [&] { settings_.epochs = 4; }},
      {"iterations", [&] { settings_.iterations = 4; }},
      {"validation_iterations", [&] { settings_.validation_iterations = 2; }},
      {"learning_rate", [&] { settings_.learning_rate = 0.02; }},
      {"momentum", [&] { settings_.network.momentum = 0.9; }},
      {"weight_decay", [&] { settings_.network.weight_decay = 0; }},
      {"gradient_clip", [&] { settings_.network.gradient_clip = 1; }},
      {"foreground_share", [&] { settings_.foreground_share = 0.5; }},
      {"augmentation", [&] { settings_.augmentation = false; }},
      {"mirroring", [&] { settings_.mirroring = false; }},
      {"seed", [&] { settings_.seed = std::uint64_t{1} << 63; }},
      {"loss", [&] { settings_.network.loss = TrainingLoss::cross_entropy; }},
      {"deep_supervision", [&] { settings_.network.deep_supervision = false; }},
      {"precision", [&] { settings_.network.precision = TrainingPrecision::bf16; }},
      {"plans", [&] { source_.plans["configurations"]["3d_fullres"]["batch_size"] = 3; }},
      {"dataset", [&] { source_.dataset.document["description"] = "other"; }},
      {"cases", [&] { source_.dataset.cases.pop_back(); }},
      {"rater_labels", [&] { source_.rater_labels = {2}; }},
  };
  for (const auto& [key, change] : changes) {
    for (const char* folder : {"begun", "complete"}) {
      source_ = source;
      settings_ = settings;
      change();
      EXPECT_THAT(error_message<UsageError>([&] { run(folder); }),
                  AllOf(HasSubstr("(" + key + ")"), HasSubstr("checkpoint_"), HasSubstr("--overwrite")));
    }
  }
  source_ = source;
  settings_ = settings;
  settings_.seed = 1;
  settings_.epochs = 4;
  EXPECT_THAT(error_message<UsageError>([&] { run("begun"); }), HasSubstr("(epochs, seed)"));
  settings_ = settings;
  EXPECT_TRUE(run("complete").already_complete);
  EXPECT_FALSE(run("begun").already_complete);
}

TEST_F(TrainerTest, ALargeSeedIsTheSameAfterAnInterruption) {
  settings_.seed = ~std::uint64_t{0};
  run_until(1, 1);
  EXPECT_EQ(run().epochs.size(), 3u);
}

TEST_F(TrainerTest, DamagedCheckpointsAreRefused) {
  run_until(1, 1);
  const fs::path latest = file("checkpoint_latest.pth");
  const std::string bytes = test::get_file(latest);
  const TrainingCheckpoint good = read_training_checkpoint(latest);
  const auto refused = [&](const auto& change) {
    TrainingCheckpoint bad = good;
    change(bad);
    write_training_checkpoint(latest, bad);
    const std::string message = error_message([&] { run(); });
    EXPECT_THAT(message, HasSubstr("checkpoint_latest.pth"));
    return message;
  };
  EXPECT_THAT(refused([](TrainingCheckpoint& c) { c.twintrack["epochs"] = Json::array(); }), HasSubstr("0 epochs"));
  EXPECT_THAT(refused([](TrainingCheckpoint& c) { c.epoch = 2; }), HasSubstr("current_epoch says 2"));
  EXPECT_THAT(refused([](TrainingCheckpoint& c) { c.twintrack["epochs"][0]["epoch"] = 1; }), HasSubstr("from 0"));
  EXPECT_THAT(refused([](TrainingCheckpoint& c) { c.twintrack["epochs"][0].erase("dice"); }), HasSubstr("dice"));
  const auto add_epochs = [](TrainingCheckpoint& c) {
    while (c.twintrack["epochs"].size() < 4) {
      c.twintrack["epochs"].push_back(c.twintrack["epochs"][0]);
      c.twintrack["epochs"].back()["epoch"] = c.twintrack["epochs"].size() - 1;
    }
    c.epoch = 4;
  };
  EXPECT_THAT(refused(add_epochs), HasSubstr("4 epochs"));
  const auto reshape = [](TrainingCheckpoint& c) {
    const std::string& name = c.order.front();
    for (TensorMap* tensors : {&c.parameters, &c.momenta}) {
      tensors->at(name) = {{2, 1, 3, 3, 3}, std::vector<float>(54)};
    }
  };
  EXPECT_THAT(refused(reshape), AllOf(HasSubstr("encoder.stages.0"), HasSubstr("(2, 1, 3, 3, 3)"), HasSubstr("(4, ")));
  const auto lose = [](TrainingCheckpoint& c) {
    c.parameters.erase(c.order.back());
    c.momenta.erase(c.order.back());
    c.order.pop_back();
  };
  EXPECT_THAT(refused(lose), HasSubstr("decoder.seg_layers"));

  test::put_file(latest, bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(error_message([&] { run(); }), HasSubstr("checkpoint_latest.pth"));
  test::put_file(latest, bytes);
  EXPECT_EQ(run().epochs.size(), 3u);

  // A final one of the first epoch.
  write_training_checkpoint(file("checkpoint_final.pth"), good);
  EXPECT_THAT(error_message([&] { run(); }), AllOf(HasSubstr("checkpoint_final.pth"), HasSubstr("epoch 1 of 3")));
}

TEST_F(TrainerTest, NnunetsOwnCheckpointsAreNotContinued) {
  run_until(1, 1);
  TrainingCheckpoint theirs = checkpoint("model", "checkpoint_latest.pth");
  theirs.twintrack = nullptr;
  write_training_checkpoint(file("checkpoint_latest.pth"), theirs);
  EXPECT_THAT(error_message<UsageError>([&] { run(); }),
              AllOf(HasSubstr("not written by TwinTrack"), HasSubstr("--overwrite")));
  EXPECT_EQ(run("model", true).epochs.size(), 3u);
}

TEST_F(TrainerTest, FoldsOfOtherPlansAreNotMixedIntoAModelFolder) {
  run();
  settings_.fold = 1;
  run();  // the same plans: beside each other
  EXPECT_TRUE(fs::exists(model() / "fold_1/checkpoint_final.pth"));
  source_.plans["configurations"]["3d_fullres"]["batch_size"] = 3;
  for (const bool overwrite : {false, true}) {
    settings_.fold = overwrite ? 0 : 2;
    EXPECT_THAT(error_message<UsageError>([&] { run("model", overwrite); }),
                AllOf(HasSubstr("plans.json"), HasSubstr("other plans")));
  }
  EXPECT_FALSE(fs::exists(model() / "fold_2"));
  EXPECT_EQ(test::get_json(model() / "plans.json"), plans_for_training());
}

TEST_F(TrainerTest, TheObserverIsToldInOrder) {
  std::string story;
  TrainingObserver observer;
  observer.on_note = [&](const std::string&) { story += story.ends_with('n') ? "" : "n"; };
  observer.on_case = [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 4);
    story += std::to_string(done);
  };
  observer.on_iteration = [&](const TrainingStatus& status) {
    story += status.iteration <= 3 ? "t" : "v";
    EXPECT_EQ(status.epochs, 3);
    EXPECT_EQ(status.iterations, 4);
    EXPECT_EQ(status.first_epoch, 0);
    EXPECT_TRUE(std::isfinite(status.loss));
    EXPECT_GT(status.patches_per_second, 0);
    const double shares = status.loading_share + status.forward_share + status.backward_share;
    EXPECT_TRUE(shares > 0 && shares <= 1 + 1e-9) << shares;
  };
  observer.on_epoch = [&](const EpochReport& report) {
    EXPECT_GE(report.seconds, report.validation_seconds);
    EXPECT_TRUE(fs::exists(file("checkpoint_latest.pth")));
    story += "e";
  };
  train(source_, settings_, model(), false, observer);
  EXPECT_EQ(story, "n01234tttvetttvetttve");
}

TEST_F(TrainerTest, WhatTheBadOptionIsIsKnownBeforeTheCasesAreRead) {
  const auto refused = [&](const std::string& word) {
    EXPECT_THAT(error_message<UsageError>([&] { run(); }), HasSubstr(word));
    EXPECT_FALSE(fs::exists(folder_ / "work"));
  };
  settings_.network.device = "quantum";
  refused("quantum");
  settings_.network.device = "cpu";
  settings_.network.precision = TrainingPrecision::mixed;
  refused("mixed");
  settings_.network.precision = TrainingPrecision::fp32;
  settings_.soft_label = "background";
  refused("background");
  settings_.soft_label.clear();
  const std::vector<std::pair<std::string, std::function<void(TrainingSettings&)>>> wrong{
      {"epochs", [](TrainingSettings& s) { s.epochs = 0; }},
      {"iterations", [](TrainingSettings& s) { s.iterations = 0; }},
      {"validation iterations", [](TrainingSettings& s) { s.validation_iterations = -1; }},
      {"workers", [](TrainingSettings& s) { s.workers = 0; }},
      {"checkpoints", [](TrainingSettings& s) { s.save_every = 0; }},
      {"learning rate", [](TrainingSettings& s) { s.learning_rate = std::nan(""); }},
      {"foreground share", [](TrainingSettings& s) { s.foreground_share = 1.5; }},
      {"momentum", [](TrainingSettings& s) { s.network.momentum = 1; }},
      {"weight decay", [](TrainingSettings& s) { s.network.weight_decay = -1; }},
      {"gradient clip", [](TrainingSettings& s) { s.network.gradient_clip = 0; }},
  };
  for (const auto& [word, change] : wrong) {
    const TrainingSettings good = settings_;
    change(settings_);
    refused(word);
    settings_ = good;
  }
  EXPECT_FALSE(fs::exists(file("training.json")));
}

TEST_F(TrainerTest, PlansThatCannotBeTrainedAreRefused) {
  const auto refused = [&](const std::function<void(Json&)>& change) {
    source_.plans = plans_for_training();
    change(source_.plans);
    const std::string message = error_message([&] { run(); });
    EXPECT_THAT(message, HasSubstr("plans.json"));
    EXPECT_FALSE(fs::exists(model()));
    return message;
  };
  const auto dropout = [](Json& plans) { arguments_of(plans)["dropout_op"] = "torch.nn.modules.dropout.Dropout3d"; };
  EXPECT_THAT(refused(dropout), AllOf(HasSubstr("dropout_op"), HasSubstr("null")));
  const auto inherited = [&](Json& plans) {
    dropout(plans);
    plans["configurations"]["parent"] = plans["configurations"]["3d_fullres"];
    plans["configurations"]["3d_fullres"] = {{"inherits_from", "parent"}, {"batch_size", 2}};
  };
  EXPECT_THAT(refused(inherited), HasSubstr("dropout_op"));
  EXPECT_THAT(refused([](Json& plans) {
                plans["configurations"]["3d_fullres"]["patch_size"] = {8, 15, 16};
              }),
              HasSubstr("15"));
  EXPECT_THAT(refused([](Json& plans) {
                plans["configurations"]["other"] = 1;
                plans["configurations"].erase("3d_fullres");
              }),
              HasSubstr("3d_fullres"));
  source_.plans = plans_for_training();
  arguments_of(source_.plans)["dropout_op"] = nullptr;
  arguments_of(source_.plans)["dropout_op_kwargs"] = nullptr;
  EXPECT_EQ(run().epochs.size(), 3u);
}

TEST_F(TrainerTest, BadCasesAreNamedBeforeTheFirstEpoch) {
  const auto image = [&](int index) {
    return folder_ / ("dataset/imagesTr/" + test::training_case_name(index) + "_0000.nii.gz");
  };
  const std::string bytes = test::get_file(image(2));
  test::put_file(image(2), bytes.substr(0, bytes.size() / 2));
  TrainingObserver observer;
  observer.on_iteration = [](const TrainingStatus&) { FAIL() << "trained"; };
  EXPECT_THAT(error_message([&] { train(source_, settings_, model(), false, observer); }),
              AllOf(HasSubstr("case 'case_2'"), HasSubstr("case_2_0000.nii.gz")));
  test::put_file(image(2), bytes);
  // The others were preprocessed meanwhile.
  EXPECT_EQ(run().epochs.size(), 3u);
}

TEST_F(TrainerTest, RegionsAreTrained) {
  change_labels([](Json& document) {
    document["labels"] = {{"background", 0}, {"organ", {1, 2}}, {"tumor", 2}};
    document["regions_class_order"] = {1, 2};
  });
  const TrainingOutcome outcome = run();
  EXPECT_EQ(outcome.epochs.back().dice.size(), 2u);
  expect_model(2);
}

TEST_F(TrainerTest, AnOrganAgainstTheRestIsTrained) {
  source_.dataset = organ_dataset(source_.dataset, "pancreas", {"pancreas", "tumor"});
  EXPECT_EQ(run().epochs.back().dice.size(), 1u);
  expect_model(1);
}

TEST_F(TrainerTest, VoxelsToIgnoreDoNotCount) {
  change_labels([](Json& document) { document["labels"] = {{"background", 0}, {"pancreas", 1}, {"ignore", 2}}; });
  const TrainingOutcome outcome = run();
  EXPECT_EQ(outcome.epochs.back().dice.size(), 1u);
  expect_model(2);
}

TEST_F(TrainerTest, RatersMeansAreTrained) {
  settings_.soft_label = "tumor";
  for (int i = 0; i < 4; ++i) {
    source_.raters[test::training_case_name(i)] = test::write_raters(folder_ / "raters", i, 3);
  }
  const TrainingOutcome soft = run("soft");
  expect_model(3, "soft");
  settings_.soft_label.clear();  // raters alone change nothing
  const TrainingOutcome hard = run("hard");
  EXPECT_NE(soft.epochs[0].training_loss, hard.epochs[0].training_loss);
  source_.raters.clear();
  expect_equal(run("without").epochs, hard.epochs);

  settings_.soft_label = "tumor";
  EXPECT_THAT(error_message([&] { run("none"); }), AllOf(HasSubstr("case_"), HasSubstr("raters")));
  settings_.soft_label = "liver";
  EXPECT_THAT(error_message([&] { run("none"); }), AllOf(HasSubstr("liver"), HasSubstr("tumor")));
}

TEST_F(TrainerTest, RatersMeansAndRegionsExclude) {
  change_labels([](Json& document) {
    document["labels"] = {{"background", 0}, {"organ", {1, 2}}, {"tumor", 2}};
    document["regions_class_order"] = {1, 2};
  });
  settings_.soft_label = "tumor";
  EXPECT_THAT(error_message<UsageError>([&] { run(); }), HasSubstr("regions"));
}

TEST_F(TrainerTest, WithoutMirroringTheModelSaysSo) {
  settings_.mirroring = false;
  run();
  EXPECT_FALSE(checkpoint().mirroring_axes.has_value());
  EXPECT_THAT(read_model_folder(model(), {{"0"}}, "checkpoint_final.pth").mirroring_axes, IsEmpty());
}

TEST_F(TrainerTest, OtherLossesAndPrecisionsTrain) {
  const auto last = [&](const std::string& name) {
    const TrainingOutcome outcome = run(name);
    EXPECT_LT(outcome.epochs.back().training_loss, outcome.epochs.front().training_loss) << name;
    expect_model(3, name);
    return outcome.epochs.back().training_loss;
  };
  settings_.iterations = 8;
  const double plain = last("plain");
  settings_.network.precision = TrainingPrecision::bf16;
  const double bf16 = last("bf16");
  EXPECT_NE(bf16, plain);
  EXPECT_NEAR(bf16, plain, 0.1);
  EXPECT_THAT(test::get_json(file("training.json", "bf16"))["engine"].get<std::string>(), HasSubstr("BFloat16"));
  settings_.network.precision = TrainingPrecision::fp32;
  settings_.network.deep_supervision = false;
  last("one_head");
  settings_.network.loss = TrainingLoss::cross_entropy;
  EXPECT_GT(last("ce"), 0);
}

TEST_F(TrainerTest, ResidualEncodersTrain) {
  Json& architecture = source_.plans["configurations"]["3d_fullres"]["architecture"];
  architecture["network_class_name"] = "dynamic_network_architectures.architectures.unet.ResidualEncoderUNet";
  architecture["arch_kwargs"]["n_blocks_per_stage"] = {1, 2};
  run_until(1, 2, "pieces");
  run("pieces");
  run("whole");
  expect_equal(checkpoint("pieces"), checkpoint("whole"));
  expect_model(3, "whole");
}

TEST_F(TrainerTest, BothEnginesPredictAlikeWithWhatWasTrained) {
  settings_.iterations = 8;
  run();
  const Model read = read_model_folder(model(), {{"0"}}, "checkpoint_final.pth");
  const Shape3& patch = read.plans.patch_size;
  std::mt19937 random(4);
  std::vector<float> input(voxel_count(patch));
  for (float& value : input) value = static_cast<float>(random() % 4001) / 1000 - 2;
  const auto logits_of = [&](Engine& engine) {
    std::vector<float> logits(3 * voxel_count(patch));
    engine.run(engine.load(read.folds.front()), input, logits);
    return logits;
  };
  const auto onednn = make_onednn_engine(read.network, patch, Precision::fp32);
  const auto torch = torch_plugin().make_engine(read.network, patch, Precision::fp32, "cpu");
  const std::vector<float> a = logits_of(*onednn);
  const std::vector<float> b = logits_of(*torch);
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(a[i] - b[i], 2);
    norm += std::pow(b[i], 2);
  }
  EXPECT_GT(norm, 0);
  EXPECT_LT(std::sqrt(difference / norm), 1e-4);
}

}  // namespace
}  // namespace twintrack

// The cache of preprocessed cases: what is in it, when it is made anew, and what a broken disk leaves.
#include "twintrack/training/case_cache.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <set>

#include "support/error_message.hpp"
#include "support/small_disk.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/nnunet/preprocessing.hpp"
#include "twintrack/training/segmentation_resampling.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using test::error_message;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Geometry small_geometry() {
  Geometry geometry;
  geometry.size = {12, 10, 8};
  geometry.spacing_mm = {1, 1, 2};
  return geometry;
}

// A dataset of two cases with labels 1 (a slab) and 2 (a bar in it), their plans, and an empty cache folder.
class CaseCacheTest : public testing::Test {
 protected:
  CaseCacheTest() {
    request_.folder = folder_ / "cache";
    request_.dataset.folder = folder_.path();
    request_.dataset.dataset.labels.names = {"background", "organ", "tumour"};
    request_.dataset.dataset.labels.members = {{0}, {1}, {2}};
    request_.plans.spacing_mm = {2, 2, 1};
    request_.plans.transpose_forward = {0, 1, 2};
    request_.plans.channels = {{Normalization::ct, false, {30, 20, -50, 120}}};
    for (const std::string name : {"a", "b"}) {
      request_.dataset.cases.push_back({name, folder_ / (name + "_0000.nii.gz"), folder_ / (name + ".nii.gz")});
      write_image(name, name == "a" ? 0 : 5);
      write_labels(name, 2);
    }
  }

  void write_image(const std::string& name, int shift) const {
    Volume<float> image{small_geometry(), {}};
    for (std::int64_t i = 0; i < image.geometry.voxel_count(); ++i)
      image.voxels.push_back(static_cast<float>((i * 7 + shift) % 101 + 1));
    write_volume(folder_ / (name + "_0000.nii.gz"), image);
  }

  void write_labels(const std::string& name, std::uint16_t in_the_bar) const {
    Volume<std::uint16_t> labels{small_geometry(), {}};
    for (std::int64_t i = 0; i < labels.geometry.voxel_count(); ++i) {
      const std::int64_t x = i % 12;
      const std::int64_t y = i / 12 % 10;
      const bool slab = i / 120 >= 2 && i / 120 < 5;
      labels.voxels.push_back(slab && x >= 4 && x < 8 && y >= 4 && y < 6 ? in_the_bar : slab ? 1 : 0);
    }
    write_volume(folder_ / (name + ".nii.gz"), labels);
  }

  void write_rater(const std::string& file, std::int64_t first, std::int64_t count) const {
    Volume<std::uint8_t> mask{small_geometry(), std::vector<std::uint8_t>(small_geometry().voxel_count())};
    std::fill_n(mask.voxels.begin() + first, count, std::uint8_t{1});
    write_volume(folder_ / file, mask);
  }

  CaseCache open() const { return open_case_cache(request_, {"a", "b"}); }
  fs::path file_of(const std::string& name) const { return request_.folder / (name + ".twtrcase"); }
  std::string bytes_of(const std::string& name) const { return read_file(file_of(name), 1 << 24); }

  // Opens once, sets file times back, and tells after the second opening which files are new.
  template <typename Change>
  std::set<std::string> made_anew_after(const Change& change) {
    open();
    const auto past = fs::file_time_type::clock::now() - std::chrono::hours(1);
    for (const std::string name : {"a", "b"}) fs::last_write_time(file_of(name), past);
    change();
    warnings_ = open().warnings();
    std::set<std::string> made;
    for (const std::string name : {"a", "b"}) {
      if (fs::last_write_time(file_of(name)) > past + std::chrono::minutes(1)) made.insert(name);
    }
    return made;
  }

  TemporaryFolder folder_;
  CacheRequest request_;
  std::vector<std::string> warnings_;
};

TEST_F(CaseCacheTest, HoldsWhatPreprocessingMakes) {
  const CaseCache cache = open();
  ASSERT_EQ(cache.cases().size(), 2u);
  for (const CachedCase& item : cache.cases()) {
    const auto image = read_volume(folder_ / (item.name + "_0000.nii.gz"));
    const auto expected = preprocess(image, {{0, 0, 0}, image.geometry.shape()}, request_.plans);
    const auto labels =
        preprocess_labels(twintrack::read_labels(folder_ / (item.name + ".nii.gz")), expected, request_.plans);
    EXPECT_EQ(item.shape, (Shape3{8, 5, 12}));
    EXPECT_EQ(item.channels, 1);
    EXPECT_TRUE(std::ranges::equal(item.image, expected.values));
    EXPECT_TRUE(std::ranges::equal(item.labels, labels));
    EXPECT_TRUE(item.soft.empty());
    EXPECT_TRUE(item.annotated.empty());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(item.image.data()) % 64, 0u);
  }
  EXPECT_EQ(cache.cases()[0].name, "a");
  EXPECT_EQ(cache.cases()[1].name, "b");
  EXPECT_THAT(cache.warnings(), IsEmpty());
}

TEST_F(CaseCacheTest, ForegroundPositionsAreAllVoxelsOfASmallClass) {
  const CaseCache cache = open();
  const CachedCase& item = cache.cases()[0];
  ASSERT_EQ(item.foreground.size(), 2u);
  for (std::int16_t label = 1; label <= 2; ++label) {
    std::vector<std::int64_t> expected;
    for (std::int64_t i = 0; i < std::ssize(item.labels); ++i) {
      if (item.labels[i] == label) expected.push_back(i);
    }
    EXPECT_FALSE(expected.empty());
    EXPECT_TRUE(std::ranges::equal(item.foreground[label - 1], expected));
  }
}

TEST_F(CaseCacheTest, ARegionHasThePositionsOfAllItsMembers) {
  LabelScheme& labels = request_.dataset.dataset.labels;
  labels.regions = true;
  labels.names = {"whole", "tumour"};
  labels.members = {{1, 2}, {2}};
  const CaseCache cache = open();
  const CachedCase& item = cache.cases()[0];
  ASSERT_EQ(item.foreground.size(), 2u);
  const auto marked = std::count_if(item.labels.begin(), item.labels.end(), [](auto label) { return label > 0; });
  EXPECT_EQ(std::ssize(item.foreground[0]), marked);
  EXPECT_EQ(std::ssize(item.foreground[1]), std::count(item.labels.begin(), item.labels.end(), 2));
}

TEST_F(CaseCacheTest, WithAnIgnoreLabelAnnotatedVoxelsAreThoseWithoutIt) {
  LabelScheme& labels = request_.dataset.dataset.labels;
  labels.names.pop_back();
  labels.members.pop_back();
  labels.ignore = 2;
  const CaseCache cache = open();
  const CachedCase& item = cache.cases()[0];
  EXPECT_EQ(item.foreground.size(), 1u);
  EXPECT_EQ(std::ssize(item.annotated),
            std::ssize(item.labels) - std::count(item.labels.begin(), item.labels.end(), 2));
}

TEST_F(CaseCacheTest, CompleteCasesAreKeptAndMissingOnesAdded) {
  EXPECT_THAT(made_anew_after([] {}), IsEmpty());
  EXPECT_THAT(made_anew_after([&] { fs::remove(file_of("b")); }), ElementsAre("b"));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(CaseCacheTest, OtherSourcesAreMadeAnewAndNoOthers) {
  EXPECT_THAT(made_anew_after([&] { write_labels("b", 1); }), ElementsAre("b"));
  EXPECT_THAT(made_anew_after([&] { write_image("a", 3); }), ElementsAre("a"));
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(CaseCacheTest, OtherRulesMakeAllAnew) {
  const auto both = ElementsAre("a", "b");
  EXPECT_THAT(made_anew_after([&] { request_.plans.spacing_mm = {2, 1, 1}; }), both);
  EXPECT_THAT(made_anew_after([&] { request_.plans.channels[0].intensities.mean = 31; }), both);
  EXPECT_THAT(made_anew_after([&] { request_.plans.data_resampling.force_separate_z = false; }), both);
  EXPECT_THAT(made_anew_after([&] { request_.plans.transpose_forward = {1, 0, 2}; }), both);
  EXPECT_THAT(made_anew_after([&] { request_.dataset.dataset.labels.regions = true; }), both);
  const TrainingBox box = [](const TrainingCase&, const auto&) { return Box3{{0, 0, 0}, {8, 10, 6}}; };
  EXPECT_THAT(made_anew_after([&] {
                request_.box = box;
                request_.box_rule = "half";
              }),
              both);
  EXPECT_THAT(made_anew_after([&] { request_.box_rule = "the same half by another name"; }), both);
  EXPECT_THAT(made_anew_after([&] { request_.plans.patch_size = {9, 9, 9}; }), IsEmpty());
}

TEST_F(CaseCacheTest, ADamagedFileIsMadeAnewWithAWarning) {
  open();
  const std::string sound = bytes_of("a");
  std::vector<std::string> broken{sound.substr(0, sound.size() / 2),
                                  sound.substr(0, sound.size() - 1),
                                  sound + "more",
                                  "",
                                  "TWTR",
                                  sound.substr(0, 20)};
  for (const double place : {0.0, 0.2, 0.5, 0.8, 0.999}) {
    std::string flipped = sound;
    flipped[static_cast<std::size_t>(place * static_cast<double>(sound.size()))] ^= 4;
    broken.push_back(flipped);
  }
  for (const std::string& bytes : broken) {
    EXPECT_THAT(made_anew_after([&] { std::ofstream(file_of("a"), std::ios::binary) << bytes; }), ElementsAre("a"));
    EXPECT_THAT(warnings_, ElementsAre(testing::AllOf(HasSubstr("a.twtrcase"), HasSubstr("it is made anew"))));
    EXPECT_EQ(bytes_of("a"), sound);
  }
}

TEST_F(CaseCacheTest, AFullDiskLeavesNoFile) {
  for (const rlim_t bytes : {rlim_t{0}, rlim_t{10}, rlim_t{1000}, rlim_t{4000}}) {
    const test::SmallDisk disk(bytes);
    EXPECT_THAT(error_message<ResourceError>([&] { open(); }), HasSubstr("a.twtrcase"));
    EXPECT_TRUE(fs::is_empty(request_.folder)) << bytes;
  }
}

TEST_F(CaseCacheTest, ACaseThatFailsIsNamedAndTheOnesBeforeStay) {
  fs::remove(folder_ / "b.nii.gz");
  EXPECT_THAT(error_message([&] { open(); }), testing::AllOf(HasSubstr("case 'b': "), HasSubstr("b.nii.gz")));
  EXPECT_TRUE(fs::exists(file_of("a")));
  EXPECT_FALSE(fs::exists(file_of("b")));
}

TEST_F(CaseCacheTest, TheBoxIsAllThatIsPreprocessed) {
  request_.box = [](const TrainingCase&, const Volume<std::uint16_t>& labels) {
    EXPECT_EQ(labels.geometry.size, small_geometry().size);
    return Box3{{2, 4, 4}, {5, 6, 8}};
  };
  request_.box_rule = "the bar";
  const CaseCache cache = open();
  for (const CachedCase& item : cache.cases()) {
    EXPECT_EQ(item.shape, (Shape3{3, 1, 4}));
    EXPECT_THAT(item.labels, testing::Each(2));
    const auto image = read_volume(folder_ / (item.name + "_0000.nii.gz"));
    EXPECT_TRUE(std::ranges::equal(item.image, preprocess(image, {{2, 4, 4}, {5, 6, 8}}, request_.plans).values));
  }
}

TEST_F(CaseCacheTest, SoftIsTheMeanOfTheRaters) {
  write_rater("r1.nii.gz", 0, 960);
  write_rater("r2.nii.gz", 0, 480);
  request_.raters["b"] = {folder_ / "r1.nii.gz", folder_ / "r2.nii.gz"};
  const CaseCache cache = open();
  EXPECT_TRUE(cache.cases()[0].soft.empty());
  const CachedCase& item = cache.cases()[1];
  ASSERT_EQ(std::ssize(item.soft), voxel_count(item.shape));
  EXPECT_EQ(item.soft.front(), 1.0F);
  EXPECT_EQ(item.soft.back(), 0.5F);
  EXPECT_THAT(made_anew_after([&] { write_rater("r2.nii.gz", 0, 600); }), ElementsAre("b"));
  EXPECT_THAT(made_anew_after([&] { request_.raters.clear(); }), ElementsAre("b"));
}

TEST_F(CaseCacheTest, FilesAreTheSameForEveryNumberOfThreads) {
  const int usual = thread_count();
  set_thread_count(1);
  open();
  const std::string one = bytes_of("b");
  fs::remove(file_of("b"));
  set_thread_count(3);
  open();
  set_thread_count(usual);
  EXPECT_EQ(bytes_of("b"), one);
}

TEST_F(CaseCacheTest, ProgressIsToldAfterEachCase) {
  std::vector<std::pair<std::int64_t, std::int64_t>> told;
  open_case_cache(request_, {"b", "a"}, [&](std::int64_t done, std::int64_t total) { told.emplace_back(done, total); });
  EXPECT_THAT(told, ElementsAre(testing::Pair(1, 2), testing::Pair(2, 2)));
}

TEST_F(CaseCacheTest, WhatCannotBeIsNamed) {
  EXPECT_THAT(error_message([&] { open_case_cache(request_, {"x"}); }), HasSubstr("there is no case 'x'"));
  write_labels("a", 7);
  EXPECT_THAT(error_message([&] { open(); }),
              testing::AllOf(HasSubstr("case 'a': "), HasSubstr("label 7 at x=4, y=4, z=2")));
  write_labels("a", 2);
  request_.box = [](const TrainingCase&, const auto&) { return Box3{{0, 0, 0}, {8, 10, 13}}; };
  EXPECT_THAT(error_message([&] { open(); }), HasSubstr("a rule that names it"));
  request_.box_rule = "too wide";
  EXPECT_THAT(error_message([&] { open(); }), HasSubstr("(too wide) is empty or reaches out of the volume"));
  request_.box = nullptr;
  request_.dataset.cases[0].name = "../a";
  EXPECT_THAT(error_message([&] { open_case_cache(request_, {"../a"}); }), HasSubstr("cannot be the name of a file"));
}

TEST_F(CaseCacheTest, ImageAndLabelsNeedOneGrid) {
  Volume<std::uint16_t> labels{small_geometry(), std::vector<std::uint16_t>(960)};
  labels.geometry.origin_mm = {0, 5, 0};
  write_volume(folder_ / "a.nii.gz", labels);
  EXPECT_THAT(error_message([&] { open(); }), HasSubstr("another grid"));
}

}  // namespace
}  // namespace twintrack

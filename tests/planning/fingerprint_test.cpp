// What a fingerprint says of images whose answers are known.
#include "twintrack/planning/fingerprint.hpp"

#include <gmock/gmock.h>

#include "planning/dataset_folder.hpp"
#include "support/error_message.hpp"
#include "twintrack/core/parallel.hpp"

namespace twintrack {
namespace {

using test::DatasetFolder;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kSamples = 1000;

Fingerprint fingerprint_of(const DatasetFolder& folder, const std::optional<CropToLabels>& crop = {}) {
  return extract_fingerprint(read_training_dataset(folder.path(), Validation::none), {crop, kSamples});
}

// 0 but for a box [1, 3) x [1, 4) x [2, 6) (z, y, x), in which a hole of 0 lies; labelled are the hole, a voxel of 50
// beside it, and a voxel outside the box.
void add_boxed_case(DatasetFolder& folder) {
  Volume<float> image{DatasetFolder::grid({8, 5, 4}), std::vector<float>(160, 0.0F)};
  Volume<std::uint16_t> labels{image.geometry, std::vector<std::uint16_t>(160, 0)};
  const auto index = [](int z, int y, int x) { return (z * 5 + y) * 8 + x; };
  for (int z = 1; z < 3; ++z) {
    for (int y = 1; y < 4; ++y) {
      for (int x = 2; x < 6; ++x) image.voxels[index(z, y, x)] = 10;
    }
  }
  image.voxels[index(1, 2, 3)] = 0;
  image.voxels[index(1, 2, 4)] = 50;
  labels.voxels[index(1, 2, 3)] = 1;
  labels.voxels[index(1, 2, 4)] = 2;
  labels.voxels[index(0, 0, 0)] = 2;
  folder.add("boxed", image, labels);
}

TEST(Fingerprint, ShapesAndSpacingsInTheOrderOfTheArray) {
  DatasetFolder folder;
  folder.add("a");
  const Fingerprint found = fingerprint_of(folder);
  EXPECT_THAT(found.spacings_mm, ElementsAre(Spacing3{3, 2, 1}));
  EXPECT_THAT(found.shapes_after_crop, ElementsAre(Shape3{4, 5, 6}));
  EXPECT_EQ(found.relative_size_after_crop, 1);
  EXPECT_NEAR(found.foreground.mean, 71.5, 1e-5);  // voxels 70 and 71 of 1, 2, 3, ...
  EXPECT_NEAR(found.foreground.std, 0.5, 1e-5);
}

TEST(Fingerprint, CropsToWhatIsNotZeroAndKeepsZerosInside) {
  DatasetFolder folder;
  add_boxed_case(folder);
  const Fingerprint found = fingerprint_of(folder);
  EXPECT_THAT(found.shapes_after_crop, ElementsAre(Shape3{2, 3, 4}));
  EXPECT_EQ(found.relative_size_after_crop, 24.0 / 160.0);
  EXPECT_EQ(found.foreground.min, 0);
  EXPECT_EQ(found.foreground.max, 50);
  EXPECT_NEAR(found.foreground.mean, 25, 1e-5);  // the hole and its neighbour; not the voxel outside
}

TEST(Fingerprint, AnImageOfZerosIsKeptWhole) {
  DatasetFolder folder;
  Volume<float> image = DatasetFolder::some_image();
  std::fill(image.voxels.begin(), image.voxels.end(), 0.0F);
  folder.add("a", image, DatasetFolder::some_labels());
  const Fingerprint found = fingerprint_of(folder);
  EXPECT_THAT(found.shapes_after_crop, ElementsAre(Shape3{4, 5, 6}));
  EXPECT_EQ(found.foreground.max, 0);
}

TEST(Fingerprint, EveryCaseCountsAlike) {
  DatasetFolder folder;
  folder.add("a");
  Volume<std::uint16_t> labels = DatasetFolder::some_labels();
  std::fill(labels.voxels.begin(), labels.voxels.end(), std::uint16_t{1});
  Volume<float> image = DatasetFolder::some_image();
  std::fill(image.voxels.begin(), image.voxels.end(), 1000.0F);
  folder.add("b", image, labels);
  EXPECT_NEAR(fingerprint_of(folder).foreground.mean, (71.5 + 1000) / 2, 1e-3);
}

TEST(Fingerprint, ACaseWithoutForegroundCountsForShapesOnly) {
  DatasetFolder folder;
  folder.add("a");
  Volume<std::uint16_t> nothing = DatasetFolder::some_labels();
  std::fill(nothing.voxels.begin(), nothing.voxels.end(), std::uint16_t{0});
  folder.add("b", DatasetFolder::some_image(), nothing);
  const Fingerprint found = fingerprint_of(folder);
  EXPECT_EQ(found.shapes_after_crop.size(), 2);
  EXPECT_NEAR(found.foreground.mean, 71.5, 1e-4);
}

TEST(Fingerprint, NoForegroundAtAllIsRefused) {
  DatasetFolder folder;
  Volume<std::uint16_t> nothing = DatasetFolder::some_labels();
  std::fill(nothing.voxels.begin(), nothing.voxels.end(), std::uint16_t{0});
  folder.add("a", DatasetFolder::some_image(), nothing);
  EXPECT_THAT(test::error_message([&] { fingerprint_of(folder); }),
              HasSubstr("labelsTr: no case has a voxel with a label other than 0"));
}

TEST(Fingerprint, CropIsAsIfTheImageEndedThere) {
  DatasetFolder folder;
  folder.add("a");
  const CropToLabels crop{{"tumor"}, {1, 2, 0}};
  const Fingerprint found = fingerprint_of(folder, crop);
  EXPECT_EQ(found.crop, crop);
  EXPECT_THAT(found.shapes_after_crop, ElementsAre(Shape3{1, 3, 3}));  // around voxel 70: x=4, y=1, z=2
  EXPECT_EQ(found.relative_size_after_crop, 1);
  EXPECT_NEAR(found.foreground.mean, 71.5, 1e-4);
  const Fingerprint narrow = fingerprint_of(folder, CropToLabels{{"tumor"}, {0, 0, 0}});
  EXPECT_EQ(narrow.foreground.max, 71);
}

TEST(Fingerprint, CropNeedsItsLabelInEveryCase) {
  DatasetFolder folder;
  folder.add("a");
  Volume<std::uint16_t> labels = DatasetFolder::some_labels();
  labels.voxels[70] = 2;
  folder.add("b", DatasetFolder::some_image(), labels);
  EXPECT_THAT(test::error_message([&] {
                fingerprint_of(folder, CropToLabels{{"tumor"}, {0, 0, 0}});
              }),
              HasSubstr("b.nii.gz: no voxel is labelled tumor"));
}

TEST(Fingerprint, BadCasesAreFoundOnTheWay) {
  DatasetFolder folder;
  folder.add("a");
  Volume<std::uint16_t> labels = DatasetFolder::some_labels();
  labels.voxels[0] = 9;
  folder.add("b", DatasetFolder::some_image(), labels);
  EXPECT_THAT(test::error_message([&] { fingerprint_of(folder); }), HasSubstr("b.nii.gz: label 9 at x=0, y=0, z=0"));
}

TEST(Fingerprint, DoesNotDependOnTheNumberOfThreads) {
  DatasetFolder folder;
  Volume<std::uint16_t> labels = DatasetFolder::some_labels();
  std::fill(labels.voxels.begin(), labels.voxels.end(), std::uint16_t{1});
  for (const char* name : {"a", "b", "c", "d", "e"}) folder.add(name, DatasetFolder::some_image(), labels);
  const TrainingDataset dataset = read_training_dataset(folder.path(), Validation::none);
  const FingerprintOptions options{{}, 100};  // fewer than voxels: drawn
  const int threads = thread_count();
  set_thread_count(1);
  const Fingerprint one = extract_fingerprint(dataset, options);
  set_thread_count(4);
  int done = 0;
  EXPECT_EQ(extract_fingerprint(dataset, options, [&] { ++done; }), one);
  EXPECT_EQ(done, 5);
  set_thread_count(threads);
}

Fingerprint example() {
  Fingerprint result;
  result.spacings_mm = {{1.5, 0.747, 0.747}, {2.5, 0.8, 0.8}};
  result.shapes_after_crop = {{74, 230, 425}, {60, 240, 400}};
  result.foreground = {78.1, 80.5, 41.25, -1000.5, 3071, -63, 184};
  result.relative_size_after_crop = 0.875;
  return result;
}

TEST(Fingerprint, WrittenAndReadBack) {
  const test::TemporaryFolder folder;
  Fingerprint fingerprint = example();
  for (const bool cropped : {false, true}) {
    if (cropped) fingerprint.crop = CropToLabels{{"pancreas", "tumor"}, {100, 50, 15}};
    write_fingerprint(folder / "dataset_fingerprint.json", fingerprint);
    EXPECT_EQ(read_fingerprint(folder / "dataset_fingerprint.json"), fingerprint);
  }
}

TEST(Fingerprint, HasTheKeysOfNnunet) {
  const Json json = to_json(example());
  EXPECT_EQ(json.at("spacings").at(1), Json({2.5, 0.8, 0.8}));
  EXPECT_EQ(json.at("shapes_after_crop").at(0), Json({74, 230, 425}));
  EXPECT_EQ(json.at("median_relative_size_after_cropping"), 0.875);
  const Json& channel = json.at("foreground_intensity_properties_per_channel").at("0");
  for (const char* key : {"max", "mean", "median", "min", "percentile_00_5", "percentile_99_5", "std"}) {
    EXPECT_TRUE(channel.contains(key)) << key;
  }
}

struct Wrong {
  const char* name;
  void (*spoil)(Json&);
  const char* message;
};
class WrongFingerprint : public testing::TestWithParam<Wrong> {};

TEST_P(WrongFingerprint, FieldIsNamed) {
  Json json = to_json(example());
  GetParam().spoil(json);
  EXPECT_THAT(test::error_message([&] { parse_fingerprint(JsonView(json, "f.json")); }), HasSubstr(GetParam().message));
}

constexpr const char* kProperties = "foreground_intensity_properties_per_channel";

INSTANTIATE_TEST_SUITE_P(
    Fingerprint, WrongFingerprint,
    testing::Values(
        Wrong{"no_spacings", [](Json& j) { j.erase("spacings"); }, "spacings"},
        Wrong{"no_cases", [](Json& j) { j["spacings"] = Json::array(); }, "spacings: no case"},
        Wrong{"zero_spacing", [](Json& j) { j["spacings"][0][1] = 0; }, "spacings[0][1]"},
        Wrong{"flat_spacing",
              [](Json& j) {
                j["spacings"][0] = {1, 1};
              },
              "spacings[0]: expected z, y, x"},
        Wrong{"huge_shape", [](Json& j) { j["shapes_after_crop"][0][0] = 1e12; }, "shapes_after_crop[0][0]"},
        Wrong{"empty_shape", [](Json& j) { j["shapes_after_crop"][0][0] = 0; }, "shapes_after_crop[0][0]"},
        Wrong{"one_shape", [](Json& j) { j["shapes_after_crop"].erase(0); }, "1 shapes for 2 spacings"},
        Wrong{"two_channels", [](Json& j) { j[kProperties]["1"] = j[kProperties]["0"]; }, "2 channels"},
        Wrong{"negative_std", [](Json& j) { j[kProperties]["0"]["std"] = -1; }, "std"},
        Wrong{"percentiles", [](Json& j) { j[kProperties]["0"]["percentile_00_5"] = 500; }, "is larger than"},
        Wrong{"null_mean", [](Json& j) { j[kProperties]["0"]["mean"] = nullptr; }, "mean"}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace twintrack

// A raw dataset as nnU-Net lays it out, and every way of being wrong.
#include "twintrack/planning/training_dataset.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "planning/dataset_folder.hpp"
#include "support/error_message.hpp"

namespace twintrack {
namespace {

using test::DatasetFolder;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string reading_error(const DatasetFolder& folder, Validation validation = Validation::held_out) {
  return test::error_message([&] { read_training_dataset(folder.path(), validation); });
}

// Of the case "a", whose files the test has written.
std::string checking_error(const DatasetFolder& folder) {
  const TrainingDataset dataset = read_training_dataset(folder.path(), Validation::none);
  return test::error_message([&] { check_training_case(dataset, dataset.cases.at(0)); });
}

class EveryEnding : public testing::TestWithParam<const char*> {};

TEST_P(EveryEnding, CasesAreFoundByNameAndAreGood) {
  DatasetFolder folder(GetParam());
  for (const char* name : {"b_2", "a", "b_10"}) folder.add(name);
  write_file(folder.path() / "imagesTr" / (".hidden_0000" + std::string(GetParam())), "");
  write_file(folder.path() / "imagesTr" / "notes.txt", "");
  const TrainingDataset dataset = read_training_dataset(folder.path(), Validation::held_out);
  std::vector<std::string> names;
  for (const TrainingCase& item : dataset.cases) names.push_back(item.name);
  EXPECT_THAT(names, ElementsAre("a", "b_10", "b_2"));
  EXPECT_EQ(dataset.cases[0].image, folder.image("a"));
  EXPECT_EQ(dataset.cases[0].labels, folder.labels("a"));
  EXPECT_EQ(dataset.name(), "Dataset900_Test");
  EXPECT_THAT(dataset.dataset.labels.names, ElementsAre("background", "tumor", "pancreas"));
  for (const TrainingCase& item : dataset.cases) EXPECT_NO_THROW(check_training_case(dataset, item));
}

INSTANTIATE_TEST_SUITE_P(TrainingDataset, EveryEnding, testing::Values(".nii.gz", ".nii", ".mha", ".nrrd"),
                         [](const auto& test) { return "Ending" + std::to_string(test.index); });

TEST(TrainingDataset, NameOfAFolderGivenWithATrailingSlash) {
  TrainingDataset dataset;
  dataset.folder = "raw/Dataset104_PANORAMA/";
  EXPECT_EQ(dataset.name(), "Dataset104_PANORAMA");
}

TEST(TrainingDataset, MissingFolderOrJson) {
  const test::TemporaryFolder folder;
  const auto read = [](const std::filesystem::path& path) {
    return test::error_message([&] { read_training_dataset(path, Validation::none); });
  };
  EXPECT_THAT(read(folder / "nothing"), HasSubstr("nothing: no such folder; expected an nnU-Net raw dataset"));
  EXPECT_THAT(read(folder.path()), HasSubstr("dataset.json"));
}

TEST(TrainingDataset, CasesListedByPathAreRefused) {
  DatasetFolder folder;
  folder.document["dataset"] = {{"a", {{"label", "x"}, {"images", {"y"}}}}};
  folder.add("a");
  EXPECT_THAT(reading_error(folder), HasSubstr("dataset.json: dataset: cases listed by path are not supported"));
}

TEST(TrainingDataset, ReorientingReaderIsRefused) {
  DatasetFolder folder;
  folder.document["overwrite_image_reader_writer"] = "NibabelIOWithReorient";
  folder.add("a");
  EXPECT_THAT(reading_error(folder), HasSubstr("reader 'NibabelIOWithReorient' is not supported"));
}

TEST(TrainingDataset, FileEndingOfAnotherKindIsRefused) {
  DatasetFolder folder;
  folder.document["file_ending"] = ".png";
  folder.add("a");
  EXPECT_THAT(reading_error(folder), HasSubstr("dataset.json: file_ending: '.png' is not supported; .nii.gz, .nii"));
}

TEST(TrainingDataset, TwoChannelsAreRefusedInJsonAndInFiles) {
  DatasetFolder folder;
  folder.add("a");
  write_volume(folder.path() / "imagesTr" / "a_0001.nii.gz", DatasetFolder::some_image());
  EXPECT_THAT(reading_error(folder), HasSubstr("a_0001.nii.gz: expected a name such as CASE_0000.nii.gz"));
  folder.document["channel_names"] = {{"0", "CT"}, {"1", "PET"}};
  folder.write_json();
  EXPECT_THAT(reading_error(folder), HasSubstr("channel_names: 2 input channels are not supported; one, a CT, is"));
}

TEST(TrainingDataset, AnotherNumberOfCasesThanAnnounced) {
  DatasetFolder folder;
  folder.add("a");
  folder.add("b");
  folder.document["numTraining"] = 3;
  folder.write_json();
  EXPECT_THAT(reading_error(folder), HasSubstr("dataset.json: numTraining: 3 cases are announced, 2 lie in "));
}

TEST(TrainingDataset, NoCase) {
  DatasetFolder folder;
  folder.write_json();
  EXPECT_THAT(reading_error(folder), HasSubstr("imagesTr: no training case; expected files named CASE_0000.nii.gz"));
}

TEST(TrainingDataset, MissingLabels) {
  DatasetFolder folder;
  folder.add("a");
  folder.add("b");
  std::filesystem::remove(folder.labels("b"));
  EXPECT_THAT(reading_error(folder),
              AllOf(HasSubstr(folder.labels("b").string() + ": no such file"), HasSubstr(folder.image("b").string())));
}

TEST(TrainingDataset, OneCaseIsEnoughOnlyWithoutValidation) {
  DatasetFolder folder;
  folder.add("a");
  EXPECT_THAT(reading_error(folder), HasSubstr("one case; at least 2 are needed to keep one for validation"));
  EXPECT_NO_THROW(read_training_dataset(folder.path(), Validation::none));
}

TEST(TrainingDataset, UnknownLabelIsNamedWithItsFirstVoxel) {
  DatasetFolder folder;
  Volume<std::uint16_t> labels = DatasetFolder::some_labels();
  labels.voxels[1 + 6 * (2 + 5 * 3)] = 7;
  labels.voxels[2 + 6 * (2 + 5 * 3)] = 8;
  folder.add("a", DatasetFolder::some_image(), labels);
  EXPECT_THAT(checking_error(folder), AllOf(HasSubstr("a.nii.gz: label 7 at x=1, y=2, z=3 is not in "),
                                            HasSubstr("dataset.json, which knows 0, 1, 2")));
}

TEST(TrainingDataset, IgnoreLabelAndMembersOfRegionsAreKnown) {
  DatasetFolder folder;
  folder.document["labels"] = {{"background", 0}, {"whole", {1, 2}}, {"tumor", 1}, {"ignore", 3}};
  folder.document["regions_class_order"] = {2, 1};
  Volume<std::uint16_t> labels = DatasetFolder::some_labels();
  labels.voxels[0] = 3;
  folder.add("a", DatasetFolder::some_image(), labels);
  const TrainingDataset dataset = read_training_dataset(folder.path(), Validation::none);
  EXPECT_NO_THROW(check_training_case(dataset, dataset.cases[0]));
}

TEST(TrainingDataset, NegativeAndFractionalLabelsAreRefused) {
  for (const float wrong : {-1.0F, 0.5F}) {
    DatasetFolder folder;
    folder.add("a");
    Volume<float> labels = DatasetFolder::some_image();
    std::fill(labels.voxels.begin(), labels.voxels.end(), 0.0F);
    labels.voxels[3] = wrong;
    write_volume(folder.labels("a"), labels);
    EXPECT_THAT(checking_error(folder), AllOf(HasSubstr("labelsTr"), HasSubstr("x=3, y=0, z=0")));
  }
}

struct OtherGrid {
  const char* name;
  void (*change)(Geometry&);
};
class LabelsOnAnotherGrid : public testing::TestWithParam<OtherGrid> {};

TEST_P(LabelsOnAnotherGrid, BothFilesAreNamed) {
  Geometry other = DatasetFolder::grid();
  GetParam().change(other);
  DatasetFolder folder(".mha");
  folder.add("a", DatasetFolder::some_image(), DatasetFolder::some_labels(other));
  EXPECT_THAT(checking_error(folder),
              AllOf(HasSubstr(folder.image("a").string()), HasSubstr(folder.labels("a").string()),
                    HasSubstr("lies on another grid than")));
}

INSTANTIATE_TEST_SUITE_P(TrainingDataset, LabelsOnAnotherGrid,
                         testing::Values(OtherGrid{"size",
                                                   [](Geometry& g) {
                                                     g.size = {6, 5, 5};
                                                   }},
                                         OtherGrid{"spacing", [](Geometry& g) { g.spacing_mm[2] = 3.1; }},
                                         OtherGrid{"origin", [](Geometry& g) { g.origin_mm[0] += 0.5; }},
                                         OtherGrid{"direction",
                                                   [](Geometry& g) { g.direction = {-1, 0, 0, 0, -1, 0, 0, 0, 1}; }}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(TrainingDataset, WhatRoundingMakesOfOneGridIsAccepted) {
  Geometry other = DatasetFolder::grid();
  other.origin_mm[0] += 1e-4;
  other.spacing_mm[1] += 1e-5;
  DatasetFolder folder(".mha");
  folder.add("a", DatasetFolder::some_image(), DatasetFolder::some_labels(other));
  const TrainingDataset dataset = read_training_dataset(folder.path(), Validation::none);
  EXPECT_NO_THROW(check_training_case(dataset, dataset.cases[0]));
}

TEST(TrainingDataset, ValuesThatAreNotFinite) {
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    DatasetFolder folder(".mha");
    Volume<float> image = DatasetFolder::some_image();
    image.voxels[6] = wrong;
    folder.add("a", image, DatasetFolder::some_labels());
    EXPECT_THAT(checking_error(folder), AllOf(HasSubstr("a_0000.mha"), HasSubstr("x=0, y=1, z=0")));
  }
}

TEST(TrainingDataset, DamagedFilesAreNamed) {
  DatasetFolder folder;
  folder.add("a");
  write_file(folder.image("a"), "no image at all, whatever its name says");
  EXPECT_THAT(checking_error(folder), HasSubstr(folder.image("a").string()));
  std::filesystem::resize_file(folder.labels("a"), 40);
  EXPECT_THAT(checking_error(folder), HasSubstr(folder.labels("a").string()));
}

}  // namespace
}  // namespace twintrack

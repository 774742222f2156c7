// A dataset seen as one organ against the rest.
#include "twintrack/planning/organ_dataset.hpp"

#include <gmock/gmock.h>

#include "support/error_message.hpp"

namespace twintrack {
namespace {

using test::error_message;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using Labels = std::vector<std::uint16_t>;

TrainingDataset dataset_of(const Json& labels, const Json& order = nullptr) {
  TrainingDataset dataset;
  dataset.folder = "raw/Dataset001";
  dataset.document = {{"channel_names", {{"0", "CT"}}}, {"labels", labels}, {"numTraining", 3}};
  if (!order.is_null()) dataset.document["regions_class_order"] = order;
  dataset.dataset = parse_dataset(JsonView(dataset.document, "dataset.json"));
  dataset.cases = {{"a", "a_0000.nii.gz", "a.nii.gz"}};
  return dataset;
}

TEST(OrganDataset, SeveralLabelsBecomeRegions) {
  const Json labels{{"background", 0}, {"tumor", 1}, {"veins", 2}, {"arteries", 3}, {"pancreas", 4}};
  const TrainingDataset organ = organ_dataset(dataset_of(labels), "organ", {"pancreas", "tumor"});
  const LabelScheme& scheme = organ.dataset.labels;
  EXPECT_TRUE(scheme.regions);
  EXPECT_THAT(scheme.names, ElementsAre("organ", "other"));
  EXPECT_THAT(scheme.members, ElementsAre(Labels{1, 4}, Labels{2, 3}));
  EXPECT_EQ(organ.cases.size(), 1u);
  EXPECT_EQ(organ.document["numTraining"], 3);
}

TEST(OrganDataset, AllLabelsTogetherAreOneRegion) {
  const Json labels{{"background", 0}, {"pancreas", 1}, {"tumor", 2}};
  const LabelScheme scheme =
      organ_dataset(dataset_of(labels), "pancreas", {"tumor", "pancreas", "tumor"}).dataset.labels;
  EXPECT_TRUE(scheme.regions);
  EXPECT_THAT(scheme.names, ElementsAre("pancreas"));
  EXPECT_THAT(scheme.members, ElementsAre(Labels{1, 2}));
}

TEST(OrganDataset, SingleLabelsStayPlain) {
  const Json labels{{"background", 0}, {"other organ", 1}, {"pancreas", 2}, {"ignore", 3}};
  const LabelScheme scheme = organ_dataset(dataset_of(labels), "organ", {"pancreas"}).dataset.labels;
  EXPECT_FALSE(scheme.regions);
  EXPECT_THAT(scheme.names, ElementsAre("background", "other", "organ"));
  EXPECT_EQ(scheme.ignore, 3);
  const Json one{{"background", 0}, {"pancreas", 1}};
  EXPECT_THAT(organ_dataset(dataset_of(one), "organ", {"pancreas"}).dataset.labels.names,
              ElementsAre("background", "organ"));
}

TEST(OrganDataset, PartsMayBeRegionsThatOverlap) {
  const Json labels{{"background", 0}, {"whole", {1, 2, 3}}, {"tumor", {2, 3}}, {"duct", 3}, {"vessels", 4}};
  const LabelScheme scheme = organ_dataset(dataset_of(labels, {1, 2, 3, 4}), "organ", {"whole", "duct"}).dataset.labels;
  EXPECT_THAT(scheme.names, ElementsAre("organ", "other"));
  EXPECT_THAT(scheme.members, ElementsAre(Labels{1, 2, 3}, Labels{4}));
}

TEST(OrganDataset, WhatItDocumentsIsWhatItIs) {
  const Json labels{{"background", 0}, {"pancreas", 1}, {"tumor", 2}, {"veins", 3}, {"ignore", 4}};
  const TrainingDataset organ = organ_dataset(dataset_of(labels), "organ", {"pancreas", "tumor"});
  const LabelScheme again = parse_dataset(JsonView(organ.document, "dataset.json")).labels;
  EXPECT_EQ(again.names, organ.dataset.labels.names);
  EXPECT_EQ(again.members, organ.dataset.labels.members);
  EXPECT_EQ(again.ignore, 4);
}

TEST(OrganDataset, WhatCannotBeAnOrganIsRefused) {
  const Json labels{{"background", 0}, {"pancreas", 1}, {"tumor", 2}};
  const auto refused = [&](const std::vector<std::string>& parts) {
    return error_message([&] { organ_dataset(dataset_of(labels), "organ", parts); });
  };
  EXPECT_THAT(refused({"liver"}), AllOf(HasSubstr("dataset.json"), HasSubstr("'liver'"), HasSubstr("tumor")));
  EXPECT_THAT(refused({"background"}), HasSubstr("foreground"));
  EXPECT_THAT(refused({"pancreas", "background"}), HasSubstr("foreground"));
  EXPECT_THAT(refused({}), HasSubstr("one at least"));
  // Regions of labels with a gap: nnU-Net has no way to write two single labels that are not consecutive.
  const Json gap{{"background", 0}, {"both", {1, 3}}, {"pancreas", 1}, {"tumor", 3}};
  EXPECT_THAT(error_message([&] {
                organ_dataset(dataset_of(gap, {1, 2, 3}), "organ", {"pancreas"});
              }),
              HasSubstr("consecutive"));
}

}  // namespace
}  // namespace twintrack

// The box around an organ that a network is trained in.
#include "twintrack/planning/training_box.hpp"

#include <gmock/gmock.h>

#include <limits>

#include "support/error_message.hpp"

namespace twintrack {
namespace {

using testing::HasSubstr;

LabelScheme scheme() {
  const Json document = Json::parse(R"({"labels": {"background": 0, "tumor": 1, "veins": 2, "pancreas": 3}})");
  return parse_dataset(JsonView(document, "dataset.json")).labels;
}

Volume<std::uint16_t> map_with(const std::vector<std::pair<Shape3, std::uint16_t>>& marks) {
  Volume<std::uint16_t> map;
  map.geometry.size = {20, 16, 12};
  map.geometry.spacing_mm = {0.5, 1.0, 2.5};
  map.voxels.resize(20 * 16 * 12);
  for (const auto& [place, value] : marks) map.voxels[(place[0] * 16 + place[1]) * 20 + place[2]] = value;
  return map;
}

TEST(TrainingBox, WholeGridWithoutCrop) {
  EXPECT_EQ(training_box(map_with({}), scheme(), {}, "case"), (Box3{{0, 0, 0}, {12, 16, 20}}));
}

TEST(TrainingBox, HoldsTheLabelsAndWholeVoxelsWithinTheMargin) {
  const auto map = map_with({{{5, 6, 10}, 1}, {{6, 8, 9}, 3}, {{0, 0, 0}, 2}});
  EXPECT_EQ(training_box(map, scheme(), CropToLabels{{"tumor", "pancreas"}, {0, 0, 0}}, "case"),
            (Box3{{5, 6, 9}, {7, 9, 11}}));
  EXPECT_EQ(training_box(map, scheme(), CropToLabels{{"tumor", "pancreas"}, {1.6, 2.9, 5.0}}, "case"),
            (Box3{{3, 4, 6}, {9, 11, 14}}));
  EXPECT_EQ(training_box(map, scheme(), CropToLabels{{"tumor"}, {0, 0, 0}}, "case"), (Box3{{5, 6, 10}, {6, 7, 11}}));
}

TEST(TrainingBox, AMarginOfWholeVoxelsIsNotLostToRounding) {
  auto map = map_with({{{5, 6, 10}, 1}});
  map.geometry.spacing_mm = {0.1, 0.7, 0.3};  // 0.7 / 0.1 is less than 7 in floating point
  EXPECT_EQ(training_box(map, scheme(), CropToLabels{{"tumor"}, {0.7, 2.1, 0.9}}, "case"),
            (Box3{{2, 3, 3}, {9, 10, 18}}));
}

TEST(TrainingBox, StopsAtTheGrid) {
  EXPECT_EQ(training_box(map_with({{{5, 6, 10}, 1}}), scheme(), CropToLabels{{"tumor"}, {1000, 1000, 1000}}, "case"),
            (Box3{{0, 0, 0}, {12, 16, 20}}));
}

TEST(TrainingBox, AbsentLabelNamesTheCase) {
  const CropToLabels crop{{"tumor", "pancreas"}, {1, 1, 1}};
  EXPECT_EQ(test::error_message([&] {
              training_box(map_with({{{0, 0, 0}, 2}}), scheme(), crop, "a.nii.gz");
            }),
            "a.nii.gz: no voxel is labelled tumor or pancreas; training inside a region around it needs one in every "
            "case");
}

TEST(TrainingBox, WrongCropsAreRefused) {
  const auto values_error = [](const CropToLabels& crop) {
    return test::error_message([&] { crop_values(crop, scheme(), "dataset.json"); });
  };
  EXPECT_THAT(values_error({{"kidney"}, {0, 0, 0}}), HasSubstr("dataset.json: there is no label 'kidney'"));
  EXPECT_THAT(values_error({{"background"}, {0, 0, 0}}), HasSubstr("cannot crop to background"));
  EXPECT_THAT(values_error({{}, {0, 0, 0}}), HasSubstr("no label to crop to"));
  EXPECT_THAT(values_error({{"tumor"}, {0, -1, 0}}), HasSubstr("margin of 0, -1, 0 mm around tumor"));
  EXPECT_THAT(values_error({{"tumor"}, {0, 0, std::numeric_limits<double>::quiet_NaN()}}), HasSubstr("margin of"));
}

TEST(TrainingBox, RegionStandsForAllItsLabels) {
  const Json document =
      Json::parse(R"({"labels": {"background": 0, "organ": [2, 3], "tumor": 3}, "regions_class_order": [2, 3]})");
  const LabelScheme regions = parse_dataset(JsonView(document, "dataset.json")).labels;
  const auto map = map_with({{{5, 6, 10}, 2}, {{6, 8, 9}, 3}});
  EXPECT_EQ(training_box(map, regions, CropToLabels{{"organ"}, {0, 0, 0}}, "case"), (Box3{{5, 6, 9}, {7, 9, 11}}));
}

TEST(TrainingBox, CropAsJson) {
  const CropToLabels crop{{"tumor", "pancreas"}, {100, 50, 15}};
  const Json document = {{"crop_to_labels", to_json(crop)}};
  EXPECT_EQ(find_crop(JsonView(document, "f")), crop);
  EXPECT_FALSE(find_crop(JsonView(Json::object(), "f")));
  for (const char* wrong : {R"({"labels": [], "margin_mm": [0, 0, 0]})", R"({"labels": ["a"], "margin_mm": [0, 0]})",
                            R"({"labels": ["a"], "margin_mm": [0, 0, -1]})", R"({"labels": [3], "margin_mm": 0})"}) {
    const Json bad = {{"crop_to_labels", Json::parse(wrong)}};
    EXPECT_THAT(test::error_message([&] { find_crop(JsonView(bad, "f")); }), HasSubstr("f: crop_to_labels"));
  }
}

}  // namespace
}  // namespace twintrack

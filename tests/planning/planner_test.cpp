// Plans as nnU-Net makes them, plans that the user overrides, and both read back.
#include "twintrack/planning/planner.hpp"

#include <gmock/gmock.h>

#include "planning/planner_reference.hpp"
#include "support/error_message.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/network/network.hpp"
#include "twintrack/nnunet/plans.hpp"

namespace twintrack {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

TrainingDataset dataset_of(std::size_t cases, int labels) {
  TrainingDataset dataset;
  dataset.folder = "raw/Dataset104_PANORAMA";
  dataset.file_ending = ".nii.gz";
  dataset.document = {{"channel_names", {{"0", "CT"}}}, {"labels", {{"background", 0}}}, {"numTraining", cases}};
  for (int i = 1; i < labels; ++i) dataset.document["labels"]["label" + std::to_string(i)] = i;
  dataset.dataset = parse_dataset(JsonView(dataset.document, "dataset.json"));
  return dataset;
}

Fingerprint fingerprint_of(const std::vector<Spacing3>& spacings_mm, const std::vector<Shape3>& shapes, int repeated) {
  Fingerprint result;
  result.foreground = {78.1, 80.5, 41.25, -1000.5, 3071, -63, 184};
  for (int i = 0; i < repeated; ++i) {
    result.spacings_mm.insert(result.spacings_mm.end(), spacings_mm.begin(), spacings_mm.end());
    result.shapes_after_crop.insert(result.shapes_after_crop.end(), shapes.begin(), shapes.end());
  }
  return result;
}

const Spacing3 kPanoramaSpacing{1.5, 0.747, 0.747};
const Shape3 kPanoramaShape{74, 230, 425};

Json panorama_plans(const PlanOptions& options, int cases = 50) {
  return make_plans(fingerprint_of({kPanoramaSpacing}, {kPanoramaShape}, cases), dataset_of(cases, 7), options);
}

Plans parsed(const Json& plans, const std::string& configuration = "3d_fullres") {
  return parse_plans(JsonView(plans, "plans.json"), configuration);
}

std::string usage_error(const PlanOptions& options) {
  return test::error_message<UsageError>([&] { panorama_plans(options); });
}

std::string digits(const std::vector<Shape3>& stages) {
  std::string text;
  for (const Shape3& stage : stages) {
    text += text.empty() ? "" : " ";
    for (const std::int64_t number : stage) text += std::to_string(number);
  }
  return text;
}

void expect_near(const Json& found, const Json& reference) {
  for (int axis = 0; axis < 3; ++axis) EXPECT_NEAR(found[axis].get<double>(), reference[axis].get<double>(), 1e-9);
}

void expect_configuration(const Json& plans, const char* name, const Json& reference) {
  const Json& json = plans["configurations"][name];
  EXPECT_EQ(json["patch_size"], reference["patch"]);
  EXPECT_EQ(json["batch_size"], reference["batch"]);
  expect_near(json["spacing"], reference["spacing"]);
  expect_near(json["median_image_size_in_voxels"], reference["median_shape"]);
  const Plans found = parsed(plans, name);
  EXPECT_EQ(digits(found.architecture.strides), reference["strides"]);
  EXPECT_EQ(digits(found.architecture.kernels), reference["kernels"]);
  EXPECT_EQ(Json(found.architecture.features), reference["features"]);
  EXPECT_NO_THROW(check_patch(build_network(found.architecture, "plans.json"), found.patch_size, "plans.json"));
}

Json make_plans_for(const Json& reference) {
  const Fingerprint fingerprint = fingerprint_of(reference["spacings"], reference["shapes"], reference["repeated"]);
  PlanOptions options;
  options.preset = network_preset(reference["preset"]);
  if (reference.contains("memory_gib")) options.memory_gib = reference["memory_gib"].get<double>();
  if (reference.contains("spacing")) options.spacing_mm = reference["spacing"].get<Spacing3>();
  return make_plans(fingerprint, dataset_of(fingerprint.spacings_mm.size(), reference["labels"]), options);
}

class AsNnunetPlans : public testing::TestWithParam<Json> {};

TEST_P(AsNnunetPlans, EveryNumberIsTheSame) {
  const Json& reference = GetParam();
  const Json plans = make_plans_for(reference);
  EXPECT_EQ(plans["transpose_forward"], reference["transpose"]);
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_EQ(plans["transpose_backward"][plans["transpose_forward"][axis].get<int>()], axis);
  }
  EXPECT_EQ(plans["original_median_shape_after_transp"], reference["median_shape"]);
  expect_near(plans["original_median_spacing_after_transp"], reference["median_spacing"]);
  expect_configuration(plans, "3d_fullres", reference["3d_fullres"]);
  const bool low = reference.contains("3d_lowres");
  ASSERT_EQ(plans["configurations"].contains("3d_lowres"), low);
  EXPECT_EQ(plans["configurations"]["3d_fullres"]["batch_dice"], low);
  if (!low) return;
  expect_configuration(plans, "3d_lowres", reference["3d_lowres"]);
  EXPECT_EQ(plans["configurations"]["3d_lowres"]["batch_dice"], false);
}

INSTANTIATE_TEST_SUITE_P(Planner, AsNnunetPlans,
                         testing::ValuesIn(Json::parse(test::kPlannerReference).get<std::vector<Json>>()),
                         [](const auto& test) { return test.param["name"].template get<std::string>(); });

// Dataset104 of the PANORAMA baseline, as published.
TEST(Planner, PanoramaGetsThePublishedNetwork) {
  const Plans plans = parsed(panorama_plans({}));
  EXPECT_EQ(plans.patch_size, (Shape3{48, 128, 288}));
  EXPECT_THAT(plans.architecture.features, ElementsAre(32, 64, 128, 256, 320, 320));
  EXPECT_EQ(plans.architecture.kernels[0], (Shape3{1, 3, 3}));
  EXPECT_EQ(plans.architecture.kind, Architecture::Kind::plain_conv_unet);
}

TEST(Planner, PlansSayWhatTheReaderNeeds) {
  const Json json = panorama_plans({});
  const Plans plans = parsed(json);
  ASSERT_EQ(plans.channels.size(), 1);
  EXPECT_EQ(plans.channels[0].normalization, Normalization::ct);
  EXPECT_EQ(plans.channels[0].intensities.mean, 78.1);
  EXPECT_EQ(plans.channels[0].intensities.std, 41.25);
  EXPECT_EQ(plans.channels[0].intensities.percentile_00_5, -63);
  EXPECT_EQ(plans.channels[0].intensities.percentile_99_5, 184);
  EXPECT_EQ(plans.data_resampling.order, 3);
  EXPECT_EQ(plans.probability_resampling.order, 1);
  EXPECT_TRUE(plans.architecture.convolution_bias);
  EXPECT_TRUE(plans.architecture.affine_norm);
  EXPECT_EQ(json["dataset_name"], "Dataset104_PANORAMA");
  EXPECT_EQ(json["plans_name"], "nnUNetPlans");
  EXPECT_EQ(json["experiment_planner_used"], "ExperimentPlanner");
  EXPECT_EQ(json["image_reader_writer"], "SimpleITKIO");
  EXPECT_EQ(json["configurations"]["3d_fullres"]["use_mask_for_norm"], Json::array({false}));
  EXPECT_FALSE(json.contains("crop_to_labels"));
  const Json read_back = Json::parse(to_text(json, 4));
  EXPECT_EQ(read_back, json);
}

TEST(Planner, ResidualPresetsHaveTheirOwnNames) {
  PlanOptions options;
  options.preset = network_preset("resenc-l");
  const Json plans = panorama_plans(options);
  EXPECT_EQ(plans["plans_name"], "nnUNetResEncUNetLPlans");
  EXPECT_EQ(plans["experiment_planner_used"], "nnUNetPlannerResEncL");
  const Architecture architecture = parsed(plans).architecture;
  EXPECT_EQ(architecture.kind, Architecture::Kind::residual_encoder_unet);
  EXPECT_THAT(architecture.encoder_blocks, ElementsAre(1, 3, 4, 6, 6, 6, 6));
  EXPECT_THAT(architecture.decoder_convolutions, testing::Each(1));
  options.plans_name = "mine";
  EXPECT_EQ(panorama_plans(options)["plans_name"], "mine");
  EXPECT_EQ(test::error_message<UsageError>([] { network_preset("large"); }),
            "network preset 'large' is not known; plain, resenc-m, resenc-l and resenc-xl are");
}

TEST(Planner, CropIsKept) {
  Fingerprint fingerprint = fingerprint_of({kPanoramaSpacing}, {kPanoramaShape}, 2);
  fingerprint.crop = CropToLabels{{"label1"}, {100, 50, 15}};
  const Json plans = make_plans(fingerprint, dataset_of(2, 7), {});
  EXPECT_EQ(find_crop(JsonView(plans, "plans.json")), fingerprint.crop);
  fingerprint.crop->labels = {"kidney"};
  EXPECT_THAT(test::error_message([&] { make_plans(fingerprint, dataset_of(2, 7), {}); }),
              HasSubstr("there is no label 'kidney'"));
}

TEST(Planner, NormalizationByTheNameOfTheChannel) {
  Fingerprint fingerprint = fingerprint_of({kPanoramaSpacing}, {kPanoramaShape}, 2);
  fingerprint.relative_size_after_crop = 0.7;
  const auto configuration = [&](const char* channel) {
    TrainingDataset dataset = dataset_of(2, 2);
    dataset.document["channel_names"]["0"] = channel;
    return make_plans(fingerprint, dataset, {})["configurations"]["3d_fullres"];
  };
  EXPECT_EQ(configuration("ct")["normalization_schemes"][0], "CTNormalization");
  EXPECT_EQ(configuration("ct")["use_mask_for_norm"][0], false);
  EXPECT_EQ(configuration("MRI")["normalization_schemes"][0], "ZScoreNormalization");
  EXPECT_EQ(configuration("MRI")["use_mask_for_norm"][0], true);
  EXPECT_EQ(configuration("noNorm")["normalization_schemes"][0], "NoNormalization");
  EXPECT_EQ(configuration("rescale_to_0_1")["normalization_schemes"][0], "RescaleTo01Normalization");
  EXPECT_THAT(test::error_message([&] { configuration("rgb_to_0_1"); }), HasSubstr("channel_names.0: colour"));
}

TEST(Planner, PatchOfTheUserHasItsOwnTopology) {
  PlanOptions options;
  options.patch_size = Shape3{16, 64, 96};
  const Plans plans = parsed(panorama_plans(options));
  EXPECT_EQ(plans.patch_size, (Shape3{16, 64, 96}));
  EXPECT_EQ(digits(plans.architecture.strides), "111 122 222 222 122");
}

TEST(Planner, PatchOfTheUserNamesAxesOfTheFile) {
  PlanOptions options;
  options.patch_size = Shape3{96, 16, 64};
  const auto plans_of = [&] {
    return make_plans(fingerprint_of({{0.8, 3.2, 0.9}}, {{300, 30, 256}}, 4), dataset_of(4, 2), options);
  };
  const Json plans = plans_of();
  EXPECT_EQ(plans["transpose_forward"], Json({1, 0, 2}));
  EXPECT_EQ(parsed(plans).patch_size, (Shape3{16, 96, 64}));
  options.patch_size = Shape3{96, 16, 66};
  EXPECT_EQ(test::error_message<UsageError>(plans_of),
            "patch size 96 x 16 x 66 (z, y, x): 66 is halved 4 times, so it must be a multiple of 16, such as 80");
}

TEST(Planner, PatchesThatCannotBe) {
  PlanOptions options;
  options.patch_size = Shape3{50, 128, 128};
  EXPECT_EQ(usage_error(options),
            "patch size 50 x 128 x 128 (z, y, x): 50 is halved 3 times, so it must be a multiple of 8, such as 56");
  options.patch_size = Shape3{4, 6, 6};
  EXPECT_THAT(usage_error(options), HasSubstr("too small for a U-Net"));
  options.patch_size = Shape3{0, 128, 128};
  EXPECT_THAT(usage_error(options), HasSubstr("patch size of 0: 1 to 1024 is right"));
  options.patch_size = Shape3{48, 128, 2048};
  EXPECT_THAT(usage_error(options), HasSubstr("patch size of 2048"));
}

TEST(Planner, StagesAndFeaturesOfTheUser) {
  PlanOptions options;
  options.patch_size = Shape3{32, 64, 64};
  options.stages = 4;
  options.base_features = 8;
  options.maximal_features = 48;
  Plans plans = parsed(panorama_plans(options));
  EXPECT_THAT(plans.architecture.features, ElementsAre(8, 16, 32, 48));
  EXPECT_EQ(digits(plans.architecture.strides), "111 122 222 222");
  options.stages.reset();
  options.features = {16, 24, 24};
  plans = parsed(panorama_plans(options));
  EXPECT_THAT(plans.architecture.features, ElementsAre(16, 24, 24));
  EXPECT_EQ(digits(plans.architecture.strides), "111 122 222");
  EXPECT_EQ(plans.architecture.decoder_convolutions.size(), 2);
}

TEST(Planner, FewerStagesAskLessOfThePatch) {
  PlanOptions options;
  options.patch_size = Shape3{50, 124, 124};
  options.stages = 3;
  EXPECT_EQ(parsed(panorama_plans(options)).patch_size, (Shape3{50, 124, 124}));
}

TEST(Planner, StagesThatCannotBe) {
  PlanOptions options;
  options.patch_size = Shape3{16, 64, 64};
  options.stages = 7;
  EXPECT_EQ(usage_error(options),
            "7 stages: a patch of 16 x 64 x 64 (z, y, x) has room for 5; ask for no more, or for a larger patch");
  options.features = {16, 24, 24};
  EXPECT_EQ(usage_error(options), "7 stages, but features 16, 24, 24 for 3; one for each stage is right");
  options.stages = 1;
  EXPECT_THAT(usage_error(options), HasSubstr("number of stages of 1: 2 to 13 is right"));
  options.stages.reset();
  options.features = {16, 0};
  EXPECT_THAT(usage_error(options), HasSubstr("features of 0: 1 to 65536 is right"));
  options.features.clear();
  options.base_features = 64;
  options.maximal_features = 32;
  EXPECT_THAT(usage_error(options), HasSubstr("maximal features of 32: 64 to 65536 is right"));
}

TEST(Planner, BatchAndMemoryOfTheUser) {
  PlanOptions options;
  options.batch_size = 5;
  EXPECT_EQ(panorama_plans(options)["configurations"]["3d_fullres"]["batch_size"], 5);
  options.batch_size = 0;
  EXPECT_THAT(usage_error(options), HasSubstr("batch size of 0"));
  options.batch_size.reset();
  options.memory_gib = 1;
  const Shape3 small = parsed(panorama_plans(options)).patch_size;
  EXPECT_LT(voxel_count(small), 48 * 128 * 288 / 6);
  options.memory_gib = 1e-5;
  EXPECT_EQ(usage_error(options), "no patch fits into 1e-05 GiB; allow more memory or fewer features");
  options.memory_gib = -1;
  EXPECT_THAT(usage_error(options), HasSubstr("memory of -1 GiB"));
}

TEST(Planner, SpacingOfTheUser) {
  PlanOptions options;
  options.spacing_mm = Spacing3{9, 4.5, 4.5};
  const Json plans = panorama_plans(options);
  EXPECT_EQ(parsed(plans).spacing_mm, (Spacing3{9, 4.5, 4.5}));
  EXPECT_EQ(plans["configurations"]["3d_fullres"]["median_image_size_in_voxels"], Json({12.0, 38.0, 71.0}));
  options.spacing_mm = Spacing3{9, 4.5, 0};
  EXPECT_THAT(usage_error(options), HasSubstr("spacing of 0 mm"));
  options.spacing_mm = Spacing3{60, 60, 60};
  EXPECT_THAT(test::error_message([&] { panorama_plans(options); }), HasSubstr("too small for a U-Net"));
  options.spacing_mm = Spacing3{900, 10, 10};
  EXPECT_THAT(test::error_message([&] { panorama_plans(options); }), HasSubstr("one slice or none"));
}

TEST(Planner, LowResolutionCanBeLeftOut) {
  const Fingerprint fingerprint = fingerprint_of({{1, 1, 1}}, {{300, 300, 300}}, 10);
  PlanOptions options;
  EXPECT_TRUE(make_plans(fingerprint, dataset_of(10, 2), options)["configurations"].contains("3d_lowres"));
  options.low_resolution = false;
  const Json plans = make_plans(fingerprint, dataset_of(10, 2), options);
  EXPECT_FALSE(plans["configurations"].contains("3d_lowres"));
  EXPECT_EQ(plans["configurations"]["3d_fullres"]["batch_dice"], false);
}

TEST(Planner, LowResolutionBesideAPatchOfTheUser) {
  const Fingerprint fingerprint = fingerprint_of({{1, 1, 1}}, {{600, 600, 600}}, 10);
  PlanOptions options;
  options.patch_size = Shape3{64, 64, 64};
  options.features = {16, 32, 64, 64, 64};
  const Json plans = make_plans(fingerprint, dataset_of(10, 2), options);
  EXPECT_EQ(parsed(plans).patch_size, (Shape3{64, 64, 64}));
  EXPECT_GT(voxel_count(parsed(plans, "3d_lowres").patch_size), 64 * 64 * 64);
  EXPECT_THAT(parsed(plans, "3d_lowres").architecture.features, ElementsAre(16, 32, 64, 64, 64));
}

TEST(Planner, FingerprintOfAnotherDataset) {
  const Fingerprint fingerprint = fingerprint_of({kPanoramaSpacing}, {kPanoramaShape}, 3);
  EXPECT_THAT(test::error_message([&] { make_plans(fingerprint, dataset_of(4, 2), {}); }),
              HasSubstr("numTraining: 4 training cases, but the fingerprint is of 3; it must be of this dataset"));
}

TEST(Planner, ImagesWithoutRoomForANetwork) {
  const auto planning = [](const Shape3& shape) {
    return test::error_message([&] { make_plans(fingerprint_of({{1, 1, 1}}, {shape}, 2), dataset_of(2, 2), {}); });
  };
  EXPECT_THAT(planning({6, 7, 5}), AllOf(HasSubstr("6 x 7 x 5 voxels at 1 x 1 x 1 mm"), HasSubstr("too small")));
  EXPECT_THAT(planning({1, 300, 300}), HasSubstr("one slice or none; networks here are 3-D"));
}

// Whatever passes parse_fingerprint is planned, or refused, soon.
TEST(Planner, ExtremeImagesAreAnswered) {
  const std::vector<Spacing3> spacings{{1e-3, 1e3, 1}, {1e3, 1e-3, 1e-3}, {1, 1, 1}};
  const std::vector<Shape3> shapes{{1 << 20, 1 << 20, 1 << 20}, {2, 1 << 20, 8}, {12, 4, 4}};
  for (const Spacing3& spacing : spacings) {
    for (const Shape3& shape : shapes) {
      try {
        const Json plans = make_plans(fingerprint_of({spacing}, {shape}, 2), dataset_of(2, 2), {});
        EXPECT_NO_THROW(parsed(plans));
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()), "");
      }
    }
  }
}

}  // namespace
}  // namespace twintrack

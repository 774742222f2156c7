// The whole way on a tiny bundle, against its parts put together by hand.
#include "twintrack/pipeline/pipeline.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/nnunet/segmenter.hpp"
#include "twintrack/pipeline/bundle_create.hpp"
#include "twintrack/pipeline/input_identity.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const InferenceOptions kOptions{0.5, false, Precision::fp32};

class PipelineTest : public testing::Test {
 protected:
  PipelineTest() {
    test::write_model(folder_ / "model", {.fold_seeds = {1, 2, 3}});
    test::write_model(folder_ / "localizer", {.dataset = test::tiny_dataset({"pancreas"}), .fold_seeds = {4}});
    test::put_file(folder_ / "calibrator.json", test::tiny_calibrator().dump());
    write_volume(folder_ / "ct.nii.gz", test::tiny_ct(test::tiny_geometry()));
    recipe_.name = "tiny";
    for (const char* fold : {"0", "1", "2"}) recipe_.members.push_back({folder_ / "model", parse_folds(fold)});
    recipe_.localizer = ModelSource{folder_ / "localizer", {}};
    recipe_.localizer_maximal_volume_mm3 = 1e9;
    recipe_.tumor_labels = {"tumor"};
    recipe_.roi_margin_mm = {4, 4, 4};
    recipe_.calibrator = folder_ / "calibrator.json";
  }

  Pipeline pipeline() { return Pipeline(create_bundle(recipe_, folder_ / "bundle", true), kOptions); }
  CaseResult predict(Pipeline& pipeline, bool keep_uncalibrated = true) {
    input_ = pipeline.read(folder_ / "ct.nii.gz", {});
    std::string current;
    return pipeline.predict(input_, keep_uncalibrated,
                            [&](const std::string& stage, std::int64_t done, std::int64_t total) {
                              const bool begins = stage != std::exchange(current, stage);
                              EXPECT_EQ(done == 0, begins);
                              EXPECT_LE(done, total);
                              if (begins && (stages_.empty() || stages_.back() != stage)) stages_.push_back(stage);
                            });
  }
  // Mean tumour probability of the three folds on their own, on the region's box.
  std::vector<double> expected_mean(const RegionOfInterest& region) {
    const Volume<float> ct = read_volume(folder_ / "ct.nii.gz");
    std::vector<double> mean(ct.voxels.size(), 0.0);
    for (const char* fold : {"0", "1", "2"}) {
      const Model model = read_model_folder(folder_ / "model", parse_folds(fold), test::checkpoint_name);
      Predictor predictor(model, kOptions);
      const Segmentation found =
          segment(predictor, ct, preprocess(ct, region.box, model.plans), Averaging::logits, true, [](auto, auto) {});
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += found.probabilities[ct.voxels.size() + i] / 3.0;
    }
    return mean;
  }

  test::TemporaryFolder folder_;
  BundleRecipe recipe_;
  CaseInput input_;
  std::vector<std::string> stages_;
};

TEST_F(PipelineTest, MeanOfTheMembersInTheRegionCalibratedAndZeroElsewhere) {
  Pipeline tiny = pipeline();
  const CaseResult result = predict(tiny);
  ASSERT_EQ(result.region.source, "localizer");
  EXPECT_THAT(stages_, ElementsAre("localiser", "member 1 of 3", "member 2 of 3", "member 3 of 3"));
  EXPECT_THAT(result.warnings, ElementsAre());
  EXPECT_EQ(result.probability.geometry, input_.ct.geometry);
  const auto mean = expected_mean(result.region);
  const Calibrator calibrator = *tiny.bundle().calibrator;
  std::int64_t inside = 0;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    if (result.region.mask[i] == 0) {
      ASSERT_EQ(result.probability.voxels[i], 0.0F);
      ASSERT_EQ(result.uncalibrated[i], 0.0F);
      continue;
    }
    ++inside;
    ASSERT_NEAR(result.uncalibrated[i], mean[i], 1e-5) << i;
    ASSERT_EQ(result.probability.voxels[i], calibrator(result.uncalibrated[i]));
  }
  EXPECT_GT(inside, 100);
  EXPECT_LT(inside, static_cast<std::int64_t>(mean.size()) - 100);
  EXPECT_TRUE(predict(tiny, false).uncalibrated.empty());
}

TEST_F(PipelineTest, CalibratorIsNotAppliedOutsideTheRegion) {
  Json calibrator = test::tiny_calibrator();
  calibrator["y"] = {0.5, 0.5, 0.5};
  test::put_file(folder_ / "calibrator.json", calibrator.dump());
  recipe_.roi_margin_mm = {0, 0, 0};
  Pipeline tiny = pipeline();
  const CaseResult result = predict(tiny);
  const auto inside = std::count(result.region.mask.begin(), result.region.mask.end(), 1);
  ASSERT_LT(inside, static_cast<std::int64_t>(result.region.mask.size()));
  EXPECT_EQ(std::count(result.probability.voxels.begin(), result.probability.voxels.end(), 0.5F), inside);
  EXPECT_EQ(std::count(result.probability.voxels.begin(), result.probability.voxels.end(), 0.0F),
            static_cast<std::int64_t>(result.region.mask.size()) - inside);
}

TEST_F(PipelineTest, LabelsAreMergedToTumour) {
  recipe_.calibrator.reset();
  recipe_.localizer.reset();
  Pipeline one = pipeline();
  const auto tumor = predict(one).probability.voxels;
  recipe_.tumor_labels = {"veins"};
  Pipeline other = pipeline();
  const auto veins = predict(other).probability.voxels;
  recipe_.tumor_labels = {"tumor", "veins"};
  Pipeline both = pipeline();
  const auto merged = predict(both).probability.voxels;
  for (std::size_t i = 0; i < merged.size(); ++i) ASSERT_NEAR(merged[i], tumor[i] + veins[i], 1e-5);
}

TEST_F(PipelineTest, WithoutLocalizerTheBodyIsSearchedAndWithoutCalibratorItIsSaid) {
  recipe_.localizer.reset();
  recipe_.calibrator.reset();
  Pipeline tiny = pipeline();
  const CaseResult result = predict(tiny);
  EXPECT_EQ(result.region.source, "body");
  EXPECT_EQ(result.region.box, (Box3{{0, 3, 2}, {24, 22, 21}}));
  EXPECT_FALSE(result.region.organ_volume_mm3.has_value());
  EXPECT_THAT(result.warnings, ElementsAre(HasSubstr("the bundle has no calibrator")));
  EXPECT_TRUE(result.uncalibrated.empty());
}

TEST_F(PipelineTest, ImplausibleLocalizationIsAWarning) {
  recipe_.localizer_maximal_volume_mm3 = 1;
  Pipeline tiny = pipeline();
  const CaseResult result = predict(tiny);
  EXPECT_EQ(result.region.source, "body");
  EXPECT_THAT(result.warnings, ElementsAre(HasSubstr("is implausible")));
}

TEST_F(PipelineTest, MembersOfOtherSpacingAreAllowed) {
  test::TinyModel finer;
  finer.plans["configurations"]["3d_fullres"]["spacing"] = {2.5, 1.5, 1.5};
  test::write_model(folder_ / "finer", finer);
  recipe_.members = {{folder_ / "model", parse_folds("0")}, {folder_ / "finer", {}}};
  recipe_.localizer.reset();
  recipe_.calibrator.reset();
  Pipeline both = pipeline();
  const auto mean = predict(both).probability.voxels;
  std::vector<double> expected(mean.size(), 0.0);
  for (const ModelSource& member : std::vector<ModelSource>(recipe_.members)) {
    recipe_.members = {member};
    Pipeline alone = pipeline();
    const auto found = predict(alone).probability.voxels;
    for (std::size_t i = 0; i < mean.size(); ++i) expected[i] += found[i] / 2.0;
  }
  for (std::size_t i = 0; i < mean.size(); ++i) ASSERT_NEAR(mean[i], expected[i], 1e-6);
}

TEST_F(PipelineTest, UnknownLocalizerLabelIsRefused) {
  recipe_.localizer_label = "liver";
  EXPECT_THAT(test::error_message([&] { pipeline(); }),
              HasSubstr("there is no label 'liver'; the model knows: background, pancreas"));
}

TEST_F(PipelineTest, ProbabilitiesOutsideTheCalibratorsSupportAreAWarning) {
  const auto warnings_with = [&](const Json& support) {
    Json calibrator = test::tiny_calibrator();
    calibrator["support"] = support;
    test::put_file(folder_ / "calibrator.json", calibrator.dump());
    Pipeline tiny = pipeline();
    return predict(tiny).warnings;
  };
  EXPECT_THAT(warnings_with(nullptr), ElementsAre());
  EXPECT_THAT(warnings_with({{"low", 0}, {"high", 1}}), ElementsAre());
  const CaseResult result = [&] {
    Pipeline tiny = pipeline();
    return predict(tiny);
  }();
  std::vector<float> inside;
  for (std::size_t i = 0; i < result.uncalibrated.size(); ++i) {
    if (result.region.mask[i] != 0) inside.push_back(result.uncalibrated[i]);
  }
  std::ranges::sort(inside);
  const float low = inside[inside.size() / 4];
  const float high = inside[3 * inside.size() / 4];
  const auto outside = static_cast<double>(std::ranges::count_if(inside, [&](float p) { return p < low || p > high; }));
  EXPECT_THAT(
      warnings_with({{"low", low}, {"high", high}}),
      ElementsAre(fmt::format("{:.2f} % of the region of interest has probabilities outside {:g} to {:g}, which "
                              "the calibrator was fitted to",
                              100 * outside / static_cast<double>(inside.size()), low, high)));
  // Up to one voxel in a thousand is not worth a warning.
  EXPECT_THAT(warnings_with({{"low", inside[inside.size() / 1000]}, {"high", 1}}), ElementsAre());
}

TEST_F(PipelineTest, SummaryOfACase) {
  Pipeline tiny = pipeline();
  const CaseResult result = predict(tiny);
  const auto segmentation = threshold_map(result, 0.25);
  const RunFacts facts{tiny.engine_name(), "cpu", "fp32", 2, 0.5, false, 0.25};
  const Json summary = case_summary("ct", input_, result, segmentation, tiny.bundle(), facts);
  const double voxel = 2 * 2 * 2.5;
  double sum = 0;
  for (const float p : result.probability.voxels) sum += p;
  EXPECT_NEAR(summary["expected_volume_mm3"].get<double>(), sum * voxel, 1e-6 * sum * voxel);
  EXPECT_EQ(summary["tumor_volume_mm3"],
            static_cast<double>(std::count(segmentation.begin(), segmentation.end(), 1)) * voxel);
  EXPECT_EQ(summary["maximum_probability"].get<float>(),
            *std::max_element(result.probability.voxels.begin(), result.probability.voxels.end()));
  EXPECT_EQ(summary["bundle"]["sha256"], tiny.bundle().hash);
  EXPECT_EQ(summary["bundle"]["networks_sha256"], networks_sha256(tiny.bundle()));
  EXPECT_EQ(summary["input"]["sha256"], sha256_of_file(folder_ / "ct.nii.gz"));
  EXPECT_EQ(summary["input"]["geometry"]["spacing_mm"], Json({2.0, 2.0, 2.5}));
  const Box3& box = result.region.box;
  EXPECT_EQ(summary["region_of_interest"]["box_voxels"]["end"], Json({box.end[2], box.end[1], box.end[0]}));
  EXPECT_EQ(summary["calibration_target"], "mhr");
  EXPECT_EQ(summary["research_use"], kResearchUse);
  EXPECT_TRUE(summary["run"]["seconds"].contains("member 3"));
}

TEST(Summary, AgreementVolumes) {
  const std::vector<float> p{0, 0.19F, 0.2F, 0.4F, 0.6F, 0.79999995F, 1};
  EXPECT_THAT(agreement_volumes_mm3(p, 2), ElementsAre(10, 8, 6, 4, 2));
}

TEST(Summary, ThresholdIsReachedInsideTheRegionOnly) {
  CaseResult result;
  result.probability.voxels = {0, 0.5F, 0.49F, 0.9F};
  result.region.mask = {1, 1, 1, 0};
  EXPECT_THAT(threshold_map(result, 0.5), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(threshold_map(result, 0), ElementsAre(1, 1, 1, 0));
}

TEST(InputIdentity, OfAFolderDependsOnNamesAndContents) {
  const test::TemporaryFolder folder;
  test::put_file(folder / "1.dcm", "a");
  test::put_file(folder / "2.dcm", "b");
  const std::string before = sha256_of_input(folder.path());
  EXPECT_EQ(sha256_of_input(folder.path()), before);
  std::filesystem::rename(folder / "2.dcm", folder / "3.dcm");
  const std::string renamed = sha256_of_input(folder.path());
  EXPECT_NE(renamed, before);
  test::put_file(folder / "3.dcm", "c");
  EXPECT_NE(sha256_of_input(folder.path()), renamed);
  EXPECT_EQ(sha256_of_input(folder / "1.dcm"), sha256_of("a"));
  const std::string before_nesting = sha256_of_input(folder.path());
  std::filesystem::create_directory(folder / "below");
  test::put_file(folder / "below/1.dcm", "a");
  EXPECT_NE(sha256_of_input(folder.path()), before_nesting);
}

}  // namespace
}  // namespace twintrack

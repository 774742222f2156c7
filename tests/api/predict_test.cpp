// Prediction by the public interface: what the pipeline gives, and how it behaves towards a program.
#include <gmock/gmock.h>

#include <atomic>
#include <limits>
#include <thread>

#include "api/scene.hpp"
#include "support/error_message.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/pipeline/pipeline.hpp"
#include "twintrack/pipeline/summary.hpp"

namespace twintrack {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const PredictOptions kOptions{.precision = "fp32", .mirroring = false};

class PredictTest : public testing::Test {
 protected:
  std::string message_for(const Volume<float>& ct) {
    TumorPredictor predictor(bundle_.path(), kOptions);
    return test::error_message([&] { predictor.predict(ct); });
  }

  test::TinyBundle bundle_;
  Volume<float> ct_ = test::tiny_ct(test::tiny_geometry());
};

TEST_F(PredictTest, IsThePipelines) {
  write_volume(bundle_ / "ct.mha", ct_);
  Pipeline pipeline(read_bundle(bundle_.path()), {0.5, false, Precision::fp32});
  CaseInput input = pipeline.read(bundle_ / "ct.mha", {});
  const CaseResult expected = pipeline.predict(input, true, [](auto&, auto, auto) {});

  TumorPredictor predictor(bundle_.path(), kOptions);
  std::vector<std::string> stages;
  const Prediction found = predictor.predict(
      ct_,
      [&](const std::string& stage, std::int64_t done, std::int64_t total) {
        EXPECT_LE(done, total);
        if (stages.empty() || stages.back() != stage) stages.push_back(stage);
      },
      true);
  EXPECT_EQ(found.probability.geometry, ct_.geometry);
  EXPECT_EQ(found.probability.voxels, expected.probability.voxels);
  EXPECT_EQ(found.uncalibrated->voxels, expected.uncalibrated);
  EXPECT_EQ(found.region_of_interest.voxels, expected.region.mask);
  EXPECT_EQ(found.segmentation.voxels, threshold_map(expected, 0.5));
  EXPECT_TRUE(found.calibrated);
  EXPECT_THAT(stages, ElementsAre("localiser", "member 1 of 2", "member 2 of 2"));
  EXPECT_FALSE(predictor.predict(ct_).uncalibrated);
  EXPECT_EQ(predictor.predict(ct_).probability.voxels, expected.probability.voxels);
}

TEST_F(PredictTest, FiguresAreTheSummarys) {
  TumorPredictor predictor(bundle_.path(), kOptions);
  const Prediction found = predictor.predict(ct_);
  const Json summary = parse_json(found.summary, "summary");
  EXPECT_EQ(summary["research_use"], kResearchUse);
  EXPECT_EQ(found.tumor_volume_mm3, summary["tumor_volume_mm3"].get<double>());
  EXPECT_EQ(found.expected_volume_mm3, summary["expected_volume_mm3"].get<double>());
  EXPECT_GT(found.expected_volume_mm3, 0);
  EXPECT_EQ(found.agreement_volume_mm3[4], summary["agreement_volume_mm3"]["5/5"].get<double>());
  EXPECT_GE(found.agreement_volume_mm3[0], found.agreement_volume_mm3[4]);
  EXPECT_EQ(found.maximum_probability, *std::ranges::max_element(found.probability.voxels));
  EXPECT_EQ(found.seconds.front().first, "read");
  EXPECT_THAT(found.summary, Not(HasSubstr("sha256\": \"\"")));
  EXPECT_FALSE(summary["input"].contains("path"));
}

TEST_F(PredictTest, BundleIsDescribed) {
  const Bundle bundle = read_bundle(bundle_.path());
  const BundleInfo info = read_bundle_info(bundle_.path());
  EXPECT_EQ(info.name, "tiny");
  EXPECT_EQ(info.members, 2U);
  EXPECT_EQ(info.sha256, bundle.hash);
  EXPECT_EQ(info.networks_sha256, networks_sha256(bundle));
  EXPECT_TRUE(info.has_localizer);
  EXPECT_THAT(info.roi_margin_mm, ElementsAre(4, 4, 4));
  EXPECT_EQ(info.calibrator->x, bundle.calibrator->x);
  EXPECT_THAT(test::error_message([&] { read_bundle_info(bundle_ / "nowhere"); }), HasSubstr("nowhere"));
}

TEST_F(PredictTest, AnotherCalibratorStandsInForTheBundles) {
  PredictOptions options = kOptions;
  options.calibrator = Calibrator{"mhr", {0, 1}, {0.25, 0.25}};
  const Prediction found = TumorPredictor(bundle_.path(), options).predict(ct_);
  for (std::size_t i = 0; i < found.probability.voxels.size(); ++i)
    ASSERT_EQ(found.probability.voxels[i], found.region_of_interest.voxels[i] != 0 ? 0.25F : 0.0F);
  options.calibrator->networks_sha256 = std::string(64, 'a');
  EXPECT_THAT(test::error_message([&] { TumorPredictor(bundle_.path(), options); }), HasSubstr("calibrator"));
}

TEST_F(PredictTest, ExceptionOfProgressEndsThePredictionAndTheNextOneIsWhole) {
  TumorPredictor predictor(bundle_.path(), kOptions);
  const Prediction expected = predictor.predict(ct_);
  for (const int stop_at : {1, 2, 5}) {
    int calls = 0;
    EXPECT_THROW(predictor.predict(ct_,
                                   [&](auto&, auto, auto) {
                                     if (++calls == stop_at) throw Interrupted();
                                   }),
                 Interrupted);
    EXPECT_EQ(calls, stop_at);
    EXPECT_EQ(predictor.predict(ct_).probability.voxels, expected.probability.voxels);
  }
}

TEST_F(PredictTest, PredictionFromItsOwnProgressIsRefused) {
  TumorPredictor predictor(bundle_.path(), kOptions);
  const auto nested = [&](auto&, auto, auto) { predictor.predict(ct_); };
  EXPECT_THAT(test::error_message<UsageError>([&] { predictor.predict(ct_, nested); }), HasSubstr("progress"));
}

TEST_F(PredictTest, SharedByThreads) {
  TumorPredictor predictor(bundle_.path(), kOptions);
  const Prediction expected = predictor.predict(ct_);
  std::atomic<int> equal = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { equal += predictor.predict(ct_).probability.voxels == expected.probability.voxels; });
  }
  threads.clear();
  EXPECT_EQ(equal, 4);
}

TEST_F(PredictTest, NumberOfThreadsIsThatOfTheCallAlone) {
  PredictOptions options = kOptions;
  options.threads = 3;
  set_thread_count(2);
  TumorPredictor predictor(bundle_.path(), options);
  int during = 0;
  const Prediction found = predictor.predict(ct_, [&](auto&, auto, auto) { during = thread_count(); });
  EXPECT_EQ(during, 3);
  EXPECT_EQ(thread_count(), 2);
  EXPECT_EQ(parse_json(found.summary, "summary")["run"]["threads"], 3);
}

TEST_F(PredictTest, VolumesThatAreNoCtAreNamed) {
  Volume<float> ct = ct_;
  ct.voxels[30] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message_for(ct), AllOf(HasSubstr("the CT"), HasSubstr("x=6, y=1, z=0")));
  ct = ct_;
  ct.voxels.pop_back();
  EXPECT_THAT(message_for(ct), AllOf(HasSubstr("13823 voxels"), HasSubstr("13824")));
  ct = ct_;
  ct.geometry.spacing_mm[1] = 0;
  EXPECT_THAT(message_for(ct), HasSubstr("spacing of 0 mm along y"));
  ct = ct_;
  ct.geometry.direction = {};
  EXPECT_THAT(message_for(ct), HasSubstr("orthonormal"));
  EXPECT_THAT(message_for({}), HasSubstr("empty"));
  EXPECT_THAT(message_for({Geometry{{1 << 30, 1 << 30, 1 << 30}}, {}}), HasSubstr("overflows"));
}

TEST_F(PredictTest, VolumeThatVanishesAtTheNetworksSpacingIsRefused) {
  Geometry one;
  one.size = {1, 1, 1};
  EXPECT_THAT(message_for({one, {40.0F}}), HasSubstr("1 voxels at spacing 1 become 0 at spacing 2"));
}

TEST_F(PredictTest, OptionsOutOfRangeAreNamed) {
  const auto message = [&](auto&& change) {
    PredictOptions options = kOptions;
    change(options);
    return test::error_message<UsageError>([&] { TumorPredictor(bundle_.path(), options); });
  };
  EXPECT_THAT(message([](auto& o) { o.precision = "half"; }), HasSubstr("half"));
  EXPECT_THAT(message([](auto& o) { o.step_size = 0; }), HasSubstr("step_size"));
  EXPECT_THAT(message([](auto& o) { o.step_size = std::numeric_limits<double>::quiet_NaN(); }), HasSubstr("step_size"));
  EXPECT_THAT(message([](auto& o) { o.threads = -1; }), HasSubstr("threads"));
  EXPECT_THAT(message([](auto& o) { o.device = "tpu"; }), HasSubstr("tpu"));
}

}  // namespace
}  // namespace twintrack

// bundle.json: the round trip, paths that try to leave, and every way of being wrong.
#include "twintrack/pipeline/bundle.hpp"

#include <gmock/gmock.h>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"
#include "twintrack/pipeline/bundle_create.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

Bundle parse(const Json& document) { return parse_bundle(JsonView(document, "bundle.json")); }

BundledModel some_model(const std::string& folder) {
  return {folder, "3d_fullres", {"fold_0.safetensors", "fold_1.safetensors"}, {0, 2}};
}

Bundle some_bundle() {
  Bundle bundle;
  bundle.name = "pdac";
  bundle.trained_on = "40 CTs, \"quoted\", é";
  bundle.intended_use = "research";
  bundle.localizer = BundledLocalizer{some_model("localizer"), "pancreas", 2000, 1e6, 0.25};
  bundle.members = {some_model("member_0"), some_model("member_1")};
  bundle.tumor_labels = {"tumor", "duct"};
  bundle.roi_margin_mm = {100, 50.5, 15};
  bundle.calibrator = Calibrator{"mhr", {0}, {0}};
  bundle.threshold = 0.4;
  bundle.sha256 = {{"member_0/plans.json", std::string(64, 'a')}, {"calibrator.json", std::string(64, 'b')}};
  return bundle;
}

TEST(BundleJson, RoundTrip) {
  const Bundle bundle = some_bundle();
  const Json document = to_json(bundle);
  const Bundle found = parse(Json::parse(document.dump()));
  EXPECT_EQ(found.name, bundle.name);
  EXPECT_EQ(found.trained_on, bundle.trained_on);
  EXPECT_EQ(found.intended_use, bundle.intended_use);
  ASSERT_TRUE(found.localizer.has_value());
  EXPECT_EQ(found.localizer->model.folder, "localizer");
  EXPECT_EQ(found.localizer->label, "pancreas");
  EXPECT_EQ(found.localizer->minimal_volume_mm3, 2000);
  EXPECT_EQ(found.localizer->maximal_volume_mm3, 1e6);
  EXPECT_EQ(found.localizer->minimal_component_share, 0.25);
  ASSERT_EQ(found.members.size(), 2u);
  EXPECT_EQ(found.members[1].folder, "member_1");
  EXPECT_EQ(found.members[1].configuration, "3d_fullres");
  EXPECT_THAT(found.members[1].weights, ElementsAre("fold_0.safetensors", "fold_1.safetensors"));
  EXPECT_THAT(found.members[1].mirroring_axes, ElementsAre(0, 2));
  EXPECT_EQ(found.tumor_labels, bundle.tumor_labels);
  EXPECT_EQ(found.roi_margin_mm, bundle.roi_margin_mm);
  EXPECT_EQ(found.threshold, bundle.threshold);
  EXPECT_EQ(found.sha256, bundle.sha256);
  EXPECT_EQ(document["calibrator"], "calibrator.json");
}

TEST(BundleJson, WithoutLocalizerAndCalibrator) {
  Bundle bundle = some_bundle();
  bundle.localizer.reset();
  bundle.calibrator.reset();
  const Json document = to_json(bundle);
  EXPECT_TRUE(document["localizer"].is_null());
  EXPECT_TRUE(document["calibrator"].is_null());
  EXPECT_FALSE(parse(document).localizer.has_value());
}

TEST(NetworksIdentity, IsOfWhatMakesTheProbabilities) {
  const std::string before = networks_sha256(some_bundle());
  EXPECT_EQ(before.size(), 64u);
  const auto after = [](void (*change)(Bundle&)) {
    Bundle bundle = some_bundle();
    change(bundle);
    return networks_sha256(bundle);
  };
  EXPECT_EQ(after([](Bundle&) {}), before);
  EXPECT_EQ(after([](Bundle& b) { b.name = "other"; }), before);
  EXPECT_EQ(after([](Bundle& b) { b.trained_on = "other"; }), before);
  EXPECT_EQ(after([](Bundle& b) { b.intended_use = "other"; }), before);
  EXPECT_EQ(after([](Bundle& b) { b.threshold = 0.1; }), before);
  EXPECT_EQ(after([](Bundle& b) { b.calibrator.reset(); }), before);
  EXPECT_EQ(after([](Bundle& b) { b.sha256["calibrator.json"] = std::string(64, 'c'); }), before);
  EXPECT_EQ(after([](Bundle& b) { b.sha256.erase("calibrator.json"); }), before);
  EXPECT_EQ(after([](Bundle& b) { b.folder = "/elsewhere"; }), before);

  EXPECT_NE(after([](Bundle& b) { b.sha256["member_0/plans.json"] = std::string(64, 'd'); }), before);
  EXPECT_NE(after([](Bundle& b) { b.sha256["member_1/fold_0.safetensors"] = std::string(64, 'd'); }), before);
  EXPECT_NE(after([](Bundle& b) { b.members.pop_back(); }), before);
  EXPECT_NE(after([](Bundle& b) { b.members[0].mirroring_axes = {}; }), before);
  EXPECT_NE(after([](Bundle& b) { b.tumor_labels = {"tumor"}; }), before);
  EXPECT_NE(after([](Bundle& b) { b.roi_margin_mm[2] = 16; }), before);
  EXPECT_NE(after([](Bundle& b) { b.localizer.reset(); }), before);
  EXPECT_NE(after([](Bundle& b) { b.localizer->label = "liver"; }), before);
}

TEST(NetworksIdentity, CalibratorsOfOtherNetworksAreRefused) {
  Bundle bundle = some_bundle();
  bundle.folder = "/models/pdac";
  Calibrator calibrator{"mhr", {0}, {0}};
  require_made_for(calibrator, bundle, "c.json");  // it does not say
  calibrator.networks_sha256 = networks_sha256(bundle);
  require_made_for(calibrator, bundle, "c.json");
  bundle.roi_margin_mm[0] += 1;
  EXPECT_THAT(test::error_message([&] { require_made_for(calibrator, bundle, "c.json"); }),
              testing::AllOf(testing::StartsWith("c.json: networks_sha256: "), HasSubstr("/models/pdac"),
                             HasSubstr(networks_sha256(bundle).substr(0, 12)), HasSubstr("--force")));
}

struct Wrong {
  const char* name;
  void (*change)(Json& bundle);
  const char* message;
};

class WrongBundle : public testing::TestWithParam<Wrong> {};

TEST_P(WrongBundle, IsRefusedByName) {
  Json document = to_json(some_bundle());
  GetParam().change(document);
  const std::string message = test::error_message([&] { parse(document); });
  EXPECT_THAT(message, testing::StartsWith("bundle.json: "));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

const Wrong kWrong[] = {
    {"Format", [](Json& b) { b["format"] = "twintrack-bundle/9"; }, "format: 'twintrack-bundle/9' is not supported"},
    {"NoName", [](Json& b) { b.erase("name"); }, "\"name\" is missing"},
    {"NoIntendedUse", [](Json& b) { b.erase("intended_use"); }, "\"intended_use\" is missing"},
    {"NoMembers", [](Json& b) { b["members"] = Json::array(); }, "members: 0 entries; 1 to 64 are right"},
    {"ManyMembers", [](Json& b) { b["members"] = Json(std::vector<Json>(65, b["members"][0])); },
     "members: 65 entries"},
    {"NoWeights", [](Json& b) { b["members"][0]["weights"] = Json::array(); }, "members[0].weights: 0 entries"},
    {"FolderIsAbsolute", [](Json& b) { b["members"][0]["folder"] = "/etc"; },
     "members[0].folder: '/etc' is not a path inside"},
    {"FolderLeaves", [](Json& b) { b["members"][1]["folder"] = "a/../../b"; }, "is not a path inside the bundle"},
    {"FolderIsParent", [](Json& b) { b["localizer"]["model"]["folder"] = ".."; }, "localizer.model.folder"},
    {"FolderIsEmpty", [](Json& b) { b["members"][0]["folder"] = ""; }, "members[0].folder: ''"},
    {"WeightsLeave", [](Json& b) { b["members"][0]["weights"][1] = "../x"; }, "members[0].weights[1]"},
    {"FilesLeave", [](Json& b) { b["files"]["../../etc/passwd"] = "0"; },
     "files: '../../etc/passwd' is not a path inside"},
    {"AxisOutside", [](Json& b) { b["members"][0]["mirroring_axes"] = {3}; }, "mirroring_axes[0]"},
    {"AxisTwice",
     [](Json& b) {
       b["members"][0]["mirroring_axes"] = {1, 1};
     },
     "an axis appears twice"},
    {"Averaging", [](Json& b) { b["averaging"] = "logits"; }, "averaging: 'logits' is not supported"},
    {"NoTumor", [](Json& b) { b["tumor_labels"] = Json::array(); }, "tumor_labels: 0 entries"},
    {"MarginOfTwo",
     [](Json& b) {
       b["roi_margin_mm"] = {1, 2};
     },
     "expected three numbers: x, y, z"},
    {"NegativeMargin",
     [](Json& b) {
       b["roi_margin_mm"] = {1, -2, 3};
     },
     "roi_margin_mm[1]"},
    {"Threshold", [](Json& b) { b["threshold"] = 1.5; }, "threshold: expected at most 1"},
    {"LimitsSwapped",
     [](Json& b) {
       b["localizer"]["volume_mm3"] = {10, 5};
     },
     "localizer.volume_mm3[1]: expected at least 10"},
    {"LimitsOfOne", [](Json& b) { b["localizer"]["volume_mm3"] = {10}; }, "expected [minimum, maximum]"},
    {"CalibratorElsewhere", [](Json& b) { b["calibrator"] = "other.json"; }, "null or 'calibrator.json' is right"},
    {"SumIsANumber", [](Json& b) { b["files"]["calibrator.json"] = 5; }, "files.calibrator.json: expected a string"},
};

INSTANTIATE_TEST_SUITE_P(Table, WrongBundle, testing::ValuesIn(kWrong),
                         [](const auto& test) { return std::string(test.param.name); });

// A bundle of two folds of one model and a calibrator.
class BundleFolder : public testing::Test {
 protected:
  BundleFolder() {
    test::write_model(folder_ / "model", {.fold_seeds = {1, 2}});
    test::put_file(folder_ / "calibrator.json", test::tiny_calibrator().dump());
    recipe_.name = "tiny";
    recipe_.members = {{folder_ / "model", parse_folds("0,1")}, {folder_ / "model", parse_folds("1")}};
    recipe_.tumor_labels = {"tumor"};
    recipe_.calibrator = folder_ / "calibrator.json";
  }
  fs::path path() const { return folder_ / "bundle"; }
  Bundle create() const { return create_bundle(recipe_, path(), false); }
  std::string refusal() const {
    return test::error_message([&] { read_bundle(path()); });
  }

  test::TemporaryFolder folder_;
  BundleRecipe recipe_;
};

TEST_F(BundleFolder, IsReadAsItWasMade) {
  const Bundle made = create();
  const Bundle found = read_bundle(path());
  EXPECT_EQ(found.hash, made.hash);
  EXPECT_EQ(found.sha256, made.sha256);
  EXPECT_EQ(found.sha256.size(), 8u);  // 2 x (plans, dataset), 3 folds, calibrator
  ASSERT_TRUE(found.calibrator.has_value());
  EXPECT_EQ(found.calibrator->x, (std::vector<float>{0.1F, 0.5F, 0.9F}));
  const Model model = read_bundled_model(found, found.members[0]);
  ASSERT_EQ(model.folds.size(), 2u);
  const TensorMap expected = test::tiny_weights(test::tiny_plans(), test::tiny_dataset({"tumor", "veins"}), 2);
  for (const auto& [name, tensor] : expected) EXPECT_EQ(model.folds[1].at(name).values, tensor.values) << name;
  EXPECT_THAT(model.mirroring_axes, ElementsAre(2));
}

TEST_F(BundleFolder, WeightsInBfloat16AreRounded) {
  recipe_.weights = DType::bfloat16;
  const Bundle bundle = create();
  const Model model = read_bundled_model(bundle, bundle.members[1]);
  const TensorMap expected = test::tiny_weights(test::tiny_plans(), test::tiny_dataset({"tumor", "veins"}), 2);
  for (const auto& [name, tensor] : expected) {
    for (std::size_t i = 0; i < tensor.values.size(); ++i) {
      ASSERT_EQ(model.folds[0].at(name).values[i], bfloat16_to_float(float_to_bfloat16(tensor.values[i]))) << name;
    }
  }
}

TEST_F(BundleFolder, ChangedFilesAreNoticed) {
  create();
  std::string weights = test::get_file(path() / "member_0" / "fold_0.safetensors");
  weights.back() = static_cast<char>(weights.back() ^ 1);
  test::put_file(path() / "member_0" / "fold_0.safetensors", weights);
  EXPECT_THAT(refusal(),
              testing::AllOf(HasSubstr("member_0/fold_0.safetensors: damaged or changed"), HasSubstr("SHA-256")));
}

TEST_F(BundleFolder, MissingFilesAreNoticed) {
  create();
  fs::remove(path() / "member_1" / "dataset.json");
  EXPECT_THAT(refusal(), HasSubstr("member_1/dataset.json: missing, but bundle.json names it"));
  fs::remove(path() / "bundle.json");
  EXPECT_THAT(refusal(), HasSubstr("there is no bundle.json in it"));
}

TEST_F(BundleFolder, FilesWithoutASumAreNotUsed) {
  create();
  test::edit_json(path() / "bundle.json", [](Json& bundle) { bundle["files"].erase("calibrator.json"); });
  EXPECT_THAT(refusal(), HasSubstr("calibrator.json is used, but has no SHA-256"));
  test::edit_json(path() / "bundle.json", [](Json& bundle) {
    bundle["calibrator"] = nullptr;
    bundle["files"].erase("member_0/fold_1.safetensors");
  });
  const Bundle bundle = read_bundle(path());
  EXPECT_THAT(test::error_message([&] { read_bundled_model(bundle, bundle.members[0]); }),
              HasSubstr("member_0/fold_1.safetensors is used, but has no SHA-256"));
}

TEST_F(BundleFolder, UnknownTumorLabelLeavesNothingBehind) {
  recipe_.tumor_labels = {"tumour"};
  EXPECT_THAT(test::error_message([&] { create(); }),
              HasSubstr("there is no label 'tumour'; the model knows: background, tumor, veins"));
  EXPECT_EQ(folder_.entries(), 2u) << "the model and the calibrator";
}

TEST_F(BundleFolder, TheLocalizerMayHaveACheckpointOfItsOwn) {
  recipe_.localizer = {folder_ / "model", parse_folds("0")};
  recipe_.localizer_label = "veins";
  for (const char* fold : {"fold_0", "fold_1"}) {
    fs::copy(folder_ / "model" / fold / test::checkpoint_name, folder_ / "model" / fold / "best.pth");
  }
  fs::remove(folder_ / "model" / "fold_0" / test::checkpoint_name);
  EXPECT_THAT(test::error_message([&] { create(); }), HasSubstr("fold 0 has no checkpoint_final.pth"));
  recipe_.members = {{folder_ / "model", parse_folds("1")}};
  recipe_.localizer_checkpoint_name = "best.pth";
  EXPECT_EQ(create().sha256.count("localizer/fold_0.safetensors"), 1u);
}

TEST_F(BundleFolder, OnlyABundleIsReplacedAndOnlyWhenAsked) {
  const std::string first = create().hash;
  EXPECT_THAT(test::error_message<UsageError>([&] { create(); }), HasSubstr("exists already"));
  recipe_.name = "other";
  EXPECT_NE(create_bundle(recipe_, path(), true).hash, first);
  EXPECT_EQ(read_bundle(path()).name, "other");
  EXPECT_THAT(test::error_message<UsageError>([&] { create_bundle(recipe_, folder_ / "model", true); }),
              HasSubstr("is no bundle; it is not replaced"));
  EXPECT_TRUE(fs::exists(folder_ / "model" / "plans.json"));
}

TEST(TumorChannels, AreFoundByName) {
  const LabelScheme plain{false, {"background", "tumor", "veins", "duct"}, {0, 1, 2, 3}};
  EXPECT_THAT(tumor_channels(plain, {"duct", "tumor"}, "m"), ElementsAre(3, 1));
  const LabelScheme regions{true, {"tumor", "organ"}, {1, 2}};
  EXPECT_THAT(tumor_channels(regions, {"tumor"}, "m"), ElementsAre(0));
  EXPECT_THAT(test::error_message([&] {
                tumor_channels(regions, {"tumor", "organ"}, "m");
              }),
              HasSubstr("the labels are regions, which may overlap"));
}

TEST(ModelSource, IsAFolderWithFolds) {
  EXPECT_EQ(parse_model_source("a/b").folder, "a/b");
  EXPECT_TRUE(parse_model_source("a/b").folds.folds.empty());
  EXPECT_EQ(parse_model_source("a/b:0,2").folder, "a/b");
  EXPECT_THAT(parse_model_source("a/b:0,2").folds.folds, ElementsAre("0", "2"));
  EXPECT_THAT(test::error_message<UsageError>([] { parse_model_source("a:b"); }),
              HasSubstr("neither a number nor 'all'"));
}

}  // namespace
}  // namespace twintrack

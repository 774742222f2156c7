// A job of grand-challenge.org as the platform runs it: fixed folders, read-only input and root, a user whom nobody
// knows, no network, little memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/scene.hpp"
#include "twintrack/pipeline/detection_map.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kCurvas = "curvas-pdacvi";
constexpr const char* kPanorama = "panorama";
constexpr const char* kUid = "12345";

class GrandChallenge : public testing::Test {
 protected:
  GrandChallenge() {
    Geometry geometry = tiny_geometry();
    geometry.origin_mm = {-151.25, 33.125, 1000.0625};
    geometry.direction = {0, 1, 0, -1, 0, 0, 0, 0, 1};
    const Volume<float> ct = tiny_ct(geometry);
    for (const char* folder : {"thoracic-abdominal-ct", "venous-ct"}) {
      fs::create_directories(input() / "images" / folder);
      write_volume(input() / "images" / folder / "6d2a8a6e-2f0f-4b5c-8c3e-b0f1f1a0c0de.mha", ct);
    }
    put_file(input() / "inputs.json", "[]");
    fs::create_directory(output());
  }

  fs::path input() const { return scene_ / "input"; }
  fs::path output() const { return scene_ / "output"; }
  fs::path ct_folder() const { return input() / "images" / "thoracic-abdominal-ct"; }
  fs::path ct() const { return ct_folder() / "6d2a8a6e-2f0f-4b5c-8c3e-b0f1f1a0c0de.mha"; }

  Outcome run(const std::string& task, const Arguments& options = {}) const {
    Arguments all{"grand-challenge", "--task", task, "-b", scene_.bundle(), "--input", input(), "--output", output()};
    all.insert(all.end(), options.begin(), options.end());
    return run_twintrack(all);
  }

  // The files that `predict` writes for the same CT, as case "reference".
  void predict() const {
    fs::copy_file(ct(), scene_ / "reference.mha");
    const Outcome outcome =
        run_twintrack(scene_.predict_on(scene_ / "reference.mha", {"--format", "mha", "--save-uncalibrated"}));
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  fs::path predicted(const std::string& part) const { return scene_.out() / ("reference_" + part + ".mha"); }

  // `command` with the platform's file system and nothing else of this machine but /usr: read-only root and input,
  // no passwd file, no environment, no network, no privileges. The folder `bundle` is where the platform unpacks
  // models.
  Arguments on_platform(const Arguments& command) const {
    Arguments all{"bwrap",
                  "--unshare-all",
                  "--die-with-parent",
                  "--uid",
                  kUid,
                  "--gid",
                  kUid,
                  "--cap-drop",
                  "ALL",
                  "--clearenv",
                  "--ro-bind",
                  "/usr",
                  "/usr",
                  "--symlink",
                  "usr/bin",
                  "/bin",
                  "--symlink",
                  "usr/lib",
                  "/lib",
                  "--symlink",
                  "usr/lib64",
                  "/lib64",
                  "--proc",
                  "/proc",
                  "--dev",
                  "/dev",
                  "--tmpfs",
                  "/tmp",
                  "--ro-bind",
                  TWINTRACK_BINARY,
                  "/twintrack"};
    for (const auto& [kind, from, to] : {std::tuple{"--ro-bind", input(), "/input"},
                                         {"--bind", output(), "/output"},
                                         {"--ro-bind", scene_.bundle(), "/opt/ml/model"}}) {
      all.insert(all.end(), {kind, from, to});
    }
    all.insert(all.end(), {"--remount-ro", "/", "--"});
    all.insert(all.end(), command.begin(), command.end());
    return all;
  }
  bool has_platform() const { return run_process(on_platform({"/twintrack", "--version"})).status == 0; }

  Scene scene_;
};

TEST_F(GrandChallenge, CurvasWritesWhatPredictWrites) {
  predict();
  const Outcome outcome = run(kCurvas);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(files_below(output()),
              ElementsAre("images/pdac-confidence/output.mha", "images/pdac-segmentation/output.mha"));
  EXPECT_EQ(get_file(output() / "images/pdac-confidence/output.mha"), get_file(predicted("probability")));
  EXPECT_EQ(get_file(output() / "images/pdac-segmentation/output.mha"), get_file(predicted("segmentation")));
}

TEST_F(GrandChallenge, ImagesHaveTheInputsGeometryAndTheInterfacesTypes) {
  ASSERT_EQ(run(kCurvas).status, 0);
  const Geometry geometry = read_volume(ct()).geometry;
  const fs::path confidence = output() / "images/pdac-confidence/output.mha";
  const fs::path segmentation = output() / "images/pdac-segmentation/output.mha";
  EXPECT_EQ(read_volume(confidence).geometry, geometry);
  EXPECT_EQ(read_labels(segmentation).geometry, geometry);
  EXPECT_THAT(get_file(confidence), AllOf(HasSubstr("MET_FLOAT"), HasSubstr("CompressedData = True")));
  EXPECT_THAT(get_file(segmentation), AllOf(HasSubstr("MET_UCHAR"), HasSubstr("CompressedData = True")));
}

TEST_F(GrandChallenge, PanoramaWritesCandidatesOfTheUncalibratedMap) {
  predict();
  const Outcome outcome = run(kPanorama);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(files_below(output()),
              ElementsAre("images/pdac-detection-map/detection_map.mha", "pdac-likelihood.json"));
  const Volume<float> uncalibrated = read_volume(predicted("uncalibrated"));
  const DetectionMap expected = detection_map(uncalibrated.voxels, uncalibrated.geometry.shape());
  const fs::path file = output() / "images/pdac-detection-map/detection_map.mha";
  const Volume<float> map = read_volume(file);
  ASSERT_GT(expected.likelihood, 0.0F);
  EXPECT_EQ(map.voxels, expected.confidence);
  EXPECT_EQ(map.geometry, read_volume(ct()).geometry);
  EXPECT_THAT(get_file(file), AllOf(HasSubstr("MET_FLOAT"), HasSubstr("CompressedData = True")));
  const Json likelihood = get_json(output() / "pdac-likelihood.json");
  ASSERT_TRUE(likelihood.is_number_float());
  EXPECT_EQ(likelihood.get<float>(), expected.likelihood);
}

TEST_F(GrandChallenge, PanoramaUsesTheNetworksMapOfAnUncalibratedBundle) {
  ASSERT_EQ(run(kPanorama).status, 0);
  const std::string first = get_file(output() / "images/pdac-detection-map/detection_map.mha");
  scene_.change_bundle("bundle.json", [](Json& bundle) {
    bundle["calibrator"] = nullptr;
    bundle["files"].erase("calibrator.json");
  });
  const Outcome outcome = run(kPanorama);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("warning: the bundle has no calibrator"));
  EXPECT_EQ(get_file(output() / "images/pdac-detection-map/detection_map.mha"), first);
}

// The platform shows what stands on stderr as a warning.
TEST_F(GrandChallenge, SaysOnStdoutWhatItDidAndNothingOnStderr) {
  const Outcome outcome = run(kCurvas);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("images/pdac-confidence/output.mha\n"), HasSubstr("Research use only")));
  const Json summary = Json::parse(run(kCurvas, {"--json"}).out);
  EXPECT_EQ(summary["format"], "twintrack-case/1");
  EXPECT_EQ(summary["input"]["path"], ct().string());
}

TEST_F(GrandChallenge, HonoursInferenceOptions) {
  const Outcome outcome =
      run(kCurvas, {"--json", "--threads", "1", "--precision", "fp32", "--no-mirroring", "--step-size", "1"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json summary = Json::parse(outcome.out)["run"];
  EXPECT_EQ(summary["threads"], 1);
  EXPECT_EQ(summary["precision"], "fp32");
  EXPECT_EQ(summary["mirroring"], false);
  EXPECT_EQ(summary["step_size"], 1.0);
}

struct Refused {
  std::string name;
  int status;
  std::string message;
  void (*change)(const fs::path& input, const fs::path& bundle);
};

class GrandChallengeRefuses : public GrandChallenge, public testing::WithParamInterface<Refused> {};

TEST_P(GrandChallengeRefuses, WithAMessageAndNoResults) {
  GetParam().change(ct_folder(), scene_.bundle());
  const Outcome outcome = run(kCurvas);
  EXPECT_EQ(outcome.status, GetParam().status);
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().message));
  EXPECT_THAT(files_below(output()), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Inputs, GrandChallengeRefuses,
    testing::Values(Refused{"NoFolder", 3, "thoracic-abdominal-ct: there is no such folder",
                            [](const fs::path& input, const fs::path&) { fs::remove_all(input); }},
                    Refused{"NoFile", 3, "thoracic-abdominal-ct: 0 .mha files; one is right",
                            [](const fs::path& input, const fs::path&) {
                              for (const auto& entry : fs::directory_iterator(input))
                                fs::rename(entry.path(), entry.path().string() + ".tif");
                            }},
                    Refused{"TwoFiles", 3, "thoracic-abdominal-ct: 2 .mha files; one is right",
                            [](const fs::path& input, const fs::path&) { put_file(input / "second.mha", ""); }},
                    Refused{"Truncated", 3, ".mha: ",
                            [](const fs::path& input, const fs::path&) {
                              for (const auto& entry : fs::directory_iterator(input))
                                fs::resize_file(entry.path(), 500);
                            }},
                    Refused{"NoBundle", 3, "bundle: there is no bundle.json in it",
                            [](const fs::path&, const fs::path& bundle) { fs::remove(bundle / "bundle.json"); }}),
    [](const auto& test) { return test.param.name; });

TEST_F(GrandChallenge, RefusesAnUnknownOrMissingTask) {
  const Outcome unknown = run("picai");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.err, HasSubstr("curvas-pdacvi"));
  const Outcome missing = run_twintrack({"grand-challenge"});
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.err, HasSubstr("--task"));
}

TEST_F(GrandChallenge, RefusesAFullDiskWithoutLeavingHalfAFile) {
  const Arguments command = {"grand-challenge", "--task", kCurvas,    "-b",    scene_.bundle(),
                             "--input",         input(),  "--output", output()};
  const Outcome outcome = run_process(with_file_limit(4, twintrack_command(command)));
  EXPECT_EQ(outcome.status, 4);
  EXPECT_THAT(outcome.err, HasSubstr("cannot write " + (output() / "images").string()));
  EXPECT_THAT(files_below(output()), IsEmpty());
}

class OnPlatform : public GrandChallenge {
 protected:
  void SetUp() override {
    if (!has_platform()) GTEST_SKIP() << "bubblewrap cannot make the platform's file system here";
  }
};

TEST_F(OnPlatform, RunsWithDefaultFoldersUnprivilegedReadOnlyAndOffline) {
  ASSERT_EQ(run(kCurvas).status, 0);
  const std::string confidence = get_file(output() / "images/pdac-confidence/output.mha");
  fs::remove_all(output() / "images");
  const Outcome outcome = run_process(on_platform({"/twintrack", "grand-challenge", "--task", kCurvas}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(get_file(output() / "images/pdac-confidence/output.mha"), confidence);
}

TEST_F(OnPlatform, TakesTaskAndBundleFromTheEnvironment) {
  const Arguments command{"/bin/env", "TWINTRACK_TASK=panorama", "TWINTRACK_BUNDLE=/opt/ml/model", "/twintrack",
                          "grand-challenge"};
  const Outcome outcome = run_process(on_platform(command));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(output() / "pdac-likelihood.json"));
}

TEST_F(OnPlatform, NamesTheFoldersWhereABundleIsMissing) {
  fs::remove(scene_.bundle() / "bundle.json");
  const Outcome outcome = run_process(on_platform({"/twintrack", "grand-challenge", "--task", kCurvas}));
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("neither /opt/ml/model nor /opt/app/bundle holds a bundle.json"));
  EXPECT_THAT(files_below(output()), IsEmpty());
}

TEST_F(OnPlatform, WorksWithLimitedMemoryAndSaysWhenItIsTooLittle) {
  const auto limited = [&](int kibibytes) {
    return run_process(on_platform({"/bin/bash", "-c", "ulimit -v \"$0\" && exec \"$@\"", std::to_string(kibibytes),
                                    "/twintrack", "grand-challenge", "--task", kCurvas, "--threads", "2"}));
  };
  const Outcome enough = limited(1'500'000);
  EXPECT_EQ(enough.status, 0) << enough.err;
  fs::remove_all(output() / "images");
  Geometry geometry = tiny_geometry();
  geometry.size = {512, 512, 300};
  write_volume(ct(), Volume<std::uint8_t>{geometry, std::vector<std::uint8_t>(geometry.voxel_count(), 100)});
  const Outcome little = limited(600'000);
  EXPECT_EQ(little.status, 4);
  EXPECT_THAT(little.err, HasSubstr("memory"));
  EXPECT_THAT(files_below(output()), IsEmpty());
}

}  // namespace
}  // namespace twintrack::test

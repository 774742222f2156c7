// What predict noted beside its maps.
#include "twintrack/pipeline/prediction_record.hpp"

#include <gtest/gtest.h>

#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"

namespace twintrack {
namespace {

class Record : public testing::Test {
 protected:
  void write(const std::string& text) const { test::put_file(folder_ / "a.json", text); }
  std::optional<PredictionRecord> of(const std::string& name) const { return prediction_record(folder_ / name); }
  test::TemporaryFolder folder_;
};

constexpr const char* kSummary =
    R"({"format": "twintrack-case/1", "calibrated": true, "bundle": {"name": "n", "networks_sha256": "abc"}})";

TEST_F(Record, IsReadFromTheSummaryBesideTheMap) {
  write(kSummary);
  for (const char* ending : {".nii.gz", ".mha", ".nrrd"}) {
    const auto calibrated = of(std::string("a_probability") + ending);
    ASSERT_TRUE(calibrated.has_value());
    EXPECT_EQ(calibrated->networks_sha256, "abc");
    EXPECT_TRUE(calibrated->calibrated);
    EXPECT_FALSE(of(std::string("a_uncalibrated") + ending)->calibrated);
  }
}

TEST_F(Record, HasTheWarningsOfTheCase) {
  write(kSummary);
  EXPECT_TRUE(of("a_probability.nii.gz")->warnings.empty());
  write(R"({"format": "twintrack-case/1", "calibrated": true, "warnings": ["one", "two"],
            "bundle": {"networks_sha256": "abc"}})");
  EXPECT_EQ(of("a_uncalibrated.nii.gz")->warnings, (std::vector<std::string>{"one", "two"}));
}

TEST_F(Record, OfABundleWithoutCalibratorIsNotCalibrated) {
  write(R"({"format": "twintrack-case/1", "calibrated": false, "bundle": {"networks_sha256": "abc"}})");
  EXPECT_FALSE(of("a_probability.nii.gz")->calibrated);
}

TEST_F(Record, IsNothingForOtherFiles) {
  EXPECT_FALSE(of("a_probability.nii.gz"));  // no summary
  write(kSummary);
  EXPECT_FALSE(of("b_probability.nii.gz"));
  EXPECT_FALSE(of("a.nii.gz"));
  EXPECT_FALSE(of("a_segmentation.nii.gz"));
  EXPECT_FALSE(of("_probability.nii.gz"));
  for (const char* other :
       {"not JSON", "[]", R"({"format": "twintrack-case/1"})", R"({"format": "another", "calibrated": true})",
        R"({"format": "twintrack-case/1", "calibrated": true, "bundle": {"sha256": "older"}})"}) {
    write(other);
    EXPECT_FALSE(of("a_probability.nii.gz")) << other;
  }
}

}  // namespace
}  // namespace twintrack

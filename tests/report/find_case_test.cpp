// Which files a report is made from.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_results.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/report/find_case.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class FindCase : public testing::Test {
 protected:
  FindCase() : files_(write_results(folder_.path(), made_)) {}
  fs::path results() const { return folder_ / "results"; }
  // The results again, under another name and, perhaps, of another input.
  void add_case(const std::string& name, bool same_input) const {
    for (const char* part : {"_probability.nii.gz", "_segmentation.nii.gz"})
      fs::copy_file(results() / (std::string("case") + part), results() / (name + part));
    Json summary = read_json(results() / "case.json");
    if (!same_input) summary["input"]["sha256"] = std::string(64, '0');
    write_file(results() / (name + ".json"), summary.dump());
  }

  TinyResults made_ = tiny_results();
  TemporaryFolder folder_;
  CaseFiles files_;
};

TEST_F(FindCase, TheOnlyOneIsMeant) {
  write_file(results() / "metrics.json", R"({"format": "twintrack-metrics/1"})");
  write_file(results() / "broken.json", "{");
  const CaseFiles found = case_of_results(results(), files_.image, {});
  EXPECT_EQ(found.name, "case");
  EXPECT_EQ(found.image, files_.image);
  EXPECT_EQ(found.probability, files_.probability);
  EXPECT_EQ(found.segmentation, files_.segmentation);
  EXPECT_EQ(found.uncalibrated, files_.uncalibrated);
  EXPECT_EQ(found.roi, files_.roi);
  EXPECT_EQ(found.summary, files_.summary);
}

TEST_F(FindCase, OfSeveralTheOneOfTheSameInput) {
  add_case("another", false);
  EXPECT_EQ(case_of_results(results(), files_.image, {}).name, "case");
  EXPECT_EQ(case_of_results(results(), files_.image, "another").name, "another");
}

TEST_F(FindCase, OrTheOneThatIsCalledAsTheImage) {
  add_case("patient", false);
  made_.ct.voxels[0] = 7;
  const fs::path image = folder_ / "patient_0000.nii.gz";
  write_volume(image, made_.ct);
  EXPECT_EQ(case_of_results(results(), image, {}).name, "patient");
}

TEST_F(FindCase, AnUnclearCaseIsAskedFor) {
  add_case("again", true);
  EXPECT_THAT(error_message([&] { case_of_results(results(), files_.image, {}); }),
              AllOf(HasSubstr("--case"), HasSubstr("again, case")));
}

TEST_F(FindCase, WhatIsMissingIsNamed) {
  const auto message = [&](const std::optional<std::string>& name = {}) {
    return error_message([&] { case_of_results(results(), files_.image, name); });
  };
  EXPECT_THAT(message("other"), HasSubstr("other.json: there is no such summary"));
  fs::copy_file(results() / "case_segmentation.nii.gz", results() / "case_segmentation.mha");
  EXPECT_THAT(message(), HasSubstr("case_segmentation.mha and case_segmentation.nii.gz are both there"));
  fs::remove(results() / "case_segmentation.mha");
  fs::remove(results() / "case_probability.nii.gz");
  EXPECT_THAT(message(), HasSubstr("there is no case_probability.nii.gz"));
  fs::remove(results() / "case.json");
  EXPECT_THAT(message(), HasSubstr("holds no CASE.json"));
  EXPECT_THAT(error_message([&] { case_of_results(folder_ / "none", files_.image, {}); }), HasSubstr("is no folder"));
  EXPECT_THAT(error_message([&] { case_of_results(results(), folder_.path(), {}); }), HasSubstr("one CT is right"));
}

TEST_F(FindCase, OfAManifestIsTheRowWithWhatLiesBesideTheMap) {
  write_file(folder_ / "cases.csv",
             "case,image,probability,raters,vessels\n"
             "one,ct.nii.gz,results/case_probability.nii.gz,rater_*.nii.gz,vessels.nii.gz\n"
             "two,ct.nii.gz,vessels.nii.gz,,\n");
  const Manifest manifest = read_manifest(folder_ / "cases.csv", std::vector{Column::image, Column::probability});
  const CaseFiles one = case_of_manifest(manifest, "one");
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(one.raters.size(), 5u);
  EXPECT_EQ(one.vessels->filename(), "vessels.nii.gz");
  EXPECT_EQ(one.summary->filename(), "case.json");
  EXPECT_EQ(one.uncalibrated->filename(), "case_uncalibrated.nii.gz");
  EXPECT_FALSE(one.roi.has_value());
  const CaseFiles two = case_of_manifest(manifest, "two");
  EXPECT_FALSE(two.summary.has_value());
  EXPECT_TRUE(two.raters.empty());
  EXPECT_THAT(error_message([&] { case_of_manifest(manifest, "three"); }), HasSubstr("has no case 'three'"));
}

}  // namespace
}  // namespace twintrack::test

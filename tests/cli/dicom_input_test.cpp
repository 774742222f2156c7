// DICOM as users hand it over: one study, a list of files, one slice, a folder of studies; and what they are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/scene.hpp"
#include "support/dicom_copy.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;

// Whole HU, as the DICOM files hold them.
Volume<float> whole_numbers(Volume<float> ct) {
  for (float& voxel : ct.voxels) voxel = std::max(-1024.0F, std::round(voxel));
  return ct;
}

class DicomInputs : public testing::Test {
 protected:
  DicomInputs() { write_dicom_copy(series(), whole_numbers(tiny_ct(tiny_geometry()))); }
  fs::path series() const { return scene_ / "PAT1" / "SER1"; }
  Json result_of(const fs::path& input, const std::string& name) const {
    fs::remove_all(scene_.out());
    const Outcome outcome = run_twintrack(scene_.predict_on(input));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return get_json(scene_.out() / (name + ".json"));
  }
  Scene scene_;
};

TEST_F(DicomInputs, TheSameCtIsTheSameCase) {
  const Json from_folder = result_of(series(), "SER1");
  const auto expect_the_same = [&](const Json& summary) {
    EXPECT_EQ(summary["expected_volume_mm3"], from_folder["expected_volume_mm3"]);
    EXPECT_EQ(summary["input"]["geometry"], from_folder["input"]["geometry"]);
  };
  std::string list;
  for (const std::string& name : files_below(series())) list += "PAT1/SER1/" + name + "\n";
  put_file(scene_ / "phase1.txt", list);
  expect_the_same(result_of(scene_ / "phase1.txt", "phase1"));
  expect_the_same(result_of(series() / "0003.dcm", "0003"));
  expect_the_same(result_of(scene_ / "PAT1", "PAT1"));
}

TEST_F(DicomInputs, AFolderOfStudiesIsOneCaseEach) {
  DicomImage other;
  other.study = "1.2.3";
  fs::create_directories(scene_ / "cohort");
  fs::rename(scene_ / "PAT1", scene_ / "cohort" / "PAT1");
  write_dicom_copy(scene_ / "cohort" / "PAT2" / "STUDY", whole_numbers(tiny_ct(tiny_geometry(), 2)), other);
  put_file(scene_ / "cohort" / "DICOMDIR", "an index of the medium");
  const Outcome outcome = run_twintrack(scene_.predict_on(scene_ / "cohort"));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(files_below(scene_.out()), IsSupersetOf({"PAT1.json", "PAT2.json"}));
}

TEST_F(DicomInputs, WarningsOfReadingComeFirst) {
  fs::copy(series() / "0003.dcm", series() / "copy");
  const Outcome outcome = run_twintrack(scene_.predict_on(series()));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("twintrack: SER1: warning: 1 slice left out (copy)"));
  EXPECT_THAT(get_json(scene_.out() / "SER1.json")["warnings"][0].get<std::string>(), HasSubstr("1 slice left out"));
}

TEST_F(DicomInputs, SegmentWarnsToo) {
  fs::copy(series() / "0003.dcm", series() / "copy");
  const Outcome outcome = run_twintrack({"segment", "-m", scene_.model(), "-i", series(), "-o", scene_.out()});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("twintrack: SER1: warning: 1 slice left out (copy)"));
}

}  // namespace
}  // namespace twintrack::test

// predict --dicom-out, --deidentify and --case-name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "cli/scene.hpp"
#include "dicom/readers.hpp"
#include "support/dicom_copy.hpp"
#include "support/dicom_study.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/volume/io.hpp"
#include "volume/dicom_bytes.hpp"

namespace twintrack::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr int wrong_usage = static_cast<int>(ExitStatus::wrong_usage);
constexpr int out_of_resources = static_cast<int>(ExitStatus::out_of_resources);

class DicomOut : public testing::Test {
 protected:
  DicomOut() {
    write_dicom_copy(series(), tiny_ct(tiny_geometry()));
    change_series(series(), set_patient);
  }

  fs::path series() const { return scene_ / "series"; }
  fs::path dicom() const { return scene_ / "dicom"; }
  Outcome predict_on(const fs::path& input, const Arguments& options = {}) const {
    Arguments all = scene_.predict_on(input, {"--dicom-out", dicom(), "--format", "nrrd", "--threshold", "0.2"});
    all.insert(all.end(), options.begin(), options.end());
    return run_twintrack(all);
  }
  Outcome predict(const Arguments& options = {}) const { return predict_on(series(), options); }

  // By readers that are not ours: dciodvfy and dsrdump find no error, pydicom the same voxels in the same place.
  void expect_right(const std::string& name, const fs::path& source, const Arguments& options = {}) const {
    for (const char* part : {"_segmentation.dcm", "_probability.dcm", "_probability_map.dcm", "_report.dcm"}) {
      ASSERT_TRUE(fs::exists(dicom() / (name + part))) << name + part;
      if (has_program("dciodvfy")) {
        EXPECT_EQ(errors_of_dciodvfy(dicom() / (name + part)), "") << name + part;
      }
    }
    if (has_program("dsrdump")) {
      const Outcome dump = run_process({"dsrdump", dicom() / (name + "_report.dcm")});
      EXPECT_EQ(dump.status, 0) << dump.err;
      EXPECT_THAT(dump.err, Not(HasSubstr("E:"))) << dump.err;
    }
    if (run_process({"/usr/bin/python3", "-c", "import pydicom, numpy"}).status != 0)
      GTEST_SKIP() << "/usr/bin/python3 has no pydicom (Debian: python3-pydicom)";
    Arguments check{
        "/usr/bin/python3", TWINTRACK_SOURCE_DIR "/tests/dicom/check_objects.py", scene_.out(), dicom(), name, source};
    check.insert(check.end(), options.begin(), options.end());
    const Outcome outcome = run_process(check);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_THAT(outcome.out, AllOf(StartsWith(name + ": "), Not(HasSubstr(": 0 voxels"))));
  }

  Scene scene_;
};

TEST_F(DicomOut, ObjectsHoldTheVoxelsAndTheStudy) {
  const Outcome outcome = predict();
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(files_below(dicom()), ElementsAre("series_probability.dcm", "series_probability_map.dcm",
                                                "series_report.dcm", "series_segmentation.dcm"));
  expect_right("series", series());
}

TEST_F(DicomOut, WithContactAngles) {
  Volume<std::uint8_t> vessels{tiny_geometry(), std::vector<std::uint8_t>(tiny_geometry().voxel_count(), 0)};
  for (std::size_t i = 0; i < vessels.voxels.size(); ++i) vessels.voxels[i] = i % 24 / 4 == 2 ? 5 : 0;
  write_volume(scene_ / "vessels.nii.gz", vessels);
  const Outcome outcome = predict({"--vessels", scene_ / "vessels.nii.gz"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  expect_right("series", series());
}

// Rows and columns differ, frames do not end at bytes, and the patient has next to no attributes.
TEST_F(DicomOut, OfASparseSourceOfOddSize) {
  Geometry geometry = tiny_geometry();
  geometry.size = {23, 21, 19};
  write_dicom_copy(scene_ / "odd", tiny_ct(geometry));
  const Outcome outcome = predict_on(scene_ / "odd");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("FrameOfReferenceUID"));
  for (const char* part : {"_segmentation.dcm", "_probability.dcm", "_probability_map.dcm", "_report.dcm"})
    EXPECT_EQ(errors_of_dciodvfy(dicom() / (std::string("odd") + part)), "");
  change_series(scene_ / "odd", [](DcmDataset& data) {
    set(data, DCM_StudyInstanceUID, "1.2.3");
    set(data, DCM_FrameOfReferenceUID, "1.2.4");
  });
  ASSERT_EQ(predict_on(scene_ / "odd", {"--overwrite"}).status, 0);
  expect_right("odd", scene_ / "odd");
}

TEST_F(DicomOut, OfAnEnhancedMultiFrameSource) {
  const Volume<float> ct = tiny_ct(tiny_geometry());
  EnhancedCt enhanced;
  enhanced.rows = enhanced.columns = 24;
  enhanced.pixel_spacing = "2\\2";
  for (int z = 0; z < 24; ++z) {
    EnhancedFrame frame;
    frame.position = fmt::format("-20.5\\10.25\\{}", -300 + 2.5 * z);
    for (int i = 0; i < 576; ++i)
      frame.pixels.push_back(static_cast<std::int16_t>(std::lround(ct.voxels[576 * z + i]) + 1024));
    enhanced.frames.insert(enhanced.frames.begin() + z / 2, frame);
  }
  fs::create_directory(scene_ / "enhanced");
  put_file(scene_ / "enhanced" / "volume.dcm", part10(enhanced_data_set(enhanced)));
  change_dicom(scene_ / "enhanced" / "volume.dcm", set_patient);
  const Outcome outcome = predict_on(scene_ / "enhanced");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  expect_right("enhanced", scene_ / "enhanced");
}

TEST_F(DicomOut, OfATiltedGantry) {
  change_series(series(), [](DcmDataset& data) {
    Float64 z = 0;
    ASSERT_TRUE(data.findAndGetFloat64(DCM_ImagePositionPatient, z, 2).good());
    set(data, DCM_ImagePositionPatient, fmt::format("-20.5\\{}\\{}", 10.25 + 0.2 * (z + 300), z));
  });
  const Outcome outcome = predict();
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  expect_right("series", series(), {"--resampled"});
}

TEST_F(DicomOut, NamesOfAllTheWorldSurvive) {
  change_series(series(), [](DcmDataset& data) {
    set(data, DCM_SpecificCharacterSet, "ISO_IR 192");
    set(data, DCM_PatientName, "王^小东=Wang^XiaoDong");
    set(data, DCM_StudyDescription, "Живот");
    set(data, DCM_ReferringPhysicianName, "");
  });
  ASSERT_EQ(predict().status, 0);
  expect_right("series", series());
}

TEST_F(DicomOut, HostileAttributesAreLeftOutAndTold) {
  change_series(series(), [](DcmDataset& data) {
    set(data, DCM_SpecificCharacterSet, "no such set");
    set(data, DCM_PatientID, std::string(3000, 'x'));
    set(data, DCM_PatientBirthDate, "<script>");
    set(data, DCM_StudyInstanceUID, "1.2.$(reboot)");
  });
  const Outcome outcome = predict();
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("PatientName (0010,0010)"), HasSubstr("PatientID (0010,0020)"),
                                 HasSubstr("StudyInstanceUID (0020,000d)"), Not(HasSubstr("reboot"))));
  EXPECT_THAT(get_json(scene_.out() / "series.json")["warnings"].dump(), HasSubstr("PatientBirthDate"));
  for (const std::string& file : files_below(dicom())) EXPECT_EQ(errors_of_dciodvfy(dicom() / file), "") << file;
}

TEST_F(DicomOut, AFolderOfSeriesGivesASetEach) {
  fs::create_directory(scene_ / "cohort");
  for (const char* name : {"anna", "bert"}) {
    write_dicom_copy(scene_ / "cohort" / name, tiny_ct(tiny_geometry()));
    change_series(scene_ / "cohort" / name, [&](DcmDataset& data) {
      set_patient(data);
      set(data, DCM_StudyInstanceUID, name[0] == 'a' ? "1.2.3.1" : "1.2.3.2");
      set(data, DCM_SeriesInstanceUID, name[0] == 'a' ? "1.2.3.1.1" : "1.2.3.2.1");
    });
  }
  const Outcome outcome = predict_on(scene_ / "cohort");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(files_below(dicom()), SizeIs(8));
  for (const char* name : {"anna", "bert"}) expect_right(name, scene_ / "cohort" / name);
}

TEST_F(DicomOut, OtherInputIsRefusedBeforeTheWork) {
  const Outcome outcome = predict_on(scene_.ct());
  EXPECT_EQ(outcome.status, wrong_usage);
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("--dicom-out"), HasSubstr("ct.nii.gz is not DICOM")));
  EXPECT_FALSE(fs::exists(dicom()));
}

TEST_F(DicomOut, DryRunNamesTheObjectsAndWritesNothing) {
  const Outcome outcome = predict({"--dry-run"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_FALSE(fs::exists(dicom()));
  EXPECT_EQ(predict_on(scene_.ct(), {"--dry-run"}).status, wrong_usage);
}

TEST_F(DicomOut, ObjectsAmongTheInputAreRefused) {
  for (const fs::path& folder : {series(), series() / "results"}) {
    const Outcome outcome = run_twintrack(scene_.predict_on(series(), {"--dicom-out", folder}));
    EXPECT_EQ(outcome.status, wrong_usage);
    EXPECT_THAT(outcome.err, HasSubstr("among the images of the input"));
  }
  EXPECT_THAT(files_below(series()), SizeIs(24));
}

TEST_F(DicomOut, ResultsAreKeptWhereAllObjectsAreThere) {
  ASSERT_EQ(predict().status, 0);
  const std::string report = get_file(dicom() / "series_report.dcm");
  EXPECT_THAT(predict().err, HasSubstr("had results already"));
  EXPECT_EQ(get_file(dicom() / "series_report.dcm"), report);
  fs::remove(dicom() / "series_probability_map.dcm");
  EXPECT_THAT(predict().err, Not(HasSubstr("had results already")));
  EXPECT_TRUE(fs::exists(dicom() / "series_probability_map.dcm"));
}

TEST_F(DicomOut, AFullDiskLeavesCompleteObjectsAndNoSummary) {
  if (!may_mount()) GTEST_SKIP() << "file systems cannot be mounted here";
  fs::create_directory(dicom());
  const Arguments arguments = scene_.predict_on(series(), {"--dicom-out", dicom(), "--json"});
  const Outcome outcome = run_process(with_mount(dicom(), "size=40k", twintrack_command(arguments)));
  EXPECT_EQ(outcome.status, out_of_resources);
  EXPECT_THAT(outcome.err, HasSubstr(".dcm: the disk is full"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("partial")));
  EXPECT_FALSE(fs::exists(scene_.out() / "series.json"));
}

TEST_F(DicomOut, AReadOnlyFolderIsRefusedBeforeTheWork) {
  if (!may_mount()) GTEST_SKIP() << "file systems cannot be mounted here";
  fs::create_directory(dicom());
  const Arguments arguments = scene_.predict_on(series(), {"--dicom-out", dicom()});
  const Outcome outcome = run_process(with_mount(dicom(), "size=1m,ro", twintrack_command(arguments)));
  EXPECT_EQ(outcome.status, out_of_resources);
  EXPECT_THAT(outcome.err, HasSubstr("read-only"));
  EXPECT_THAT(files_below(scene_.out()), IsEmpty());
}

// --deidentify.

const std::string marker = "MaRkEr";
constexpr const char* marker_uid = "1.2.840.99999";
constexpr const char* marker_date = "19770717";
constexpr const char* marker_number = "7172737";

std::string marker_of(DcmEVR representation) {
  switch (representation) {
    case EVR_PN:
    case EVR_LO:
    case EVR_SH:
    case EVR_ST:
    case EVR_LT:
    case EVR_UT:
    case EVR_UC:
      return marker;
    case EVR_AE:
    case EVR_CS:
      return "MARKER";
    case EVR_UI:
      return std::string(marker_uid) + ".1";
    case EVR_DA:
      return marker_date;
    case EVR_DT:
      return std::string(marker_date) + "171717";
    case EVR_TM:
      return "171717.717";
    case EVR_DS:
    case EVR_IS:
      return marker_number;
    case EVR_AS:
      return "077Y";
    default:
      return "";
  }
}

// Every attribute of the dictionary, but those that images are read by (and group 0028) and identifiers of their own.
void mark_everything(DcmDataset& data) {
  const std::set<std::uint32_t> kept{0x00080005, 0x00080008, 0x00080016, 0x00080060, 0x00200032, 0x00200037};
  DcmDataDictionary& dictionary = dcmDataDict.wrlock();
  std::vector<std::pair<DcmTagKey, DcmEVR>> all;
  for (auto entry = dictionary.normalBegin(); entry != dictionary.normalEnd(); ++entry) {
    if ((*entry)->getPrivateCreator() == nullptr) all.emplace_back((*entry)->getKey(), (*entry)->getEVR());
  }
  dcmDataDict.wrunlock();
  for (const auto& [tag, representation] : all) {
    const std::uint32_t number = static_cast<std::uint32_t>(tag.getGroup()) << 16U | tag.getElement();
    const std::string value = marker_of(representation);
    if (tag.getGroup() < 8 || tag.getGroup() == 0x0028 || tag.getGroup() > 0x7f00 || kept.contains(number)) continue;
    if (!value.empty()) set(data, tag, value);
  }
  set(data, DCM_StudyInstanceUID, std::string(marker_uid) + ".2");
  set(data, DCM_SeriesInstanceUID, std::string(marker_uid) + ".3");
  set(data, DCM_FrameOfReferenceUID, std::string(marker_uid) + ".4");
  Float64 z = 0;
  data.findAndGetFloat64(DCM_ImagePositionPatient, z, 2);
  set(data, DCM_SOPInstanceUID, fmt::format("{}.5.{}", marker_uid, static_cast<int>(10 * (z + 300))));
  data.putAndInsertString(DcmTag(0x0009, 0x0010, EVR_LO), marker.c_str());
}

// Bytes of a file, uncompressed where it is compressed.
std::string content_of(const fs::path& file) {
  return file.extension() == ".gz" ? run_process({"gzip", "-dc", file}).out : get_file(file);
}

void expect_no_marker(const std::string& bytes, const std::string& where) {
  std::string lower = bytes;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  EXPECT_EQ(lower.find("marker"), std::string::npos) << where;
  for (const char* mark : {marker_uid, marker_date, marker_number, "171717", "077Y"})
    EXPECT_EQ(bytes.find(mark), std::string::npos) << where << ": " << mark;
}

class Deidentify : public testing::Test {
 protected:
  void expect_nothing_of_the_patient(const std::vector<fs::path>& folders, const Outcome& outcome) const {
    expect_no_marker(outcome.out, "stdout");
    expect_no_marker(outcome.err, "stderr");
    for (const fs::path& folder : folders) {
      ASSERT_THAT(files_below(folder), Not(IsEmpty()));
      for (const std::string& file : files_below(folder)) {
        expect_no_marker(file, "a file's name");
        expect_no_marker(content_of(folder / file), file);
      }
    }
  }
  Scene scene_;
};

TEST_F(Deidentify, KeepsNothingOfASourceThatIsMarkedThroughout) {
  const fs::path series = scene_ / (marker + "^Anna");
  write_dicom_copy(series, tiny_ct(tiny_geometry()));
  change_series(series, mark_everything);
  const Arguments options{"--deidentify", "--dicom-out", scene_ / "dicom", "--save-uncalibrated", "--save-roi"};
  const Outcome outcome = run_twintrack(scene_.predict_on(series, options));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  ASSERT_THAT(files_below(scene_ / "dicom"), SizeIs(4));
  expect_nothing_of_the_patient({scene_.out(), scene_ / "dicom"}, outcome);
  for (const std::string& file : files_below(scene_ / "dicom")) {
    EXPECT_THAT(file, StartsWith("case-"));
    EXPECT_EQ(errors_of_dciodvfy(scene_ / "dicom" / file), "") << file;
    change_dicom(scene_ / "dicom" / file, [&](DcmDataset& data) {
      EXPECT_EQ(get(data, DCM_PatientIdentityRemoved), "YES");
      EXPECT_EQ(get(data, DCM_PatientName), file.substr(0, 13));
      EXPECT_EQ(get(data, DCM_PatientID), file.substr(0, 13));
      EXPECT_EQ(get(data, DCM_StudyDate), "");
      EXPECT_EQ(get(data, DCM_ContentDate), "19000101");
    });
  }
}

TEST_F(Deidentify, WarningsOfReadingNameNoFiles) {
  const fs::path series = scene_ / (marker + "^Anna");
  write_dicom_copy(series, tiny_ct(tiny_geometry()));
  change_series(series, [](DcmDataset& data) {
    Float64 z = 0;
    ASSERT_TRUE(data.findAndGetFloat64(DCM_ImagePositionPatient, z, 2).good());
    set(data, DCM_ImagePositionPatient, fmt::format("-20.5\\{}\\{}", 10.25 + 0.2 * (z + 300), z));
  });
  const Outcome outcome = run_twintrack(scene_.predict_on(series, {"--deidentify", "--case-name", "tilted"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("tilt"));
  EXPECT_THAT(get_json(scene_.out() / "tilted.json")["warnings"][0].get<std::string>(), HasSubstr("are left out"));
  expect_nothing_of_the_patient({scene_.out()}, {});
}

// The test above would see what it looks for.
TEST_F(Deidentify, WithoutItTheMarksAreThere) {
  const fs::path series = scene_ / (marker + "^Anna");
  write_dicom_copy(series, tiny_ct(tiny_geometry()));
  change_series(series, mark_everything);
  const Outcome outcome = run_twintrack(scene_.predict_on(series, {"--dicom-out", scene_ / "dicom"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string object = get_file(scene_ / "dicom" / (marker + "^Anna_segmentation.dcm"));
  for (const std::string& mark : {marker, std::string(marker_uid), std::string(marker_date)})
    EXPECT_NE(object.find(mark), std::string::npos) << mark;
}

TEST_F(Deidentify, LeavesPathsOutOfResultsOfOtherFormats) {
  fs::rename(scene_.ct(), scene_ / (marker + ".nii.gz"));
  const Outcome outcome = run_twintrack(scene_.predict_on(scene_ / (marker + ".nii.gz"), {"--deidentify", "--json"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  expect_nothing_of_the_patient({scene_.out()}, outcome);
  const std::string name = "case-" + sha256_of_file(scene_ / (marker + ".nii.gz")).substr(0, 8);
  EXPECT_THAT(files_below(scene_.out()),
              ElementsAre(name + ".json", name + "_probability.nii.gz", name + "_segmentation.nii.gz"));
  const Json summary = get_json(scene_.out() / (name + ".json"));
  EXPECT_EQ(summary["case"], name);
  EXPECT_FALSE(summary["input"].contains("path"));
  EXPECT_EQ(summary["input"]["sha256"], sha256_of_file(scene_ / (marker + ".nii.gz")));
}

TEST_F(Deidentify, ResultsThatTellTheInputAreComputedAgain) {
  const Arguments named = {"--case-name", "one"};
  ASSERT_EQ(run_twintrack(scene_.predict(named)).status, 0);
  EXPECT_TRUE(get_json(scene_.out() / "one.json")["input"].contains("path"));
  const Outcome again = run_twintrack(scene_.predict({"--case-name", "one", "--deidentify"}));
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.err, Not(HasSubstr("had results already")));
  EXPECT_FALSE(get_json(scene_.out() / "one.json")["input"].contains("path"));
  EXPECT_THAT(run_twintrack(scene_.predict({"--case-name", "one", "--deidentify"})).err,
              HasSubstr("had results already"));
}

TEST_F(Deidentify, TwoInputsOfOneContentAreRefused) {
  fs::create_directory(scene_ / "cases");
  fs::copy(scene_.ct(), scene_ / "cases" / "a.nii.gz");
  fs::copy(scene_.ct(), scene_ / "cases" / "b.nii.gz");
  const Outcome outcome = run_twintrack(scene_.predict_on(scene_ / "cases", {"--deidentify"}));
  EXPECT_EQ(outcome.status, static_cast<int>(ExitStatus::bad_input));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("a.nii.gz"), HasSubstr("b.nii.gz"), HasSubstr("hold the same")));
}

TEST_F(Deidentify, CaseNamesThatAreNoFileNamesAreRefused) {
  for (const std::string name : {"../up", "a/b", ".hidden", "-dash", "line\nbreak", "nul\x01"}) {
    const Outcome outcome = run_twintrack(scene_.predict({"--case-name=" + name}));
    EXPECT_EQ(outcome.status, wrong_usage) << name;
    EXPECT_THAT(outcome.err, HasSubstr("--case-name")) << name;
  }
  fs::create_directory(scene_ / "cases");
  for (const char* name : {"a.nii.gz", "b.nii.gz"}) fs::copy(scene_.ct(), scene_ / "cases" / name);
  const Outcome outcome = run_twintrack(scene_.predict_on(scene_ / "cases", {"--case-name", "one"}));
  EXPECT_EQ(outcome.status, wrong_usage);
  EXPECT_THAT(outcome.err, HasSubstr("names one case, the input holds 2"));
}

}  // namespace
}  // namespace twintrack::test

// The DICOM objects of a result, read back with DCMTK and looked at by dciodvfy.
#include "twintrack/dicom/result_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "dicom/readers.hpp"
#include "support/dicom_study.hpp"
#include "support/error_message.hpp"
#include "support/small_disk.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/files.hpp"

namespace twintrack {
namespace {

using namespace test;
using testing::Each;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t plane = 15;  // 5 x 3: frames do not end at bytes
constexpr std::int64_t slices = 6;

SourceStudy study_of(std::int64_t images) {
  SourceStudy study;
  study.study_uid = "1.2.3";
  study.series_uid = "1.2.3.4";
  study.frame_of_reference_uid = "1.2.3.5";
  for (std::int64_t i = 0; i < images; ++i)
    study.images.push_back({UID_CTImageStorage, fmt::format("1.2.3.4.{}", i + 1), 0});
  study.slices = study.images;
  return study;
}

Json summary_of(bool calibrated) {
  return Json{{"warnings", {"the body had to do for the pancreas", "50 % ünsicher\nsecond line"}},
              {"tumor_volume_mm3", 123.456},
              {"expected_volume_mm3", 1.0 / 3},
              {"agreement_volume_mm3", {{"1/5", 500}, {"2/5", 400}, {"3/5", 300}, {"4/5", 200}, {"5/5", 100}}},
              {"maximum_probability", 0.75},
              {"threshold", 0.5},
              {"calibrated", calibrated},
              {"bundle", {{"name", "büNdle \\ 1"}, {"sha256", std::string(64, 'a')}}}};
}

class ResultObjects : public testing::Test {
 protected:
  ResultObjects() {
    probability_.geometry = {{5, 3, slices}, {0.7, 0.9, 2.5}, {-10.5, 20.25, 300}, {1, 0, 0, 0, 1, 0, 0, 0, 1}};
    probability_.voxels.assign(plane * slices, 0.0F);
    segmentation_.assign(plane * slices, 0);
    for (const std::int64_t z : {1, 2, 4}) {
      for (std::int64_t i = 0; i < plane; ++i) {
        probability_.voxels[z * plane + i] = static_cast<float>(i * z % 13) / 12.0F;
        segmentation_[z * plane + i] = probability_.voxels[z * plane + i] >= 0.5F && z != 2 ? 1 : 0;
      }
    }
  }
  ResultContent content() const { return {source_, probability_, segmentation_, summary_, {"20260102", "030405"}}; }
  ResultFiles files() const { return result_files(folder_.path(), "case"); }
  void write() const { write_result_objects(files(), content()); }
  std::vector<std::filesystem::path> all_files() const {
    return {files().segmentation, files().probability, files().probability_map, files().report};
  }
  void expect_valid() const {
    if (!has_program("dciodvfy")) GTEST_SKIP() << "dciodvfy is missing (Debian: dicom3tools)";
    for (const auto& file : all_files()) EXPECT_EQ(errors_of_dciodvfy(file), "") << file;
  }

  TemporaryFolder folder_;
  SourceStudy source_ = study_of(slices);
  Volume<float> probability_;
  std::vector<std::uint8_t> segmentation_;
  Json summary_ = summary_of(true);
};

class Object {
 public:
  explicit Object(const std::filesystem::path& path) { EXPECT_TRUE(file_.loadFile(path.c_str()).good()) << path; }
  DcmDataset& data() { return *file_.getDataset(); }
  std::string operator[](const DcmTagKey& tag) { return get(data(), tag); }
  // Slices of the frames, by position.
  std::vector<int> frames() {
    std::vector<int> found;
    for (DcmItem* frame : items(data(), DCM_PerFrameFunctionalGroupsSequence)) {
      Float64 z = 0;
      EXPECT_TRUE(
          items(*frame, DCM_PlanePositionSequence).at(0)->findAndGetFloat64(DCM_ImagePositionPatient, z, 2).good());
      found.push_back(static_cast<int>(std::lround((z - 300) / 2.5)));
    }
    return found;
  }
  static std::vector<DcmItem*> items(DcmItem& item, const DcmTagKey& tag) {
    std::vector<DcmItem*> found;
    DcmSequenceOfItems* sequence = nullptr;
    if (item.findAndGetSequence(tag, sequence).bad()) return found;
    for (unsigned long i = 0; i < sequence->card(); ++i) found.push_back(sequence->getItem(i));
    return found;
  }

 private:
  DcmFileFormat file_;
};

TEST_F(ResultObjects, AreValid) {
  write();
  expect_valid();
}

TEST_F(ResultObjects, SegmentationHoldsItsBitsAcrossFrames) {
  write();
  Object object(files().segmentation);
  EXPECT_EQ(object.frames(), (std::vector<int>{1, 4}));
  EXPECT_EQ(object[DCM_NumberOfFrames], "2");
  const Uint8* bytes = nullptr;
  unsigned long count = 0;
  ASSERT_TRUE(object.data().findAndGetUint8Array(DCM_PixelData, bytes, &count).good());
  EXPECT_EQ(count, 4U);  // 30 bits, and to an even number of bytes
  std::vector<std::uint8_t> bits;
  for (std::int64_t i = 0; i < 2 * plane; ++i) bits.push_back(bytes[i / 8] >> (i % 8) & 1);
  std::vector<std::uint8_t> expected(segmentation_.begin() + plane, segmentation_.begin() + 2 * plane);
  expected.insert(expected.end(), segmentation_.begin() + 4 * plane, segmentation_.begin() + 5 * plane);
  EXPECT_EQ(bits, expected);
}

TEST_F(ResultObjects, ProbabilityIsRoundedToAByte) {
  probability_.voxels[plane] = 0.5F / 255 - 1e-6F;  // rounds to 0
  probability_.voxels[plane + 1] = 0.5F / 255 + 1e-6F;
  probability_.voxels[3 * plane] = 1e-3F;  // a slice of which nothing is left
  write();
  Object object(files().probability);
  EXPECT_EQ(object.frames(), (std::vector<int>{1, 2, 4}));
  EXPECT_EQ(object[DCM_MaximumFractionalValue], "255");
  EXPECT_EQ(object[DCM_SegmentationFractionalType], "PROBABILITY");
  const Uint8* bytes = nullptr;
  ASSERT_TRUE(object.data().findAndGetUint8Array(DCM_PixelData, bytes).good());
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(bytes[1], 1);
  for (std::int64_t i = 2; i < plane; ++i)
    EXPECT_EQ(bytes[i], std::lround(probability_.voxels[plane + i] * 255.0)) << i;
}

TEST_F(ResultObjects, MapHoldsTheFloatsThemselves) {
  probability_.voxels[3 * plane] = 1e-30F;
  write();
  Object object(files().probability_map);
  EXPECT_EQ(object.frames(), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(object[DCM_ContentQualification], "RESEARCH");
  const Float32* values = nullptr;
  unsigned long count = 0;
  ASSERT_TRUE(object.data().findAndGetFloat32Array(DCM_FloatPixelData, values, &count).good());
  EXPECT_THAT(std::vector<float>(values, values + count),
              ElementsAreArray(probability_.voxels.begin() + plane, probability_.voxels.begin() + 5 * plane));
}

TEST_F(ResultObjects, FramesReferToTheirSlices) {
  write();
  Object object(files().segmentation);
  std::vector<std::string> referred;
  for (DcmItem* frame : Object::items(object.data(), DCM_PerFrameFunctionalGroupsSequence)) {
    for (DcmItem* derivation : Object::items(*frame, DCM_DerivationImageSequence)) {
      for (DcmItem* image : Object::items(*derivation, DCM_SourceImageSequence))
        referred.push_back(get(*image, DCM_ReferencedSOPInstanceUID));
    }
  }
  EXPECT_THAT(referred, ElementsAre("1.2.3.4.2", "1.2.3.4.5"));
}

TEST_F(ResultObjects, OfAResampledVolumeReferToAllImages) {
  source_.slices.clear();
  source_.images.resize(4);
  write();
  for (const auto& file : {files().segmentation, files().probability, files().probability_map}) {
    Object object(file);
    for (DcmItem* frame : Object::items(object.data(), DCM_PerFrameFunctionalGroupsSequence))
      EXPECT_THAT(Object::items(*frame, DCM_DerivationImageSequence), IsEmpty());
    DcmItem& shared = *Object::items(object.data(), DCM_SharedFunctionalGroupsSequence).at(0);
    const auto images =
        Object::items(*Object::items(shared, DCM_DerivationImageSequence).at(0), DCM_SourceImageSequence);
    ASSERT_THAT(images, SizeIs(4));
    EXPECT_EQ(get(*images[0], DCM_SpatialLocationsPreserved), "NO");
  }
  expect_valid();
}

TEST_F(ResultObjects, OfAMultiFrameSourceReferToFrames) {
  source_.images.resize(1);
  for (std::size_t z = 0; z < slices; ++z) source_.slices[z] = {UID_EnhancedCTImageStorage, "1.2.9", int(slices - z)};
  write();
  Object object(files().segmentation);
  DcmItem& frame = *Object::items(object.data(), DCM_PerFrameFunctionalGroupsSequence).at(1);
  DcmItem& derivation = *Object::items(frame, DCM_DerivationImageSequence).at(0);
  EXPECT_EQ(get(*Object::items(derivation, DCM_SourceImageSequence).at(0), DCM_ReferencedFrameNumber), "2");
  expect_valid();
}

TEST_F(ResultObjects, OfASourceThatCannotBeReferredToAreValid) {
  source_.images.clear();
  source_.slices.clear();
  write();
  expect_valid();
}

TEST_F(ResultObjects, WithoutAnyTumourHaveOneEmptyFrame) {
  std::ranges::fill(probability_.voxels, 0.0F);
  std::ranges::fill(segmentation_, 0);
  write();
  for (const auto& file : {files().segmentation, files().probability, files().probability_map})
    EXPECT_EQ(Object(file).frames(), (std::vector<int>{0})) << file;
  expect_valid();
}

TEST_F(ResultObjects, OfALossySourceSaySo) {
  source_.attributes[0x00282110] = "01";
  source_.attributes[0x00282112] = "12.5";
  source_.attributes[0x00282114] = "ISO_10918_1";
  write();
  for (const auto& file : {files().segmentation, files().probability, files().probability_map}) {
    Object object(file);
    EXPECT_EQ(object[DCM_LossyImageCompression], "01");
    EXPECT_EQ(object[DCM_LossyImageCompressionRatio], "12.5");
  }
  expect_valid();
}

TEST_F(ResultObjects, OfADeidentifiedStudyAreValid) {
  source_ = deidentified(source_, "case-1", "key");
  write();
  Object object(files().report);
  EXPECT_EQ(object[DCM_PatientIdentityRemoved], "YES");
  expect_valid();
}

TEST_F(ResultObjects, ObliqueGeometryIsKept) {
  const double c = std::cos(0.3);
  const double s = std::sin(0.3);
  probability_.geometry.direction = {c, 0, s, 0, 1, 0, -s, 0, c};
  write();
  Object object(files().segmentation);
  DcmItem& shared = *Object::items(object.data(), DCM_SharedFunctionalGroupsSequence).at(0);
  DcmItem& orientation = *Object::items(shared, DCM_PlaneOrientationSequence).at(0);
  const std::vector<double> cosines{c, 0, -s, 0, 1, 0};
  for (unsigned long i = 0; i < 6; ++i) {
    Float64 value = 0;
    ASSERT_TRUE(orientation.findAndGetFloat64(DCM_ImageOrientationPatient, value, i).good());
    EXPECT_NEAR(value, cosines[i], 1e-12);
  }
  DcmItem& frame = *Object::items(object.data(), DCM_PerFrameFunctionalGroupsSequence).at(0);
  Float64 x = 0;
  ASSERT_TRUE(
      Object::items(frame, DCM_PlanePositionSequence).at(0)->findAndGetFloat64(DCM_ImagePositionPatient, x).good());
  EXPECT_NEAR(x, -10.5 + s * 2.5, 1e-9);
  expect_valid();
}

std::vector<std::string> texts_of(DcmItem& item) {
  std::vector<std::string> texts;
  for (DcmItem* child : Object::items(item, DCM_ContentSequence)) {
    if (get(*child, DCM_ValueType) == "TEXT") texts.push_back(get(*child, DCM_TextValue));
    for (std::string& text : texts_of(*child)) texts.push_back(std::move(text));
  }
  return texts;
}

std::map<std::string, std::string> numbers_of(DcmItem& item) {
  std::map<std::string, std::string> numbers;
  for (DcmItem* child : Object::items(item, DCM_ContentSequence)) {
    if (get(*child, DCM_ValueType) == "NUM") {
      numbers[get(*Object::items(*child, DCM_ConceptNameCodeSequence).at(0), DCM_CodeValue)] =
          get(*Object::items(*child, DCM_MeasuredValueSequence).at(0), DCM_NumericValue);
    }
    numbers.merge(numbers_of(*child));
  }
  return numbers;
}

TEST_F(ResultObjects, ReportHoldsVolumesAndWarnings) {
  write();
  Object report(files().report);
  EXPECT_EQ(report[DCM_CompletionFlag], "PARTIAL");
  EXPECT_EQ(report[DCM_VerificationFlag], "UNVERIFIED");
  const auto numbers = numbers_of(report.data());
  EXPECT_EQ(numbers.at("118565006"), "123.456");
  EXPECT_NEAR(std::stod(numbers.at("EXPECTED_VOLUME")), 1.0 / 3, 1e-12);
  EXPECT_EQ(numbers.at("AGREE_2_OF_5"), "400");
  EXPECT_FALSE(numbers.contains("CONTACT_EXPECTED"));
  EXPECT_THAT(texts_of(report.data()), testing::IsSupersetOf({"Warning: the body had to do for the pancreas",
                                                              "Warning: 50 % ünsicher second line"}));
}

TEST_F(ResultObjects, ReportOfUncalibratedProbabilitiesSaysNothingOfExperts) {
  summary_ = summary_of(false);
  write();
  Object report(files().report);
  EXPECT_FALSE(numbers_of(report.data()).contains("AGREE_1_OF_5"));
  expect_valid();
}

TEST_F(ResultObjects, ReportHoldsContactAnglesByVessel) {
  const Json contact{
      {"levels", {{"1/5", 90}, {"2/5", 45.5}, {"3/5", 0}, {"4/5", 0}, {"5/5", 0}}}, {"expected", 27.1}, {"sd", 36}};
  summary_["vascular"] = {{"sma", contact}, {"aorta", nullptr}, {"my_own_vessel", contact}};
  summary_["vascular_note"] = "no verdict";
  write();
  Object report(files().report);
  const auto numbers = numbers_of(report.data());
  EXPECT_EQ(numbers.at("CONTACT_EXPECTED"), "27.1");
  EXPECT_EQ(numbers.at("CONTACT_2_OF_5"), "45.5");
  const auto texts = texts_of(report.data());
  EXPECT_THAT(texts, testing::IsSupersetOf({"sma", "my_own_vessel", "no verdict"}));
  EXPECT_THAT(texts, testing::Not(testing::Contains("aorta")));
  expect_valid();
}

std::set<std::string> uids(const std::vector<std::filesystem::path>& all) {
  std::set<std::string> found;
  for (const auto& file : all) {
    Object object(file);
    for (const DcmTagKey& tag : {DCM_SOPInstanceUID, DCM_SeriesInstanceUID}) found.insert(object[tag]);
  }
  return found;
}

TEST_F(ResultObjects, TheSameContentGivesTheSameBytes) {
  write();
  std::vector<std::string> before;
  for (const auto& file : all_files()) before.push_back(sha256_of_file(file));
  write();
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(sha256_of_file(all_files()[i]), before[i]);
}

TEST_F(ResultObjects, OtherContentGivesOtherIdentifiers) {
  write();
  std::set<std::string> seen = uids(all_files());
  EXPECT_THAT(seen, SizeIs(8));
  const auto expect_new = [&](const char* what) {
    write();
    for (const std::string& uid : uids(all_files())) EXPECT_TRUE(seen.insert(uid).second) << what;
  };
  probability_.voxels[plane + 3] += 1e-6F;
  expect_new("a voxel");
  segmentation_[0] = 1;
  expect_new("the segmentation");
  summary_["threshold"] = 0.4;
  expect_new("the summary");
  source_.images[0].sop_instance_uid = "1.2.3.99";
  expect_new("a source image");
  source_.attributes[0x00100010] = "Other^Name";
  expect_new("the patient");
}

TEST_F(ResultObjects, AFullDiskLeavesNothing) {
  const SmallDisk small(1024);
  EXPECT_THAT(error_message<ResourceError>([&] { write(); }), HasSubstr("case_segmentation.dcm"));
  EXPECT_EQ(folder_.entries(), 0U);
}

TEST_F(ResultObjects, ADiskThatFillsUpLaterLeavesCompleteObjectsAndNoReportOfOthers) {
  write();
  {
    const SmallDisk small(5000);  // the report is larger
    EXPECT_THAT(error_message<ResourceError>([&] { write(); }), HasSubstr("case_report.dcm"));
  }
  EXPECT_EQ(folder_.entries(), 3U);
  EXPECT_EQ(Object(files().segmentation)[DCM_Modality], "SEG");
}

TEST_F(ResultObjects, AMissingFolderIsNamed) {
  const ResultFiles nowhere = result_files(folder_ / "missing", "case");
  EXPECT_THAT(error_message<ResourceError>([&] { write_result_objects(nowhere, content()); }),
              HasSubstr("its folder does not exist"));
}

TEST_F(ResultObjects, TooManyPixelsAlongASideAreRefused) {
  probability_.geometry.size = {65536, 1, 1};
  probability_.voxels.assign(65536, 0.0F);
  segmentation_.assign(65536, 0);
  EXPECT_THAT(error_message<ResourceError>([&] { write(); }), HasSubstr("65536 x 1 pixels"));
  EXPECT_EQ(folder_.entries(), 0U);
}

}  // namespace
}  // namespace twintrack

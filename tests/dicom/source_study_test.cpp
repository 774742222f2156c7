// What of a source series goes into our objects, and what a hostile one cannot bring in.
#include "twintrack/dicom/source_study.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "support/dicom_study.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/volume/dicom_source.hpp"
#include "twintrack/volume/io.hpp"
#include "volume/dicom_bytes.hpp"
#include "volume/dicom_series.hpp"
#include "volume/support.hpp"

namespace twintrack {
namespace {

using namespace test;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr int slices = 4;

std::uint32_t number(const DcmTagKey& tag) {
  return static_cast<std::uint32_t>(tag.getGroup()) << 16U | tag.getElement();
}

class SourceStudyTest : public testing::Test {
 protected:
  SourceStudyTest() {
    write_series(folder_.path(), slices);
    change_series(folder_.path(), set_patient);
  }
  SourceStudy read() const {
    return read_source_study(*dicom_source(folder_.path()), read_volume(folder_.path()).geometry);
  }
  SourceStudy read_with(const std::function<void(DcmDataset&)>& change) const {
    change_series(folder_.path(), change);
    return read();
  }
  TemporaryFolder folder_;
};

std::string value(const SourceStudy& study, const DcmTagKey& tag) {
  const auto found = study.attributes.find(number(tag));
  return found == study.attributes.end() ? "(none)" : found->second;
}

TEST_F(SourceStudyTest, CarriesPatientAndStudyAsUtf8) {
  const SourceStudy study = read();
  EXPECT_EQ(value(study, DCM_PatientName), "Müller^Jörg");
  EXPECT_EQ(value(study, DCM_PatientID), "PID-4711");
  EXPECT_EQ(value(study, DCM_PatientBirthDate), "19500102");
  EXPECT_EQ(value(study, DCM_PatientWeight), "81.5");
  EXPECT_EQ(value(study, DCM_ReferringPhysicianName), "Ärztin^Anna");
  EXPECT_EQ(value(study, DCM_StudyDescription), "CT Abdomen portalvenös");
  EXPECT_EQ(value(study, DCM_StudyTime), "101112.5");
  EXPECT_EQ(study.study_uid, "1.2.826.0.1.3680043.9.77.1");
  EXPECT_EQ(study.series_uid, "1.2.826.0.1.3680043.9.1");
  EXPECT_EQ(study.frame_of_reference_uid, "1.2.826.0.1.3680043.9.77.2");
  EXPECT_THAT(study.warnings, IsEmpty());
}

// Names of the files run against the order of the slices.
TEST_F(SourceStudyTest, SliceByItsImage) {
  const SourceStudy study = read();
  ASSERT_THAT(study.slices, SizeIs(slices));
  EXPECT_THAT(study.images, SizeIs(slices));
  for (int z = 0; z < slices; ++z) {
    DcmFileFormat file;
    ASSERT_TRUE(file.loadFile((folder_ / fmt::format("image{:03d}", slices - z)).c_str()).good());
    EXPECT_EQ(study.slices[z].sop_instance_uid, get(*file.getDataset(), DCM_SOPInstanceUID));
    EXPECT_EQ(study.slices[z].sop_class_uid, UID_CTImageStorage);
    EXPECT_EQ(study.slices[z].frame, 0);
  }
}

TEST_F(SourceStudyTest, NamesInOtherCharacterSets) {
  const auto name_in = [&](const std::string& sets, const std::string& bytes) {
    return value(read_with([&](DcmDataset& data) {
                   set(data, DCM_SpecificCharacterSet, sets);
                   set(data, DCM_PatientName, bytes);
                 }),
                 DCM_PatientName);
  };
  EXPECT_EQ(name_in("ISO_IR 192", "王^小东=Wang^XiaoDong"), "王^小东=Wang^XiaoDong");
  EXPECT_EQ(name_in("ISO_IR 144", "\xbb\xee\xda^\xbf"), "Люк^П");
  // PS3.5, H.3.1
  EXPECT_EQ(name_in("\\ISO 2022 IR 87", "Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"), "Yamada^Tarou=山田^太郎");
  // PS3.5, H.3.2, and names as in Korea (I.2)
  EXPECT_EQ(
      name_in("ISO 2022 IR 13\\ISO 2022 IR 87",
              "\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J"),
      "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう");
  EXPECT_EQ(name_in("\\ISO 2022 IR 149", "Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7"),
            "Hong^Gildong=洪^吉洞");
  EXPECT_EQ(name_in("\\ISO 2022 IR 87", "\x1b$B;3\x1b(B\xff"), "(none)");  // a byte of none of the sets
  EXPECT_EQ(name_in("GB18030", "Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"), "Wang^XiaoDong=王^小东");
}

struct Broken {
  const char* what;
  DcmTagKey tag;
  std::string value;
};

TEST_F(SourceStudyTest, BrokenValuesAreLeftOutWithAWarning) {
  const std::vector<Broken> all{
      {"not of the character set", DCM_PatientName, "M\xc3(ller"},
      {"too long", DCM_PatientName, std::string(65, 'x')},
      {"too long by far", DCM_PatientID, std::string(5000, 'x')},
      {"six components", DCM_PatientName, "a^b^c^d^e^f"},
      {"four groups", DCM_PatientName, "a=b=c=d"},
      {"several values", DCM_PatientName, "a\\b"},
      {"several values", DCM_PatientID, "a\\b"},
      {"control characters", DCM_PatientID,
       "a\x07"
       "b"},
      {"an escape sequence", DCM_PatientID, "a\x1b$Bb"},
      {"too long", DCM_AccessionNumber, "12345678901234567"},
      {"no date", DCM_PatientBirthDate, "1950-01-02"},
      {"no day", DCM_StudyDate, "20201345"},
      {"no time", DCM_StudyTime, "ten"},
      {"no age", DCM_PatientAge, "70"},
      {"no number", DCM_PatientWeight, "heavy"},
      {"lower case", DCM_PatientSex, "male"},
  };
  for (const Broken& broken : all) {
    const SourceStudy study = read_with([&](DcmDataset& data) {
      set_patient(data);
      set(data, DCM_SpecificCharacterSet, "ISO_IR 192");
      for (const DcmTagKey& tag : {DCM_PatientName, DCM_ReferringPhysicianName, DCM_StudyDescription})
        set(data, tag, "a");
      set(data, broken.tag, broken.value);
    });
    EXPECT_EQ(value(study, broken.tag), "(none)") << broken.what;
    EXPECT_THAT(study.warnings,
                ElementsAre(AllOf(HasSubstr(broken.tag.toString().c_str()), Not(HasSubstr(broken.value)))))
        << broken.what;
  }
}

TEST_F(SourceStudyTest, UndeclaredAndUnknownCharacterSets) {
  for (const std::string sets : {"", "ISO_IR 999", "nonsense\\ISO 2022 IR 87"}) {
    const SourceStudy study = read_with([&](DcmDataset& data) { set(data, DCM_SpecificCharacterSet, sets); });
    EXPECT_EQ(value(study, DCM_PatientName), "(none)") << sets;
    EXPECT_EQ(value(study, DCM_PatientID), "PID-4711") << sets;
    EXPECT_THAT(study.warnings, SizeIs(3)) << sets;  // the name, the physician's, the description
  }
}

TEST_F(SourceStudyTest, AttributesOfAnotherRepresentation) {
  const SourceStudy study = read_with([](DcmDataset& data) {
    delete data.remove(DCM_PatientName);
    delete data.remove(DCM_PatientID);
    auto* const sequence = new DcmSequenceOfItems(DcmTag(DCM_PatientName, EVR_SQ));  // the data set owns it
    sequence->append(new DcmItem());
    data.insert(sequence);
    data.putAndInsertUint16(DcmTag(DCM_PatientID, EVR_US), 7);
  });
  EXPECT_EQ(value(study, DCM_PatientName), "(none)");
  EXPECT_EQ(value(study, DCM_PatientID), "(none)");
  EXPECT_THAT(study.warnings, SizeIs(2));
}

TEST_F(SourceStudyTest, IdentifiersThatAreMissingOrBrokenAreReplaced) {
  for (const std::string& broken :
       {std::string(), std::string("1.2.abc"), "1." + std::string(70, '2'), std::string("1..2")}) {
    const SourceStudy study = read_with([&](DcmDataset& data) {
      set(data, DCM_StudyInstanceUID, broken);
      set(data, DCM_FrameOfReferenceUID, broken);
    });
    EXPECT_THAT(study.study_uid, testing::StartsWith("2.25.")) << broken;
    EXPECT_THAT(study.frame_of_reference_uid, testing::StartsWith("2.25.")) << broken;
    EXPECT_NE(study.study_uid, study.frame_of_reference_uid);
    EXPECT_THAT(study.images, SizeIs(slices));
    EXPECT_THAT(study.warnings, SizeIs(2)) << broken;
  }
}

TEST_F(SourceStudyTest, ImagesWithoutIdentifiersAreNotReferredTo) {
  change_dicom(folder_ / "image002", [](DcmDataset& data) { set(data, DCM_SOPInstanceUID, "1.2.x"); });
  const SourceStudy study = read();
  EXPECT_THAT(study.images, SizeIs(slices - 1));
  EXPECT_THAT(study.slices, IsEmpty());
  EXPECT_THAT(study.warnings, ElementsAre(HasSubstr("3 of the source's 4 images")));
}

TEST_F(SourceStudyTest, TwoImagesOfOneIdentifierCountOnce) {
  const SourceStudy study = read_with([](DcmDataset& data) { set(data, DCM_SOPInstanceUID, "1.2.3.4"); });
  EXPECT_THAT(study.images, SizeIs(1));
  EXPECT_THAT(study.slices, IsEmpty());
}

TEST_F(SourceStudyTest, ASourceThatWasDeidentifiedStaysSo) {
  const SourceStudy study = read_with([](DcmDataset& data) {
    set(data, DCM_PatientIdentityRemoved, "YES");
    DcmItem* code = nullptr;
    ASSERT_TRUE(data.findOrCreateSequenceItem(DCM_DeidentificationMethodCodeSequence, code).good());
    set(*code, DCM_CodeValue, "113100");
    set(*code, DCM_CodingSchemeDesignator, "DCM");
    set(*code, DCM_CodeMeaning, "Basic Application Confidentiality Profile");
  });
  EXPECT_EQ(value(study, DCM_PatientIdentityRemoved), "YES");
  ASSERT_THAT(study.deidentification_methods, SizeIs(1));
  EXPECT_EQ(study.deidentification_methods[0].value, "113100");
}

TEST_F(SourceStudyTest, SaysWhereTheSourceDoesNotSayHowItWasDeidentified) {
  const SourceStudy study = read_with([](DcmDataset& data) { set(data, DCM_PatientIdentityRemoved, "YES"); });
  EXPECT_EQ(value(study, DCM_DeidentificationMethod), "not stated by the source");
  const SourceStudy other = read_with([](DcmDataset& data) { set(data, DCM_PatientIdentityRemoved, "MAYBE"); });
  EXPECT_EQ(value(other, DCM_PatientIdentityRemoved), "(none)");
}

TEST_F(SourceStudyTest, DeidentifiedKeepsNothing) {
  const SourceStudy study = read();
  const SourceStudy hidden = deidentified(study, "case-1", "key");
  EXPECT_EQ(value(hidden, DCM_PatientName), "case-1");
  EXPECT_EQ(value(hidden, DCM_PatientID), "case-1");
  EXPECT_EQ(value(hidden, DCM_PatientIdentityRemoved), "YES");
  for (const DcmTagKey& tag :
       {DCM_PatientBirthDate, DCM_PatientSex, DCM_PatientAge, DCM_PatientWeight, DCM_StudyDate, DCM_StudyTime,
        DCM_AccessionNumber, DCM_StudyID, DCM_ReferringPhysicianName, DCM_StudyDescription})
    EXPECT_EQ(value(hidden, tag), "(none)") << tag.toString();
  EXPECT_THAT(hidden.deidentification_methods, ElementsAre(testing::Field(&DicomCode::value, "113100")));
  for (const auto member : {&SourceStudy::study_uid, &SourceStudy::series_uid, &SourceStudy::frame_of_reference_uid}) {
    EXPECT_NE(hidden.*member, study.*member);
    EXPECT_THAT(hidden.*member, testing::StartsWith("2.25."));
  }
  for (int z = 0; z < slices; ++z) {
    EXPECT_NE(hidden.slices[z].sop_instance_uid, study.slices[z].sop_instance_uid);
    EXPECT_EQ(hidden.slices[z].sop_instance_uid, hidden.images[z].sop_instance_uid);
    EXPECT_EQ(hidden.slices[z].sop_class_uid, UID_CTImageStorage);
  }
}

TEST_F(SourceStudyTest, OneKeyMapsAStudyToOneAndAnotherKeyToAnother) {
  const SourceStudy study = read();
  SourceStudy other_series = study;
  other_series.series_uid = "1.2.3";
  EXPECT_EQ(deidentified(study, "a", "key").study_uid, deidentified(other_series, "b", "key").study_uid);
  EXPECT_NE(deidentified(study, "a", "key").series_uid, deidentified(other_series, "b", "key").series_uid);
  EXPECT_NE(deidentified(study, "a", "key").study_uid, deidentified(study, "a", "other key").study_uid);
}

// Neither DCMTK nor we end the process, whatever a file holds: it is refused, or read with what is sound.
TEST_F(SourceStudyTest, DamagedFilesAreReadOrRefused) {
  const Geometry geometry = read_volume(folder_.path()).geometry;
  const DicomSource source = *dicom_source(folder_.path());
  std::ifstream file(source.files[0], std::ios::binary);
  const std::string sound{std::istreambuf_iterator<char>(file), {}};
  std::mt19937 random(7);
  int read = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = sound;
    for (auto i = random() % 6 + 1; i > 0; --i)
      damaged[132 + random() % (damaged.size() - 132)] = static_cast<char>(random());
    if (round % 5 == 0) damaged.resize(132 + random() % (damaged.size() - 132));
    put_file(source.files[0], damaged);
    try {
      const SourceStudy study = read_source_study(source, geometry);
      EXPECT_FALSE(study.study_uid.empty() || study.series_uid.empty() || study.frame_of_reference_uid.empty());
      ++read;
    } catch (const InputError&) {
      continue;
    }
  }
  EXPECT_GT(read, 100);
}

TEST(SourceStudyOfFrames, EverySliceKnowsItsFrame) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(5);
  std::swap(ct.frames[0], ct.frames[3]);
  put_file(folder / "volume.dcm", part10(enhanced_data_set(ct)));
  const SourceStudy study = read_source_study(*dicom_source(folder.path()), read_volume(folder.path()).geometry);
  ASSERT_THAT(study.slices, SizeIs(5));
  EXPECT_THAT(study.images, SizeIs(1));
  const std::vector<int> frames{4, 2, 3, 1, 5};
  for (std::size_t z = 0; z < frames.size(); ++z) {
    EXPECT_EQ(study.slices[z].frame, frames[z]);
    EXPECT_EQ(study.slices[z].sop_instance_uid, ct.sop_instance);
  }
}

TEST(SourceStudyOfFrames, NoSliceHasAFrameWhereTheVolumeLiesElsewhere) {
  const TemporaryFolder folder;
  put_file(folder / "volume.dcm", part10(enhanced_data_set(numbered_enhanced(5))));
  Geometry geometry = read_volume(folder.path()).geometry;
  geometry.origin_mm[0] += 1;
  const SourceStudy study = read_source_study(*dicom_source(folder.path()), geometry);
  EXPECT_THAT(study.slices, IsEmpty());
  EXPECT_THAT(study.images, SizeIs(1));
}

}  // namespace
}  // namespace twintrack

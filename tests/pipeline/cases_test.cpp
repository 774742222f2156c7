// Which cases an input holds, and what happens to the others when one fails.
#include "twintrack/pipeline/cases.hpp"

#include <gmock/gmock.h>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"

namespace twintrack {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names_of(const std::vector<Case>& cases) {
  std::vector<std::string> names;
  for (const Case& item : cases) names.push_back(item.name);
  return names;
}

TEST(ListCases, OneFileIsOneCase) {
  const test::TemporaryFolder folder;
  test::put_file(folder / "a.b_0000.nii.gz", "x");
  const auto cases = list_cases(folder / "a.b_0000.nii.gz");
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].name, "a.b");
  EXPECT_EQ(cases[0].path, folder / "a.b_0000.nii.gz");
}

TEST(ListCases, AFolderOfVolumesInNameOrder) {
  const test::TemporaryFolder folder;
  for (const char* name : {"c.nrrd", "b_0000.nii.gz", "a.mha", "notes.txt", ".hidden.nii.gz", "z.raw"})
    test::put_file(folder / name, "x");
  EXPECT_THAT(names_of(list_cases(folder.path())), ElementsAre("a", "b", "c"));
}

TEST(ListCases, AListOfFilesAndADicomFileAreOneCase) {
  const test::TemporaryFolder folder;
  for (const char* name : {"phase 1.txt", "IM0001.dcm"}) test::put_file(folder / name, "x");
  EXPECT_THAT(names_of(list_cases(folder / "phase 1.txt")), ElementsAre("phase 1"));
  EXPECT_THAT(names_of(list_cases(folder / "IM0001.dcm")), ElementsAre("IM0001"));
}

// The beginning of a DICOM file, without anything behind it: a study of its own.
const std::string kDicom = std::string(128, '\0') + "DICM";

TEST(ListCases, FoldersOfStudiesAreACaseEach) {
  const test::TemporaryFolder folder;
  for (const char* name : {"p2", "p1/s2", "p1/s1", "empty"}) std::filesystem::create_directories(folder / name);
  for (const char* name : {"p2/1", "p1/s2/1", "p1/s1/1"}) test::put_file(folder / name, kDicom);
  const auto cases = list_cases(folder.path());
  EXPECT_THAT(names_of(cases), ElementsAre("p1_s1", "p1_s2", "p2"));
  EXPECT_EQ(cases[1].path, folder / "p1/s2");
  const auto one = list_cases(folder / "p2");
  EXPECT_THAT(names_of(one), ElementsAre("p2"));
  EXPECT_EQ(one[0].path, folder / "p2");
}

TEST(ListCases, TwoStudiesOfOneNameAreRefused) {
  const test::TemporaryFolder folder;
  for (const char* name : {"a/b", "a/c", "a_b"}) std::filesystem::create_directories(folder / name);
  for (const char* name : {"a/b/1", "a/c/1", "a_b/1"}) test::put_file(folder / name, kDicom);
  EXPECT_THAT(test::error_message([&] { list_cases(folder.path()); }), HasSubstr("two files would be case 'a_b'"));
}

TEST(ListCases, TwoFilesOfOneNameAreRefused) {
  const test::TemporaryFolder folder;
  for (const char* name : {"a.mha", "a_0000.nii.gz"}) test::put_file(folder / name, "x");
  EXPECT_THAT(test::error_message([&] { list_cases(folder.path()); }), HasSubstr("two files would be case 'a'"));
}

TEST(ListCases, NothingToDoIsAnError) {
  const test::TemporaryFolder folder;
  EXPECT_THAT(test::error_message([&] { list_cases(folder / "none"); }), HasSubstr("there is no such file or folder"));
  test::put_file(folder / "notes.txt", "x");
  EXPECT_THAT(test::error_message([&] { list_cases(folder.path()); }), HasSubstr("no volume"));
}

// What happened, in order of the calls that may not overlap.
class RunCases : public testing::Test {
 protected:
  BatchReport run(std::vector<std::string> names) {
    std::vector<Case> cases;
    for (const std::string& name : names) cases.push_back({name, name});
    return run_cases<std::string>(
        cases, [&](const Case& item) { return item.name == complete_; },
        [&](const Case& item) -> std::string {
          if (item.name == unreadable_) throw InputError("cannot read {}", item.name);
          return "data of " + item.name;
        },
        [&](const Case& item, std::string& input) {
          EXPECT_EQ(input, "data of " + item.name);
          if (item.name == failing_) throw InputError("cannot do {}", item.name);
          if (item.name == full_disk_) throw ResourceError("disk full");
          if (item.name == interrupted_) throw Interrupted();
          processed_.push_back(item.name);
        },
        [&](const Case& item, const Error& error) { failures_.push_back(item.name + ": " + error.what()); });
  }

  std::string complete_, unreadable_, failing_, full_disk_, interrupted_;
  std::vector<std::string> processed_;
  std::vector<std::string> failures_;
};

TEST_F(RunCases, AllInOrder) {
  const BatchReport report = run({"a", "b", "c"});
  EXPECT_THAT(processed_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(report.done, 3u);
  EXPECT_EQ(report.kept, 0u);
  EXPECT_THAT(report.failed, ElementsAre());
}

TEST_F(RunCases, CompleteOnesAreKept) {
  complete_ = "b";
  const BatchReport report = run({"a", "b", "c"});
  EXPECT_THAT(processed_, ElementsAre("a", "c"));
  EXPECT_EQ(report.done, 2u);
  EXPECT_EQ(report.kept, 1u);
}

TEST_F(RunCases, ABadOneDoesNotStopTheOthers) {
  for (const char* bad : {"a", "b", "c"}) {
    for (const bool while_reading : {true, false}) {
      processed_.clear();
      failures_.clear();
      unreadable_ = while_reading ? bad : "";
      failing_ = while_reading ? "" : bad;
      const BatchReport report = run({"a", "b", "c"});
      EXPECT_EQ(report.done, 2u) << bad;
      EXPECT_THAT(report.failed, ElementsAre(bad));
      EXPECT_THAT(failures_, ElementsAre(HasSubstr(std::string("cannot ") + (while_reading ? "read " : "do ") + bad)));
      EXPECT_THAT(processed_, testing::Not(testing::Contains(bad)));
    }
  }
}

TEST_F(RunCases, TwoBadOnesInARow) {
  unreadable_ = "b";
  failing_ = "a";
  const BatchReport report = run({"a", "b", "c"});
  EXPECT_THAT(report.failed, ElementsAre("a", "b"));
  EXPECT_THAT(processed_, ElementsAre("c"));
}

TEST_F(RunCases, ASingleCasesErrorIsPassedOn) {
  unreadable_ = "a";
  EXPECT_EQ(test::error_message([&] { run({"a"}); }), "cannot read a");
  EXPECT_THAT(failures_, ElementsAre());
}

TEST_F(RunCases, AFullDiskAndAnInterruptionStopEverything) {
  full_disk_ = "b";
  EXPECT_EQ(test::error_message<ResourceError>([&] { run({"a", "b", "c"}); }), "disk full");
  EXPECT_THAT(processed_, ElementsAre("a"));
  full_disk_ = "";
  interrupted_ = "a";
  EXPECT_THROW(run({"a", "b"}), Interrupted);
}

}  // namespace
}  // namespace twintrack

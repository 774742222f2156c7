// The manifest: RFC 4180, paths and globs, and every way of being wrong.
#include "twintrack/cohort/manifest.hpp"

#include <gmock/gmock.h>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/files.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Column> kNeeded{Column::probability, Column::raters};

Manifest parse(const std::string& text, const fs::path& file = "/data/cases.csv",
               const std::vector<Column>& needed = kNeeded) {
  return parse_manifest(text, file, needed);
}

TEST(Manifest, RowsBecomeCases) {
  const Manifest manifest = parse(
      "case,image,probability,segmentation,raters,vessels,roi\n"
      "a,a.nii.gz,p/a.nii.gz,s.nii.gz,r/1.nii.gz;r/2.nii.gz,v.nii.gz,roi.nii.gz\n"
      "b,,/elsewhere/b.mha,,/r/1.mha,,\n");
  EXPECT_EQ(manifest.file, "/data/cases.csv");
  ASSERT_EQ(manifest.cases.size(), 2u);
  const CohortCase& a = manifest.cases[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.image, "/data/a.nii.gz");
  EXPECT_THAT(a.probability, ElementsAre("/data/p/a.nii.gz"));
  EXPECT_EQ(a.segmentation, "/data/s.nii.gz");
  EXPECT_THAT(a.raters, ElementsAre("/data/r/1.nii.gz", "/data/r/2.nii.gz"));
  EXPECT_EQ(a.vessels, "/data/v.nii.gz");
  EXPECT_EQ(a.roi, "/data/roi.nii.gz");
  const CohortCase& b = manifest.cases[1];
  EXPECT_THAT(b.probability, ElementsAre("/elsewhere/b.mha"));
  EXPECT_FALSE(b.image || b.segmentation || b.vessels || b.roi);
}

TEST(Manifest, CsvOfAllKinds) {
  const Manifest manifest = parse(
      "\xEF\xBB\xBF\"raters\", note ,case,probability\r\n"
      "\r\n"
      "\"r,1.nii;r \"\"2\"\".nii\",\"two\nlines\",  a\t,p.nii\r\n"
      ",,b,\r\n",
      "cases.csv", {});
  ASSERT_EQ(manifest.cases.size(), 2u);
  EXPECT_THAT(manifest.cases[0].raters, ElementsAre("r,1.nii", "r \"2\".nii"));
  EXPECT_EQ(manifest.cases[0].name, "a");
  EXPECT_THAT(manifest.cases[1].raters, ElementsAre());
  EXPECT_EQ(parse("case,probability,raters\na,p,r").cases.size(), 1u);  // no line end at the end
}

class OnDisk : public testing::Test {
 protected:
  void touch(const std::string& name) const {
    fs::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, "");
  }
  std::vector<std::string> raters(const std::string& field, const std::string& in = "") const {
    std::vector<std::string> names;
    const fs::path base = folder_.path() / in;
    const Manifest manifest = parse("case,probability,raters\na,p,\"" + field + "\"\n", base / "m.csv");
    for (const fs::path& path : manifest.cases[0].raters) names.push_back(path.lexically_relative(base).string());
    return names;
  }
  test::TemporaryFolder folder_;
};

TEST_F(OnDisk, GlobsAreTakenInNameOrder) {
  for (const char* name : {"r/b_2.nii", "r/b_1.nii", "r/b_10.nii", "r/c_1.nii", "s/b_1.nii"}) touch(name);
  EXPECT_THAT(raters("r/b_*.nii"), ElementsAre("r/b_1.nii", "r/b_10.nii", "r/b_2.nii"));
  EXPECT_THAT(raters("?/b_1.nii"), ElementsAre("r/b_1.nii", "s/b_1.nii"));
  EXPECT_THAT(raters("r/b_?.nii;"), ElementsAre("r/b_1.nii", "r/b_2.nii"));
  EXPECT_THAT(raters("r/b_1.nii;r/*.nii"), ElementsAre("r/b_1.nii", "r/*.nii"));  // a list names files
}

TEST_F(OnDisk, OnlyStarAndQuestionMarkAreSpecialAndOnlyInTheField) {
  for (const char* name : {"set[1]/r_1.nii", "set1/r_1.nii", "a*b/r_1.nii", "axb/r_2.nii", "q[1]_1.nii", "q1_1.nii"})
    touch(name);
  EXPECT_THAT(raters("r_*.nii", "set[1]"), ElementsAre("r_1.nii"));
  EXPECT_THAT(raters("r_*.nii", "a*b"), ElementsAre("r_1.nii"));
  EXPECT_THAT(raters("q[1]_*.nii"), ElementsAre("q[1]_1.nii"));
  touch("w*.nii");
  touch("wx.nii");
  EXPECT_THAT(raters("w*.nii"), ElementsAre("w*.nii"));  // a file of that name
}

TEST_F(OnDisk, GlobWithoutMatchIsNamed) {
  EXPECT_THAT(test::error_message([&] { raters("none_*.nii"); }),
              testing::AllOf(HasSubstr("m.csv: line 2: column 'raters': no file matches"), HasSubstr("none_*.nii")));
}

TEST_F(OnDisk, FileIsRead) {
  write_file(folder_ / "m.csv", "case\na\nb\n");
  EXPECT_EQ(read_manifest(folder_ / "m.csv", {}).cases.size(), 2u);
  EXPECT_THAT(test::error_message([&] { read_manifest(folder_ / "none.csv", {}); }), HasSubstr("none.csv"));
}

TEST(Manifest, OneMapIsRequired) {
  const Manifest manifest = parse("case,probability,raters\na,p;q,r\nb,p,r\n");
  EXPECT_EQ(test::error_message([&] { require_one_map(manifest.cases[0], manifest); }),
            "/data/cases.csv: case a: column 'probability' names 2 maps, one is right here");
  require_one_map(manifest.cases[1], manifest);
}

struct Wrong {
  const char* name;
  std::string text;
  const char* message;
};

class WrongManifest : public testing::TestWithParam<Wrong> {};

TEST_P(WrongManifest, IsRefusedByName) {
  const std::string message = test::error_message([] { parse(GetParam().text); });
  EXPECT_THAT(message, testing::StartsWith("/data/cases.csv: "));
  EXPECT_THAT(message, HasSubstr(GetParam().message));
}

std::string many(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

std::string rows(int count) {
  std::string text = "case,probability,raters\n";
  for (int i = 0; i < count; ++i) text += std::to_string(i) + ",p,r\n";
  return text;
}

const Wrong kWrong[] = {
    {"Empty", "", "the manifest is empty; a header such as case,probability,raters"},
    {"OnlyLineEnds", "\n\r\n\n", "the manifest is empty"},
    {"NoCases", "case,probability,raters\n", "no cases below the header"},
    {"NoCaseColumn", "name,probability,raters\na,p,r\n", "no column 'case'; the header has: name, probability, raters"},
    {"NoRaters", "case,probability\na,p\n", "no column 'raters'; the header has: case, probability"},
    {"ColumnTwice", "case,raters,probability,raters\na,r,p,r\n", "column 'raters' stands twice"},
    {"FewFields", "case,probability,raters\na,p,r\nb,p\n", "line 3: 2 fields, the header has 3"},
    {"ManyFields", "case,probability,raters\n\n\na,p,r,x\n", "line 4: 4 fields, the header has 3"},
    {"EmptyName", "case,probability,raters\n,p,r\n", "line 2: column 'case' is empty"},
    {"EmptyMap", "case,probability,raters\na, ,r\n", "line 2: column 'probability' is empty"},
    {"NoRaterInTheList", "case,probability,raters\na,p,;;\n", "line 2: column 'raters' names no file"},
    {"NoMapInTheList", "case,probability,raters\na,;,r\n", "line 2: column 'probability' names no file"},
    {"CaseTwice", "case,probability,raters\na,p,r\nb,p,r\na,p,r\n", "line 4: case 'a' stands there twice"},
    {"NameIsAPath", "case,probability,raters\n../a,p,r\n", "line 2: case '../a' is no name for files"},
    {"NameIsTheFolder", "case,probability,raters\n..,p,r\n", "case '..' is no name for files"},
    {"NameHasControls", "case,probability,raters\n\"a\nb\",p,r\n", "case '?' is no name for files"},
    {"NameIsNotUtf8", "case,probability,raters\nM\xFCller,p,r\n", "line 2: the case's name is not UTF-8"},
    {"QuoteIsOpen", "case,probability,raters\n\"a,p,r\n\n", "line 2: a quote is not closed"},
    {"TextAfterQuote", "case,probability,raters\n\"a\"b,p,r\n", "line 2: text after a closing quote"},
    {"NotCsv", many("x;", 3000), "no column 'case'"},
    {"HugeRow", "case,probability,raters\n" + many(",", 2000), "line 2: more than 1000 fields"},
    {"HugeCohort", rows(100'001), "more than 100000 cases"},
};

INSTANTIATE_TEST_SUITE_P(Table, WrongManifest, testing::ValuesIn(kWrong),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace twintrack

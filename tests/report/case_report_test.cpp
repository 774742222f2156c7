// The page on a case: what it says, what it must not say, and how large it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_results.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"
#include "twintrack/report/case_report.hpp"
#include "twintrack/report/page.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// A page, which is too long to be printed when a test fails.
struct Page {
  std::string html;
};
void PrintTo(const Page& page, std::ostream* stream) { *stream << "a page of " << page.html.size() << " bytes"; }
MATCHER_P(Shows, text, "") { return arg.html.find(text) != std::string::npos; }

class CaseReportTest : public testing::Test {
 protected:
  CaseReportTest() : files_(write_results(folder_.path(), made_)) {}
  void change_summary(const std::function<void(Json&)>& change) const {
    Json summary = read_json(*files_.summary);
    change(summary);
    write_file(*files_.summary, summary.dump());
  }
  // The JSON in the page's element of that id.
  static Json embedded(const std::string& html, const std::string& id) {
    const std::string start = "id=\"" + id + "\">";
    const std::size_t begin = html.find(start) + start.size();
    return Json::parse(html.substr(begin, html.find("</script>", begin) - begin));
  }

  TinyResults made_ = tiny_results();
  TemporaryFolder folder_;
  CaseFiles files_;
};

TEST_F(CaseReportTest, HoldsFiguresStatementAndIdentities) {
  const CaseReport report = case_report(files_);
  const std::string& html = report.html;
  EXPECT_EQ(report.thinning, 1);
  EXPECT_THAT(Page{html}, Shows("<h1><bdi>case</bdi></h1>"));
  EXPECT_THAT(Page{html}, Shows(escape_html(kResearchUse)));
  EXPECT_THAT(Page{html}, Shows(escape_html(kVascularNote)));
  for (const fs::path& file : {files_.image, files_.probability, files_.raters[2], *files_.summary})
    EXPECT_THAT(Page{html}, AllOf(Shows(file.filename().string()), Shows(sha256_of_file(file))));
  const Json summary = embedded(html, "case-summary");
  const Json data = embedded(html, "viewer-data");
  for (int k = 1; k <= 5; ++k) {
    const double mm3 = summary["agreement_volume_mm3"][fmt::format("{}/5", k)];
    EXPECT_DOUBLE_EQ(data["maps"][0]["agreement_mm3"][k - 1].get<double>(), mm3);
    EXPECT_THAT(Page{html}, Shows(fmt::format("{:.2f}</td>", mm3 / 1000)));
  }
  EXPECT_THAT(Page{html}, Shows("Portal vein"));
  EXPECT_THAT(Page{html}, Shows("of the map, 0 to 1"));
}

TEST_F(CaseReportTest, WarningsComeFirstAndOfTheSummaryToo) {
  const CaseReport report = case_report(files_);
  EXPECT_THAT(report.warnings, ElementsAre("the pancreas is small <b>ct.nii.gz"));
  const std::size_t box = report.html.find("class=\"warnings\"");
  EXPECT_LT(box, report.html.find("class=\"figures\""));
  EXPECT_THAT(Page{report.html}, Shows("the pancreas is small &lt;b&gt;ct.nii.gz"));
}

TEST_F(CaseReportTest, NoFolderIsNamed) {
  EXPECT_THAT(Page{case_report(files_).html}, Not(Shows(folder_.path().filename().string())));
}

TEST_F(CaseReportTest, NothingIsLeftOfAFolderThatIsCalledAfterAPatient) {
  change_summary([](Json& summary) {
    summary["input"]["path"] = "/data/DOE^JOHN/series 4/";
    summary["warnings"] = {"/data/DOE^JOHN/series 4: slices of two thicknesses", "/data/DOE^JOHN/other: unreadable"};
  });
  const CaseReport report = case_report(files_);
  EXPECT_THAT(report.warnings, ElementsAre("the input: slices of two thicknesses", "other: unreadable"));
  EXPECT_THAT(Page{report.html}, Not(Shows("DOE")));
  EXPECT_FALSE(embedded(report.html, "case-summary")["input"].contains("path"));
}

TEST_F(CaseReportTest, AnotherCtMapOrVesselsAreTold) {
  made_.ct.voxels.front() = -500;
  write_volume(files_.image, made_.ct);
  EXPECT_THAT(case_report(files_).warnings,
              Contains(AllOf(HasSubstr("CT shown (ct.nii.gz) is not the one that was predicted"))));

  const auto most = std::ranges::max_element(made_.probability.voxels) - made_.probability.voxels.begin();
  made_.probability.voxels[most] = 0;
  write_volume(files_.probability, made_.probability);
  EXPECT_THAT(case_report(files_).warnings, Contains(HasSubstr("its volumes differ")));

  change_summary([](Json& summary) { summary["vessels_sha256"] = std::string(64, '0'); });
  EXPECT_THAT(case_report(files_).warnings, Contains(HasSubstr("vessels are not those of the summary")));
}

TEST_F(CaseReportTest, WithoutASummaryThePageSaysThatNothingIsKnown) {
  files_.summary.reset();
  const CaseReport report = case_report(files_);
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("There is no summary")));
  EXPECT_TRUE(embedded(report.html, "case-summary").is_null());
}

TEST_F(CaseReportTest, UncalibratedMapsAreNotCalledAgreement) {
  change_summary([](Json& summary) { summary["calibrated"] = false; });
  const std::string html = case_report(files_).html;
  EXPECT_THAT(Page{html}, Shows("Network probability (not calibrated)"));
  EXPECT_THAT(Page{html}, Not(Shows("Expected agreement")));
  EXPECT_EQ(embedded(html, "viewer-data")["calibrated"], false);
}

TEST_F(CaseReportTest, ContactAnglesOfTheSummaryAreShownWithoutVessels) {
  const Vessels vessels = read_vessels(*files_.vessels, challenge_vessels());
  change_summary(
      [&](Json& summary) { summary["vascular"] = to_json(vascular_contact(made_.probability, vessels.masks)); });
  files_.vessels.reset();
  EXPECT_THAT(Page{case_report(files_).html}, AllOf(Shows("Portal vein"), Shows("not in the vessels file")));
}

TEST_F(CaseReportTest, NamesAreTextWhateverTheyAre) {
  const std::string evil = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>\xFF\"'";
  files_.name = evil;
  const fs::path rater = folder_ / "<svg onload=alert(3)>.nii.gz";
  fs::rename(files_.raters[0], rater);
  files_.raters[0] = rater;
  change_summary([&](Json& summary) {
    summary["case"] = "</script><!--";
    summary["bundle"]["name"] = "<iframe>";
    summary["warnings"] = {"<script>alert(4)</script>"};
  });
  const std::string html = case_report(files_).html;
  for (const char* markup : {"<script>alert", "<img", "<svg onload", "<iframe", "<!--"})
    EXPECT_THAT(Page{html}, Not(Shows(markup))) << markup;
  EXPECT_EQ(embedded(html, "case-summary")["case"], "</script><!--");
}

TEST_F(CaseReportTest, SummariesThatAreNoneAreRefusedByField) {
  const auto message_with = [&](const std::function<void(Json&)>& change) {
    const std::string before = read_file(*files_.summary, 1 << 20);
    change_summary(change);
    const std::string message = error_message([&] { case_report(files_); });
    write_file(*files_.summary, before);
    EXPECT_THAT(message, HasSubstr(files_.summary->string()));
    return message;
  };
  EXPECT_THAT(message_with([](Json& s) { s["format"] = "other/1"; }), HasSubstr("format: twintrack-case/1"));
  EXPECT_THAT(message_with([](Json& s) { s = Json::array(); }), HasSubstr("expected an object"));
  EXPECT_THAT(message_with([](Json& s) { s["run"]["seconds"]["read"] = "long"; }), HasSubstr("run.seconds.read"));
  EXPECT_THAT(message_with([](Json& s) { s["agreement_volume_mm3"].erase("3/5"); }), HasSubstr("3/5"));
  EXPECT_THAT(message_with([](Json& s) { s["calibrated"] = "yes"; }), HasSubstr("calibrated"));
  EXPECT_THAT(message_with([](Json& s) { s["warnings"] = {{{"a", 1}}}; }), HasSubstr("warnings"));
  EXPECT_THAT(message_with([](Json& s) { s["threshold"] = 7; }), HasSubstr("threshold"));
  files_.vessels.reset();
  EXPECT_THAT(message_with([](Json& s) { s["vascular"] = {{"sma", {{"levels", 3}}}}; }), HasSubstr("levels"));
}

TEST_F(CaseReportTest, IsThinnedToTheSizeAndSaysSo) {
  // Noise does not compress: the image alone has more bytes than allowed.
  unsigned state = 1;
  for (float& hu : made_.ct.voxels) hu = static_cast<float>((state = state * 1664525 + 1013904223) >> 24) * 4 - 200;
  write_volume(files_.image, made_.ct);
  const CaseReport whole = case_report(files_);
  const auto bytes = std::ssize(whole.html);
  const CaseReport small = case_report(files_, bytes * 6 / 10);
  EXPECT_EQ(small.thinning, 2);
  EXPECT_LE(std::ssize(small.html), bytes * 6 / 10);
  EXPECT_THAT(Page{small.html}, Shows("means of 2 &times; 2 voxels"));
  EXPECT_THAT(Page{whole.html}, Not(Shows("means of ")));
  EXPECT_EQ(embedded(small.html, "viewer-data")["maps"], embedded(whole.html, "viewer-data")["maps"]);
  EXPECT_THAT(error_message([&] { case_report(files_, 1000); }), HasSubstr("cannot be thinned to"));
}

}  // namespace
}  // namespace twintrack::test

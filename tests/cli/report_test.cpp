// report on a case, as a user runs it, and its page in a browser.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/process.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_results.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/report/case_data.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr int kSkipped = 77;

class CaseReportJob : public testing::Test {
 protected:
  CaseReportJob() : files_(write_results(folder_.path(), made_)) {}

  fs::path page() const { return folder_ / "report.html"; }
  Arguments report(const Arguments& options = {}) const {
    Arguments all{"report", "-i", files_.image, "--results", folder_ / "results", "-o", page()};
    all.insert(all.end(), options.begin(), options.end());
    return all;
  }
  Arguments with_all() const {
    Arguments all = report({"--vessels", *files_.vessels, "--raters"});
    for (const fs::path& rater : files_.raters) all.push_back(rater);
    return all;
  }

  TinyResults made_ = tiny_results();
  TemporaryFolder folder_;
  CaseFiles files_;
};

TEST_F(CaseReportJob, WritesOnePage) {
  const Outcome outcome = run_twintrack(with_all());
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith(page().string() + ": case case, "));
  EXPECT_THAT(outcome.err, AllOf(HasSubstr("the pancreas is small <b>ct.nii.gz"), HasSubstr(kResearchUse)));
  EXPECT_EQ(read_file(page(), 1 << 26).substr(0, 15), "<!DOCTYPE html>");
}

TEST_F(CaseReportJob, TellsMachinesWhatItDid) {
  const Outcome outcome = run_twintrack(report({"--json"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json result = Json::parse(outcome.out);
  EXPECT_EQ(result["report"], page().string());
  EXPECT_EQ(result["case"], "case");
  EXPECT_EQ(result["bytes"], fs::file_size(page()));
  EXPECT_EQ(result["thinning"], 1);
  EXPECT_EQ(result["warnings"].size(), 1u);
}

TEST_F(CaseReportJob, IsTheSameEveryTimeAndOnAnyNumberOfThreads) {
  ASSERT_EQ(run_twintrack(with_all()).status, 0);
  const std::string first = sha256_of_file(page());
  Arguments again = with_all();
  again.insert(again.end(), {"--overwrite", "--threads", "3"});
  ASSERT_EQ(run_twintrack(again).status, 0);
  EXPECT_EQ(sha256_of_file(page()), first);
}

TEST_F(CaseReportJob, APageThatExistsIsKept) {
  write_file(page(), "mine");
  const Outcome outcome = run_twintrack(report());
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("report.html: exists already; --overwrite replaces it"));
  EXPECT_EQ(read_file(page(), 100), "mine");
  EXPECT_EQ(run_twintrack(report({"--overwrite"})).status, 0);
}

TEST_F(CaseReportJob, TakesACaseOfAManifest) {
  write_file(folder_ / "cases.csv",
             "case,image,probability,segmentation,raters,vessels,roi\n"
             "one,ct.nii.gz,results/case_probability.nii.gz,results/case_segmentation.nii.gz,rater_*.nii.gz,"
             "vessels.nii.gz,results/case_roi.nii.gz\n");
  const Arguments on_manifest{"report", "--manifest", folder_ / "cases.csv", "-o", page(), "--case"};
  Arguments one = on_manifest;
  one.emplace_back("one");
  const Outcome outcome = run_twintrack(one);
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("case one,"));
  Arguments other = on_manifest;
  other.insert(other.end(), {"other", "--overwrite"});
  EXPECT_THAT(run_twintrack(other).err, HasSubstr("cases.csv: has no case 'other'"));
}

TEST_F(CaseReportJob, GridsThatDifferAreRefusedNamingBothFiles) {
  Volume<std::uint8_t> rater = made_.raters[1];
  rater.geometry.spacing_mm[2] = 3;
  write_volume(files_.raters[1], rater);
  const Outcome outcome = run_twintrack(with_all());
  EXPECT_EQ(outcome.status, 3);
  EXPECT_THAT(outcome.err,
              HasSubstr(files_.raters[1].string() + ": lies on another grid than " + files_.probability.string()));
  EXPECT_FALSE(fs::exists(page()));
}

TEST_F(CaseReportJob, MissingFilesAreNamed) {
  const auto expect_failure = [&](int status, const Arguments& arguments, const std::string& message) {
    const Outcome outcome = run_twintrack(arguments);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_FALSE(fs::exists(page()));
  };
  expect_failure(3, report({"--raters", folder_ / "none.nii.gz"}), "none.nii.gz");
  expect_failure(3, report({"--vessels", files_.raters[0].string() + "x"}), "rater_1.nii.gzx");
  expect_failure(3, report({"--case", "nobody"}), "nobody.json: there is no such summary");
  expect_failure(3, {"report", "-i", folder_ / "no.nii.gz", "--results", folder_ / "results", "-o", page()},
                 "no.nii.gz: there is no such file");
  fs::remove(*files_.segmentation);
  expect_failure(3, report(), "there is no case_segmentation.nii.gz");
}

TEST_F(CaseReportJob, OptionsThatDoNotGoTogetherAreRefused) {
  const auto expect_usage = [&](const Arguments& arguments, const std::string& message) {
    const Outcome outcome = run_twintrack(arguments);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_FALSE(fs::exists(page()));
  };
  expect_usage({"report", "-o", page()}, "needs -i CT and --results FOLDER, or --manifest CSV");
  expect_usage({"report", "-i", files_.image, "-o", page()}, "needs -i CT and --results");
  expect_usage(report({"--manifest", folder_ / "cases.csv"}), "--manifest: names all files");
  expect_usage(report({"--plots", folder_ / "plots"}), "are for a cohort");
}

TEST_F(CaseReportJob, AFullDiskLeavesNoPage) {
  const Outcome outcome = run_process(with_file_limit(8, twintrack_command(report())));
  EXPECT_EQ(outcome.status, 4);
  EXPECT_THAT(outcome.err, HasSubstr("cannot write " + page().string()));
  EXPECT_THAT(files_below(folder_.path()), Not(testing::Contains(HasSubstr("html"))));
}

// --- in a browser ---

class CaseReportPage : public CaseReportJob {
 protected:
  Outcome browse(const Arguments& options) const {
    const fs::path tools = fs::path(TWINTRACK_SOURCE_DIR) / "tests" / "report";
    Arguments all{"/usr/bin/python3", tools / "browser.py", page()};
    all.insert(all.end(), options.begin(), options.end());
    return run_process(all);
  }
  // What case_report_test.js saw.
  Json watched(const Arguments& options) {
    Arguments all = options;
    all.insert(all.end(), {"--script", fs::path(TWINTRACK_SOURCE_DIR) / "tests" / "report" / "case_report_test.js"});
    const Outcome outcome = browse(all);
    if (outcome.status == kSkipped) return nullptr;
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.status == 0 ? Json::parse(outcome.out) : Json(nullptr);
  }
  static std::uint32_t hash(const ByteVolume& bytes) {  // FNV-1a, as the script's
    std::uint32_t sum = 2166136261U;
    for (const std::uint8_t byte : bytes) sum = (sum ^ byte) * 16777619U;
    return sum;
  }
};

std::string ml(double mm3) { return fmt::format("{:.2f} ml", mm3 / 1000); }

void expect_bytes_unchanged(const Json& seen, const CaseData& data, std::uint32_t (*hash)(const ByteVolume&)) {
  EXPECT_EQ(seen["layers"]["ct"], hash(data.ct));
  for (std::size_t i = 0; i < data.maps.size(); ++i)
    EXPECT_EQ(seen["layers"][fmt::format("map-{}", i)], hash(data.maps[i].bytes));
  EXPECT_EQ(seen["layers"]["masks-0"], hash(data.mask_bits[0]));
}

// The slider redraws the outlines, and the volume beside it is the summary's.
void expect_levels(const Json& seen, const CaseFiles& files, const CaseData& data) {
  const Json summary = read_json(*files.summary);
  for (int k = 1; k <= 5; ++k) {
    const Json& level = seen["levels"][k - 1];
    EXPECT_EQ(level["volume"], ml(summary["agreement_volume_mm3"][fmt::format("{}/5", k)]));
    EXPECT_EQ(level["raters"], ml(data.maps[2].agreement_mm3[k - 1]));
    ASSERT_EQ(level["paths"].size(), 3u);
    for (int plane = 0; plane < 3; ++plane) {
      EXPECT_THAT(level["paths"][plane].get<std::string>(), StartsWith("M"));
      EXPECT_TRUE(k == 1 || level["paths"][plane] != seen["levels"][k - 2]["paths"][plane]) << k;
    }
  }
  EXPECT_THAT(seen["sentence"].get<std::string>(), HasSubstr("at least 2 of 5 experts are expected to agree"));
}

void expect_navigation(const Json& seen, const CaseData& data) {
  const auto slices = data.grid.size[2];
  const auto slice = [&](std::int64_t number) { return fmt::format("Axial {} / {}", number, slices); };
  const auto start = std::stoll(seen["start"].get<std::string>().substr(6));
  EXPECT_EQ(seen["up"], slice(start + 1));
  EXPECT_EQ(seen["pageDown"], slice(start + 1 - 5));
  EXPECT_EQ(seen["home"], slice(1));
  EXPECT_EQ(seen["homePaths"], "");
  EXPECT_EQ(seen["end"], slice(slices));
  EXPECT_EQ(seen["largest"], seen["start"]);
  EXPECT_EQ(seen["keyLevel"], ml(data.maps[0].agreement_mm3[3]));
  EXPECT_THAT(seen["wheel"].get<std::string>(), StartsWith("Sagittal "));
  EXPECT_EQ(seen["maximum"], 1.0);
  EXPECT_GT(seen["zoom"].get<double>(), 1.2);
  EXPECT_EQ(seen["zoomBack"], 1);
}

TEST_F(CaseReportPage, WorksInABrowser) {
  const std::string evil = "a<img src=x onerror=alert(1)><!--";
  write_file(folder_ / "cases.csv",
             "case,image,probability,segmentation,raters,vessels,roi\n" + evil +
                 ",ct.nii.gz,results/case_probability.nii.gz,results/case_segmentation.nii.gz,rater_*.nii.gz,"
                 "vessels.nii.gz,results/case_roi.nii.gz\n");
  const Outcome outcome = run_twintrack({"report", "--manifest", folder_ / "cases.csv", "--case", evil, "-o", page()});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json seen = watched({"--screenshot", folder_ / "light.png"});
  if (HasFailure()) return;
  if (seen.is_null()) GTEST_SKIP() << "no chromium";
  const CaseData data = read_case_data(files_);
  expect_bytes_unchanged(seen, data, &hash);
  expect_levels(seen, files_, data);
  expect_navigation(seen, data);

  for (const Json& scale : seen["scales"]) EXPECT_NEAR(scale[0].get<double>(), scale[1].get<double>(), 1e-9);
  EXPECT_EQ(seen["marks"], (Json{{"axial", "RLAP"}, {"coronal", "RLHF"}, {"sagittal", "APHF"}}));
  // The patient's left, to the viewer's right, is the brighter half.
  EXPECT_LT(seen["patientRightThenLeft"][0].get<int>() + 20, seen["patientRightThenLeft"][1].get<int>());
  const Json& at = seen["clicked"];
  const auto& size = made_.ct.geometry.size;
  const auto voxel =
      (at[2].get<std::int64_t>() * size[1] + at[1].get<std::int64_t>()) * size[0] + at[0].get<std::int64_t>();
  EXPECT_EQ(seen["clickedHu"].get<float>(), made_.ct.voxels.at(voxel));
  EXPECT_THAT(seen["readout"].get<std::string>(), HasSubstr("HU"));
  EXPECT_EQ(seen["windowChanges"], true);
  EXPECT_EQ(seen["windowReturns"], true);
  EXPECT_EQ(seen["rater"], true);
  EXPECT_EQ(seen["theme"][0], "light");
  EXPECT_EQ(seen["toggled"][0], "dark");
  EXPECT_NE(seen["toggled"][1], seen["theme"][1]);
  EXPECT_EQ(seen["overflow"], 0);
  EXPECT_EQ(seen["statementStays"], true);
  EXPECT_EQ(seen["heading"], evil);
  EXPECT_EQ(seen["scripts"], 0);
  EXPECT_GT(fs::file_size(folder_ / "light.png"), 10'000u);
}

TEST_F(CaseReportPage, WorksOnANarrowDarkScreen) {
  ASSERT_EQ(run_twintrack(with_all()).status, 0);
  const Json seen = watched({"--dark", "--width", "390", "--height", "800"});
  if (HasFailure()) return;
  if (seen.is_null()) GTEST_SKIP() << "no chromium";
  EXPECT_EQ(seen["theme"][0], "dark");
  EXPECT_EQ(seen["overflow"], 0);
  EXPECT_EQ(seen["statementStays"], true);
  expect_levels(seen, files_, read_case_data(files_));
}

TEST_F(CaseReportPage, ThatIsDamagedSaysSoAndKeepsItsFigures) {
  ASSERT_EQ(run_twintrack(report()).status, 0);
  std::string html = read_file(page(), 1 << 26);
  const std::size_t strip = html.find("data-layer=\"map-0\">") + 19;
  html.replace(strip + 400, 40, std::string(40, 'A'));
  write_file(page(), html);
  write_file(folder_ / "look.js",
             "twintrackReport.then(() => 'shown', () => [document.getElementById('viewer').textContent, "
             "document.querySelector('.agreement td').textContent])");
  const Outcome outcome = browse({"--script", folder_ / "look.js"});
  if (outcome.status == kSkipped) GTEST_SKIP() << "no chromium";
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Json seen = Json::parse(outcome.out);
  EXPECT_THAT(seen[0].get<std::string>(), StartsWith("The images cannot be shown: "));
  EXPECT_EQ(seen[1].get<std::string>() + " ml", ml(read_case_data(files_).maps[0].agreement_mm3[0]));
}

}  // namespace
}  // namespace twintrack::test

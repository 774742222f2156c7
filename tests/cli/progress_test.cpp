// What is said besides results: as JSON for programs, and on a terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "cli/scene.hpp"
#include "support/dicom_copy.hpp"
#include "support/terminal_process.hpp"
#include "support/tiny_cohort.hpp"
#include "twintrack/core/terminal.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<Json> documents(const std::string& text) {
  std::vector<Json> parsed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) parsed.push_back(Json::parse(line));
  return parsed;
}

struct Stage {
  std::vector<std::int64_t> done;
  std::int64_t total = 0;
};

std::map<std::string, Stage> stages_of(const std::vector<Json>& said) {
  std::map<std::string, Stage> stages;
  for (const Json& document : said) {
    if (!document.contains("progress")) continue;
    const Json& progress = document["progress"];
    Stage& stage = stages[progress["stage"]];
    stage.done.push_back(progress["done"]);
    stage.total = progress["total"];
    EXPECT_GE(progress["elapsed_s"].get<double>(), 0);
    EXPECT_TRUE(progress["left_s"].is_null() || progress["left_s"].get<double>() >= 0);
  }
  return stages;
}

TEST(JsonProgress, EveryStageBeginsWithNothingDoneAndEndsComplete) {
  const Scene scene;
  const Outcome outcome = run_twintrack(scene.predict({"--json"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::map<std::string, Stage> stages = stages_of(documents(outcome.err));
  ASSERT_THAT(stages, testing::SizeIs(3));
  for (const char* const name : {"localiser", "member 1 of 2", "member 2 of 2"}) {
    const auto stage = stages.find(name);
    ASSERT_NE(stage, stages.end()) << name;
    EXPECT_EQ(stage->second.done.front(), 0) << name;
    EXPECT_EQ(stage->second.done.back(), stage->second.total) << name;
    EXPECT_GT(stage->second.total, 0) << name;
    EXPECT_TRUE(std::ranges::is_sorted(stage->second.done)) << name;
  }
  EXPECT_EQ(documents(outcome.out).size(), 1U) << "results stay as they are";
}

TEST(JsonProgress, WarningsAndNotesAreDocumentsToo) {
  const Scene scene;
  scene.change_bundle("bundle.json", [](Json& bundle) { bundle["calibrator"] = nullptr; });
  const Outcome outcome = run_twintrack(scene.predict({"--json"}));
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  std::string warning, note;
  for (const Json& document : documents(outcome.err)) {
    ASSERT_EQ(document.size(), 1U);
    if (document.contains("warning") && document["warning"]["case"] == "ct")
      warning += document["warning"]["message"].get<std::string>();
    if (document.contains("note")) note += document["note"]["message"].get<std::string>();
  }
  EXPECT_THAT(warning, HasSubstr("no calibrator"));
  EXPECT_THAT(note, HasSubstr("Research use only"));
}

// What the library logs while it reads: here that a slice is there twice.
TEST(JsonProgress, WarningsThatAreLoggedAreDocumentsOnStderr) {
  const TemporaryFolder folder;
  const TinyCase made = tiny_case({}, 0);
  write_case(folder / "case_1", made);
  const std::vector<std::uint8_t>& marked = made.segmentation.voxels;
  write_dicom_copy(folder / "map", {made.segmentation.geometry, {marked.begin(), marked.end()}});
  fs::copy_file(folder / "map" / "0003.dcm", folder / "map" / "copy.dcm");
  put_file(folder / "cases.csv", "case,probability,raters\ncase_1,map,case_1/rater_*.nii.gz\n");
  const auto evaluate = [&](const std::string& option) {
    return run_twintrack({"evaluate", "--manifest", (folder / "cases.csv").string(), "-o",
                          (folder / "metrics.json").string(), "--threshold", "0.5", "--overwrite", "--quiet", option});
  };
  const Outcome outcome = evaluate("--json");
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(documents(outcome.out).size(), 1U);
  const std::vector<Json> said = documents(outcome.err);
  ASSERT_EQ(said.size(), 1U) << outcome.err;
  EXPECT_THAT(said[0]["warning"]["message"].get<std::string>(), HasSubstr("copy.dcm"));
  EXPECT_THAT(evaluate("--verbose").err, testing::ContainsRegex("^twintrack: warning: [^\n]*copy.dcm"));
}

TEST(JsonProgress, FailedCasesAreNamedWithTheStatusOfTheirError) {
  const Scene scene;
  fs::create_directory(scene / "cases");
  fs::copy_file(scene.ct(), scene / "cases" / "good.nii.gz");
  put_file(scene / "cases" / "bad.nii.gz", "no image");
  const Outcome outcome = run_twintrack(scene.predict_on(scene / "cases", {"--json", "--quiet"}));
  EXPECT_EQ(outcome.status, 1);
  const std::vector<Json> said = documents(outcome.err);
  ASSERT_EQ(said.size(), 2U) << "quiet: errors only";
  EXPECT_EQ(said[0]["error"]["case"], "bad");
  EXPECT_EQ(said[0]["error"]["status"], 3);
  EXPECT_THAT(said[0]["error"]["message"].get<std::string>(), HasSubstr("bad.nii.gz"));
  EXPECT_EQ(said[1]["error"]["status"], 1);
  EXPECT_THAT(said[1]["error"]["message"].get<std::string>(), HasSubstr("1 of 2 cases failed: bad"));
}

TEST(JsonProgress, AnErrorThatEndsTheRunHasItsStatus) {
  const Scene scene;
  const Outcome outcome = run_twintrack(scene.predict_on(scene / "absent.nii.gz", {"--json"}));
  EXPECT_EQ(outcome.status, 3);
  const std::vector<Json> said = documents(outcome.err);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0]["error"]["status"], 3);
  EXPECT_THAT(said[0]["error"]["message"].get<std::string>(), HasSubstr("absent.nii.gz"));
  EXPECT_EQ(outcome.out, "");
}

TEST(PlainProgress, HasNoControlCharacters) {
  const Scene scene;
  const Outcome outcome = run_process(
      {"env", "TERM=xterm", TWINTRACK_BINARY, "predict", "-b", scene.bundle(), "-i", scene.ct(), "-o", scene.out()});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_THAT(outcome.err, HasSubstr("localiser: started\nlocaliser: done in "));
  EXPECT_THAT(outcome.err, Not(HasSubstr("\x1b")));
  EXPECT_THAT(outcome.err, Not(HasSubstr("\r")));
}

// What stands on the terminal's lines, one after the other, as drawn over each other.
std::vector<std::string> drawn_lines(std::string text) {
  std::vector<std::string> lines;
  for (const char* const control : {"\x1b[K", "\x1b[31m", "\x1b[33m", "\x1b[0m"}) {
    for (std::size_t at; (at = text.find(control)) != std::string::npos;) text.erase(at, std::string(control).size());
  }
  std::string line;
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      lines.push_back(line);
      line.clear();
    } else {
      line += c;
    }
  }
  return lines;
}

TEST(TerminalProgress, IsDrawnBeforeTheFirstTileAndFitsTheTerminal) {
  const Scene scene;
  const unsigned short columns = 50;
  TerminalProcess process(twintrack_command(scene.predict()), columns, {{"TERM", "xterm"}});
  const Outcome outcome = process.finish();
  ASSERT_EQ(outcome.status, 0) << outcome.out;
  EXPECT_THAT(outcome.out, HasSubstr("\rlocaliser    0 %  0:00 elapsed\x1b[K"));
  EXPECT_THAT(outcome.out, HasSubstr("\rmember 2 of 2    0 %  0:00 elapsed\x1b[K"));
  for (const std::string& line : drawn_lines(outcome.out)) {
    if (line.find(" %") != std::string::npos) EXPECT_LT(display_width(line), columns) << line;
  }
}

TEST(TerminalProgress, TakesTheWidthThatColumnsSays) {
  const Scene scene;
  TerminalProcess process(twintrack_command(scene.predict()), 50, {{"TERM", "xterm"}, {"COLUMNS", "90"}});
  EXPECT_THAT(process.finish().out, HasSubstr("\rlocaliser  [------------------------]   0 %  0:00 elapsed\x1b[K"));
}

std::string error_on_terminal(const std::map<std::string, std::string>& variables) {
  TerminalProcess process(twintrack_command({"bundle", "info", "absent"}), 80, variables);
  return process.finish().out;
}

TEST(Colour, OfErrorsOnATerminalOnly) {
  EXPECT_THAT(error_on_terminal({{"TERM", "xterm"}, {"NO_COLOR", ""}}),
              testing::StartsWith("\x1b[31mtwintrack:\x1b[0m "));
  EXPECT_THAT(error_on_terminal({{"TERM", "xterm"}, {"NO_COLOR", "1"}}), testing::StartsWith("twintrack: "));
  EXPECT_THAT(error_on_terminal({{"TERM", "dumb"}, {"NO_COLOR", ""}}), testing::StartsWith("twintrack: "));
}

TEST(Colour, OfWarnings) {
  const Scene scene;
  scene.change_bundle("bundle.json", [](Json& bundle) { bundle["calibrator"] = nullptr; });
  TerminalProcess process(twintrack_command(scene.predict()), 80, {{"TERM", "xterm"}, {"NO_COLOR", ""}});
  EXPECT_THAT(process.finish().out, HasSubstr("twintrack: ct: \x1b[33mwarning:\x1b[0m the bundle has no calibrator"));
}

}  // namespace
}  // namespace twintrack::test

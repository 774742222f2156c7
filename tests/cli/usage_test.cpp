// Help of every job, and what is said of a line that was mistyped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/help_jobs.hpp"

namespace twintrack::test {
namespace {

using testing::HasSubstr;

class Help : public testing::Test {
 protected:
  const std::vector<HelpedJob> jobs_ = helped_jobs();
};

TEST_F(Help, ShowsAnExampleOfEveryJob) {
  for (const HelpedJob& job : jobs_) {
    EXPECT_THAT(job.help, testing::ContainsRegex("\nExamples?:\n  twintrack ")) << job.name();
    EXPECT_THAT(job.help, HasSubstr("\n  " + job.name() + (job.words.empty() ? " " : ""))) << job.name();
  }
}

TEST_F(Help, OfTheProgramShowsAnExampleOfEachOfItsJobs) {
  for (const HelpedJob& job : jobs_) {
    if (job.words.size() == 1) EXPECT_THAT(jobs_.front().help, HasSubstr("\n  " + job.name() + " "));
  }
}

TEST_F(Help, DescribesEveryOption) {
  for (const HelpedJob& job : jobs_) {
    const std::vector<std::string> rows = rows_after("Options:", job.help);
    EXPECT_FALSE(rows.empty()) << job.name();
    for (const std::string& row : rows) {
      const std::size_t gap = row.find("  ", row.find_first_not_of(' '));
      const std::size_t text = gap == std::string::npos ? row.find(' ', row.find('-')) : gap;
      ASSERT_NE(text, std::string::npos) << job.name() << ": " << row;
      const std::string description = row.substr(std::min(row.find_first_not_of(' ', text), row.size()));
      EXPECT_GE(description.size(), 4U) << job.name() << ": " << row;
    }
  }
}

TEST_F(Help, FitsTheTerminal) {
  const Outcome outcome = run_process({"env", "COLUMNS=70", TWINTRACK_BINARY, "predict", "--help"});
  const std::string options = outcome.out.substr(0, outcome.out.find("\nExample"));
  std::istringstream lines(options);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 70U) << line;
}

struct Mistyped {
  std::string name;
  Arguments line;
  std::string message;
};

std::string name_of(const testing::TestParamInfo<Mistyped>& info) { return info.param.name; }

class MistypedLines : public testing::TestWithParam<Mistyped> {};

TEST_P(MistypedLines, AreToldWhatWouldBeRight) {
  const Outcome outcome = run_twintrack(GetParam().line);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "twintrack: " + GetParam().message + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    Jobs, MistypedLines,
    testing::Values(
        Mistyped{"job", {"predikt", "-i", "ct.nii"}, "unknown job predikt; did you mean predict? (twintrack --help)"},
        Mistyped{"job_alone", {"predikt"}, "unknown job predikt; did you mean predict? (twintrack --help)"},
        Mistyped{"job_swapped", {"evalaute"}, "unknown job evalaute; did you mean evaluate? (twintrack --help)"},
        Mistyped{"job_far_away", {"diagnose"}, "unknown job diagnose (twintrack --help)"},
        Mistyped{"inner_job", {"bundle", "crate"}, "unknown job crate; did you mean create? (twintrack bundle --help)"},
        Mistyped{
            "inner_job_begun", {"bundle", "ver"}, "unknown job ver; did you mean verify? (twintrack bundle --help)"},
        Mistyped{"no_inner_job", {"bundle"}, "a job is needed: create, info, verify (twintrack bundle --help)"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Options, MistypedLines,
    testing::Values(
        Mistyped{"option",
                 {"predict", "--threds", "4", "-i", "ct.nii"},
                 "unknown option --threds; did you mean --threads? (twintrack predict --help)"},
        Mistyped{"option_with_its_value",
                 {"predict", "--threds=4"},
                 "unknown option --threds; did you mean --threads? (twintrack predict --help)"},
        Mistyped{"option_with_one_dash",
                 {"phantom", "-cases"},
                 "unknown option -cases; did you mean --cases? (twintrack phantom --help)"},
        Mistyped{"option_begun",
                 {"predict", "--save-unc"},
                 "unknown option --save-unc; did you mean --save-uncalibrated? (twintrack predict --help)"},
        Mistyped{"option_of_an_inner_job",
                 {"bundle", "create", "--tumour-label", "tumor"},
                 "unknown option --tumour-label; did you mean --tumor-label? (twintrack bundle create --help)"},
        Mistyped{"option_before_the_job",
                 {"-b", "models/pdac", "predict"},
                 "unknown option -b; options come after the job (twintrack predict --help)"},
        Mistyped{"option_far_away", {"predict", "--colour"}, "unknown option --colour (twintrack predict --help)"},
        Mistyped{"stray_argument",
                 {"phantom", "-o", "out", "stray.nii"},
                 "unexpected argument stray.nii: options are given by name (twintrack phantom --help)"},
        Mistyped{"value_of_a_set",
                 {"predict", "-b", "b", "-i", "i", "-o", "o", "--precision", "bf61"},
                 "--precision bf61: one of auto, fp32, bf16 is right; did you mean bf16? (twintrack predict --help)"},
        Mistyped{"value_of_a_set_of_an_argument",
                 {"completion", "bsah"},
                 "shell bsah: one of bash, zsh, fish is right; did you mean bash? (twintrack completion --help)"},
        Mistyped{"required",
                 {"train", "plan", "-o", "work"},
                 "--dataset is required (twintrack train plan --help); for example:\n  twintrack train plan -d "
                 "Dataset001_Pancreas -o work"},
        Mistyped{"two_required",
                 {"predict", "-i", "ct.nii"},
                 "--bundle, --output are required (twintrack predict --help); for example:\n  twintrack predict -b "
                 "models/pdac -i ct.nii.gz -o results"},
        Mistyped{"required_argument",
                 {"bundle", "info"},
                 "bundle is required (twintrack bundle info --help); for example:\n  twintrack bundle info "
                 "models/pdac"}),
    name_of);

TEST(MistypedLine, LongerThanAnyNameIsRefusedInAMoment) {
  const std::string word(100'000, 'x');
  const Outcome outcome = run_twintrack({"predict", "--" + word});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("unknown option --xxx"));
}

TEST(MistypedLine, IsADocumentWithJson) {
  const Outcome outcome = run_twintrack({"predict", "--json", "--threds", "4"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err,
            "{\"error\":{\"message\":\"unknown option --threds; did you mean --threads? (twintrack predict --help)\","
            "\"status\":2}}\n");
}

}  // namespace
}  // namespace twintrack::test

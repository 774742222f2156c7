// The manual page: formatted without a warning, and with every job and option in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/help_jobs.hpp"
#include "support/temporary_folder.hpp"
#include "support/tiny_models.hpp"

namespace twintrack::test {
namespace {

using testing::HasSubstr;

class ManPage : public testing::Test {
 protected:
  void SetUp() override {
    if (run_process({"sh", "-c", "command -v man"}).status != 0) GTEST_SKIP() << "no man here";
    const Outcome page = run_twintrack({"man"});
    ASSERT_EQ(page.status, 0) << page.err;
    EXPECT_EQ(page.err, "");
    put_file(folder_ / "twintrack.1", page.out);
    formatted_ = run_process(
        {"env", "LC_ALL=C.UTF-8", "MANWIDTH=400", "man", "--warnings", "-l", (folder_ / "twintrack.1").string()});
  }

  TemporaryFolder folder_;
  Outcome formatted_;
};

TEST_F(ManPage, FormatsWithoutWarnings) {
  EXPECT_EQ(formatted_.status, 0);
  EXPECT_EQ(formatted_.err, "");
}

TEST_F(ManPage, HasEveryJobWithEveryOption) {
  const std::vector<HelpedJob> jobs = helped_jobs();
  ASSERT_GT(jobs.size(), 10U);
  for (const HelpedJob& job : jobs) {
    if (job.words.empty()) continue;
    const std::size_t begin = formatted_.out.find("\n   " + job.name() + "\n");
    ASSERT_NE(begin, std::string::npos) << job.name();
    const std::size_t end = formatted_.out.find("\n   twintrack ", begin + 1);
    const std::string section = formatted_.out.substr(begin, end - begin);
    const std::vector<std::string> options = long_options(job);
    EXPECT_THAT(options, testing::Contains("--help")) << job.name();
    for (const std::string& option : options)
      EXPECT_THAT(section, testing::ContainsRegex("\n +(-., )?" + option + "( |\n)"));
    EXPECT_THAT(section, HasSubstr("\n           " + job.name() + " ")) << "an example of " << job.name();
  }
}

TEST_F(ManPage, HasValuesBoundsAndDefaults) {
  EXPECT_THAT(formatted_.out, HasSubstr("--precision auto|fp32|bf16\n"));
  EXPECT_THAT(formatted_.out, HasSubstr("-b, --bundle FOLDER\n"));
  EXPECT_THAT(formatted_.out, HasSubstr("--roi-margin-mm N,N,N\n"));
  EXPECT_THAT(formatted_.out, HasSubstr("Default: 30,30,30."));
  EXPECT_THAT(formatted_.out, HasSubstr("Allowed: 1 to 1024."));
}

TEST_F(ManPage, SaysWhatTheProgramIsForAndHowItEnds) {
  for (const char* const text : {"\nEXIT STATUS\n", "\nENVIRONMENT\n", "NO_COLOR", "130 +Interrupted",
                                 "Not a medical device and not for diagnosis", "twintrack [0-9]+\\.[0-9]+\\.[0-9]+ "}) {
    EXPECT_THAT(formatted_.out, testing::ContainsRegex(text));
  }
}

}  // namespace
}  // namespace twintrack::test

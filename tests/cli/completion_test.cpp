// Completion scripts, run by the shells they are for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "cli/help_jobs.hpp"
#include "support/temporary_folder.hpp"
#include "support/terminal_process.hpp"
#include "support/tiny_models.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

bool is_there(const std::string& program) { return run_process({"sh", "-c", "command -v " + program}).status == 0; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string script_for(const std::string& shell) {
  const Outcome outcome = run_twintrack({"completion", shell});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  return outcome.out;
}

TEST(Completion, RefusesOtherShells) {
  const Outcome outcome = run_twintrack({"completion", "tcsh"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, testing::HasSubstr("bash"));
  EXPECT_EQ(outcome.out, "");
}

// What bash's function offers for a line; "compopt ..." where it leaves it to bash. The line is taken apart as bash
// does it.
class BashCompletion : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_there("bash")) GTEST_SKIP() << "no bash here";
    put_file(folder_ / "script", script_for("bash"));
  }

  std::vector<std::string> offered(const Arguments& words) const {
    const std::string script =
        "set -u; source \"$1\"; shift; compopt() { echo \"compopt $*\"; }; COMP_WORDS=(twintrack \"$@\"); "
        "COMP_CWORD=$#; COMPREPLY=(); _twintrack twintrack \"${COMP_WORDS[COMP_CWORD]}\" x; "
        "[[ ${#COMPREPLY[@]} == 0 ]] || printf '%s\\n' \"${COMPREPLY[@]}\"";
    Arguments command = {"bash", "--norc", "-c", script, "bash", (folder_ / "script").string()};
    command.insert(command.end(), words.begin(), words.end());
    const Outcome outcome = run_process(command);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, "");
    return lines_of(outcome.out);
  }

  TemporaryFolder folder_;
};

TEST_F(BashCompletion, Jobs) {
  EXPECT_THAT(offered({"pre"}), ElementsAre("predict"));
  EXPECT_THAT(offered({"bundle", ""}), testing::IsSupersetOf({"create", "info", "verify"}));
  EXPECT_THAT(offered({"train", "p"}), ElementsAre("plan"));
  EXPECT_THAT(offered({"train", "rank"}), IsEmpty()) << "not for people";
}

TEST_F(BashCompletion, OptionsOfTheJob) {
  EXPECT_THAT(offered({"predict", "--thr"}), UnorderedElementsAre("--threads", "--threshold"));
  EXPECT_THAT(offered({"segment", "--thr"}), ElementsAre("--threads"));
  EXPECT_THAT(offered({"bundle", "create", "--roi"}), ElementsAre("--roi-margin-mm"));
  EXPECT_THAT(offered({"bundle", "info", "--roi"}), IsEmpty());
  EXPECT_THAT(offered({"predict", "-i", "a.nii.gz", "-o", "evaluate", "--mani"}), IsEmpty());
}

TEST_F(BashCompletion, EveryOptionOfEveryJob) {
  for (const HelpedJob& job : helped_jobs()) {
    Arguments words = job.words;
    words.emplace_back("--");
    EXPECT_THAT(offered(words), testing::UnorderedElementsAreArray(long_options(job))) << job.name();
  }
}

TEST_F(BashCompletion, Values) {
  EXPECT_THAT(offered({"predict", "--precision", ""}), ElementsAre("auto", "fp32", "bf16"));
  EXPECT_THAT(offered({"predict", "--precision", "b"}), ElementsAre("bf16"));
  EXPECT_THAT(offered({"predict", "--precision", "=", "b"}), ElementsAre("bf16")) << "--precision=b";
  EXPECT_THAT(offered({"predict", "--precision", "="}), ElementsAre("auto", "fp32", "bf16")) << "--precision=";
  EXPECT_THAT(offered({"predict", "--threads", ""}), IsEmpty());
  EXPECT_THAT(offered({"completion", "z"}), ElementsAre("zsh"));
}

TEST_F(BashCompletion, FilesAndFoldersWhereTheyAreMeant) {
  EXPECT_THAT(offered({"predict", "-i", ""}), ElementsAre("compopt -o default"));
  EXPECT_THAT(offered({"predict", "--bundle", "mod"}), ElementsAre("compopt -o dirnames"));
  EXPECT_THAT(offered({"bundle", "info", "mod"}), ElementsAre("compopt -o dirnames"));
  EXPECT_THAT(offered({"calibrate", "--merge", "here.stats", "th"}), ElementsAre("compopt -o default"));
  EXPECT_THAT(offered({"predict", "-i", "ct.nii.gz", "--over"}), ElementsAre("--overwrite"));
}

// A shell with a prompt, in a folder with files. The line is what stands there after TAB.
class InteractiveShell : public testing::Test {
 protected:
  void make_files() const {
    fs::create_directory(folder_ / "models of ours");
    fs::create_directory(folder_ / "results");
    put_file(folder_ / "mammogram.nii", "");
    put_file(folder_ / "resume.nii", "");
  }

  std::map<std::string, std::string> environment() const {
    const fs::path program = TWINTRACK_BINARY;
    return {{"PATH", program.parent_path().string() + ":" + std::getenv("PATH")},
            {"HOME", folder_.path().string()},
            {"TERM", "xterm"},
            {"LC_ALL", "C.UTF-8"}};
  }

  std::string line_after_tab(TerminalProcess& shell, const std::string& typed) const {
    fs::remove(folder_ / ".line");
    shell.type(typed + "\t\x07");  // the second key writes the line to a file
    if (!shell.shows("written")) return "nothing";
    std::string line = get_file(folder_ / ".line");
    shell.type("\x15");  // away with it
    return line.substr(0, line.find_last_not_of(' ') + 1);
  }

  void check(TerminalProcess& shell) const {
    EXPECT_EQ(line_after_tab(shell, "twintrack seg"), "twintrack segment");
    EXPECT_EQ(line_after_tab(shell, "twintrack bundle ver"), "twintrack bundle verify");
    EXPECT_EQ(line_after_tab(shell, "twintrack predict --precision b"), "twintrack predict --precision bf16");
    EXPECT_EQ(line_after_tab(shell, "twintrack predict --save-u"), "twintrack predict --save-uncalibrated");
    EXPECT_EQ(line_after_tab(shell, "twintrack predict -b m"), "twintrack predict -b models\\ of\\ ours/");
    EXPECT_EQ(line_after_tab(shell, "twintrack predict -b res"), "twintrack predict -b results/");
    EXPECT_EQ(line_after_tab(shell, "twintrack predict -i ma"), "twintrack predict -i mammogram.nii");
    EXPECT_EQ(line_after_tab(shell, "twintrack bundle info mo"), "twintrack bundle info models\\ of\\ ours/");
  }

  TemporaryFolder folder_;
};

TEST_F(InteractiveShell, Bash) {
  if (!is_there("bash")) GTEST_SKIP() << "no bash here";
  make_files();
  TerminalProcess shell({"bash", "--norc", "--noprofile", "-i"}, 200, environment());
  shell.type(
      "cd && source <(twintrack completion bash) && PS1='> ' && bind 'set bell-style none' && "
      "bind -x '\"\\C-g\": printf %s \"$READLINE_LINE\" > .line; echo writ\"\"ten' && echo rea''dy\n");
  ASSERT_TRUE(shell.shows("ready"));
  check(shell);
}

TEST_F(InteractiveShell, Zsh) {
  if (!is_there("zsh")) GTEST_SKIP() << "no zsh here";
  make_files();
  TerminalProcess shell({"zsh", "-f", "-i"}, 200, environment());
  shell.type(
      "cd && autoload -Uz compinit && compinit -u -D && source <(twintrack completion zsh) && unsetopt beep && "
      "written() { print -rn -- $BUFFER > .line; zle -M \"writ\"ten } && zle -N written && "
      "bindkey '^G' written && echo rea''dy\n");
  ASSERT_TRUE(shell.shows("ready"));
  check(shell);
}

TEST_F(InteractiveShell, ZshFunctionOfItsOwnFile) {
  if (!is_there("zsh")) GTEST_SKIP() << "no zsh here";
  make_files();
  fs::create_directory(folder_ / ".functions");
  put_file(folder_ / ".functions/_twintrack", script_for("zsh"));
  TerminalProcess shell({"zsh", "-f", "-i"}, 200, environment());
  shell.type(
      "cd && fpath=($PWD/.functions $fpath) && autoload -Uz compinit && compinit -u -D && unsetopt beep && "
      "written() { print -rn -- $BUFFER > .line; zle -M \"writ\"ten } && zle -N written && "
      "bindkey '^G' written && echo rea''dy\n");
  ASSERT_TRUE(shell.shows("ready"));
  check(shell);
}

class FishCompletion : public testing::Test {
 protected:
  void SetUp() override {
    if (!is_there("fish")) GTEST_SKIP() << "no fish here";
    put_file(folder_ / "script", script_for("fish"));
    fs::create_directory(folder_ / "results");
    put_file(folder_ / "resume.nii", "");
  }

  // Candidates for the line, without their descriptions.
  std::vector<std::string> offered(const std::string& line) const {
    const Outcome outcome =
        run_process({"env", "HOME=" + folder_.path().string(), "fish", "--no-config", "-c",
                     "cd $argv[1]; source script; complete -C $argv[2]", "--", folder_.path().string(), line});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, "");
    std::vector<std::string> words = lines_of(outcome.out);
    for (std::string& word : words) word = word.substr(0, word.find('\t'));
    return words;
  }

  TemporaryFolder folder_;
};

TEST_F(FishCompletion, JobsOptionsAndValues) {
  EXPECT_THAT(offered("twintrack pre"), ElementsAre("predict"));
  EXPECT_THAT(offered("twintrack bundle "), UnorderedElementsAre("create", "info", "verify"));
  EXPECT_THAT(offered("twintrack predict --thr"), UnorderedElementsAre("--threads", "--threshold"));
  EXPECT_THAT(offered("twintrack segment --thr"), ElementsAre("--threads"));
  EXPECT_THAT(offered("twintrack bundle create --roi"), ElementsAre("--roi-margin-mm"));
  EXPECT_THAT(offered("twintrack predict --precision "), UnorderedElementsAre("auto", "fp32", "bf16"));
  EXPECT_THAT(offered("twintrack predict --precision=b"), ElementsAre("--precision=bf16"));
  EXPECT_THAT(offered("twintrack completion z"), ElementsAre("zsh"));
}

TEST_F(FishCompletion, FilesAndFoldersWhereTheyAreMeant) {
  EXPECT_THAT(offered("twintrack predict -i res"), UnorderedElementsAre("results/", "resume.nii"));
  EXPECT_THAT(offered("twintrack predict -b res"), ElementsAre("results/"));
  EXPECT_THAT(offered("twintrack bundle info res"), ElementsAre("results/"));
  EXPECT_THAT(offered("twintrack predict --threads res"), Not(Contains("resume.nii")));
}

TEST_F(FishCompletion, EveryOptionOfEveryJob) {
  for (const HelpedJob& job : helped_jobs()) {
    EXPECT_THAT(offered(job.name() + " --"), testing::IsSupersetOf(long_options(job)));
  }
}

}  // namespace
}  // namespace twintrack::test

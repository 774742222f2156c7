#include "twintrack/core/progress.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "twintrack/core/json.hpp"
#include "twintrack/core/terminal.hpp"

namespace twintrack {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

constexpr std::size_t wide = 120;

TEST(ProgressLine, percentage_elapsed_and_time_left) {
  EXPECT_EQ(progress_line("member 1 of 3", 0, 8, 0, wide),
            "member 1 of 3  [------------------------]   0 %  0:00 elapsed");
  EXPECT_EQ(progress_line("member 1 of 3", 2, 8, 65, wide),
            "member 1 of 3  [######------------------]  25 %  1:05 elapsed, 3:15 left");
  EXPECT_EQ(progress_line("m", 8, 8, 7322, wide), "m  [########################] 100 %  2:02:02 elapsed");
  EXPECT_THAT(progress_line("m", 999, 1000, 1, wide), HasSubstr(" 99 %"));
}

TEST(ProgressLine, odd_totals_do_not_break_it) {
  EXPECT_THAT(progress_line("m", 0, 0, 1, wide), HasSubstr("100 %"));
  EXPECT_THAT(progress_line("m", 12, 8, 1, wide), HasSubstr("100 %"));
  EXPECT_THAT(progress_line("m", 1, 1'000'000'000'000, 1e9, wide), HasSubstr("  0 %"));
}

TEST(ProgressLine, a_narrow_terminal_shows_less) {
  const auto line = [](std::size_t columns) { return progress_line("member 1 of 3", 2, 8, 65, columns); };
  EXPECT_EQ(line(73), "member 1 of 3  [######------------------]  25 %  1:05 elapsed, 3:15 left");
  EXPECT_EQ(line(72), "member 1 of 3   25 %  1:05 elapsed, 3:15 left");
  EXPECT_EQ(line(46), "member 1 of 3   25 %  1:05 elapsed, 3:15 left");
  EXPECT_EQ(line(45), "member 1 of 3   25 %, 3:15 left");
  EXPECT_EQ(line(31), "member 1 of 3   25 %");
  EXPECT_EQ(line(20), " 25 %");
  EXPECT_EQ(line(1), "");
  EXPECT_EQ(line(0), "");
}

TEST(ProgressLine, long_stages_are_cut_before_the_bar_is) {
  EXPECT_EQ(progress_line("patient-0123456789-portal-venous: member 1 of 3", 2, 8, 65, 90),
            "patient-0123456789-portal-ven\u2026  [######------------------]  25 %  1:05 elapsed, 3:15 left");
}

TEST(ProgressLine, always_fits) {
  for (const std::string stage :
       {"m", "localiser", "patient-0123456789: member 1 of 3", "\u75c5\u4f8b\u4e00\u4e8c\u4e09"}) {
    for (std::size_t columns = 1; columns < 130; ++columns) {
      EXPECT_LT(display_width(progress_line(stage, 3, 7, 4000, columns)), columns) << stage << " in " << columns;
    }
  }
}

TEST(Progress, two_plain_lines_where_there_is_no_terminal) {
  CaptureStderr();
  {
    Progress progress("localise", 50, ProgressStyle::text);
    for (int i = 0; i < 50; ++i) progress.advance();
  }
  const std::string text = GetCapturedStderr();
  EXPECT_THAT(text, ContainsRegex("^localise: started\nlocalise: done in [0-9]+\\.[0-9] s\n$"));
}

TEST(Progress, says_where_it_stopped) {
  CaptureStderr();
  {
    Progress progress("refine", 5, ProgressStyle::text);
    progress.advance(2);
  }
  EXPECT_THAT(GetCapturedStderr(), HasSubstr("refine: stopped at 2 of 5 after"));
}

TEST(Progress, quiet_prints_nothing) {
  CaptureStderr();
  {
    Progress progress("localise", 5, ProgressStyle::none);
    progress.advance(5);
  }
  EXPECT_EQ(GetCapturedStderr(), "");
}

std::vector<Json> documents(const std::string& text) {
  std::vector<Json> parsed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) parsed.push_back(Json::parse(line));
  return parsed;
}

TEST(Progress, json_at_the_start_and_the_end_whatever_the_speed) {
  CaptureStderr();
  {
    Progress progress("localise \"a\"\n", 50, ProgressStyle::json);
    for (int i = 0; i < 50; ++i) progress.advance();
    progress.note("half\nway");
  }
  const std::vector<Json> said = documents(GetCapturedStderr());
  ASSERT_EQ(said.size(), 3U);
  EXPECT_EQ(said[0], Json::parse(R"({"progress": {"stage": "localise \"a\"\n", "done": 0, "total": 50,
                                                  "elapsed_s": 0.0, "left_s": null}})"));
  EXPECT_EQ(said[1], Json::parse(R"({"note": {"message": "half\nway"}})"));
  EXPECT_EQ(said[2]["progress"]["done"], 50);
  EXPECT_EQ(said[2]["progress"]["left_s"], 0.0);
}

TEST(Progress, json_is_at_most_twice_a_second) {
  CaptureStderr();
  {
    Progress progress("refine", 1000, ProgressStyle::json);
    for (int i = 0; i < 120; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      progress.advance();
    }
  }
  const std::vector<Json> said = documents(GetCapturedStderr());
  ASSERT_GE(said.size(), 3U);
  const double elapsed_s = said.back()["progress"]["elapsed_s"];
  EXPECT_GE(elapsed_s, 1.2);
  EXPECT_LE(said.size(), 2 + elapsed_s / 0.5);
  EXPECT_EQ(said.back()["progress"]["done"], 120);
  EXPECT_EQ(said.back()["progress"]["total"], 1000);
  const Json& between = said[1]["progress"];
  const double share = between["done"].get<double>() / 1000;
  EXPECT_NEAR(between["left_s"].get<double>(), between["elapsed_s"].get<double>() * (1 - share) / share,
              0.1 + 0.05 * (1 - share) / share);
}

TEST(Progress, control_characters_of_a_name_do_not_reach_the_terminal) {
  CaptureStderr();
  { Progress progress("a\x1b[2Jb", 0, ProgressStyle::text); }
  EXPECT_THAT(GetCapturedStderr(), testing::StartsWith("a?[2Jb: started\n"));
}

// A pseudo-terminal, where the system has them.
struct Terminal {
  explicit Terminal(unsigned short columns) : size{24, columns, 0, 0} {}
  int master = -1;
  int slave = -1;
  winsize size;
  bool opened = ::openpty(&master, &slave, nullptr, nullptr, &size) == 0;
};

// stderr is the terminal for the duration of a call; returns what was drawn on it.
template <typename Call>
std::string drawn_on(Terminal terminal, Call call) {
  const int before = ::dup(STDERR_FILENO);
  ::dup2(terminal.slave, STDERR_FILENO);
  call();
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  ::close(terminal.slave);
  std::string text;
  std::array<char, 4096> chunk{};
  for (ssize_t got; (got = ::read(terminal.master, chunk.data(), chunk.size())) > 0;)
    text.append(chunk.data(), static_cast<std::size_t>(got));
  ::close(terminal.master);
  return text;
}

TEST(Progress, redraws_at_most_ten_times_a_second_on_a_terminal) {
  const Terminal terminal(100);
  if (!terminal.opened) GTEST_SKIP() << "no pseudo-terminals here";
  const auto start = std::chrono::steady_clock::now();
  const std::string text = drawn_on(terminal, [] {
    Progress progress("refine", 300, ProgressStyle::text);
    for (int i = 0; i < 300; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      progress.advance();
    }
  });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  int drawn = 0;
  for (std::size_t at = text.find("\rrefine  ["); at != std::string::npos; at = text.find("\rrefine  [", at + 1))
    ++drawn;
  EXPECT_GE(drawn, 2);
  EXPECT_LE(drawn, 1 + 10 * seconds);
  EXPECT_THAT(text, HasSubstr(" left"));
  EXPECT_THAT(text, HasSubstr("refine: done in"));
}

TEST(Progress, fits_the_terminal_as_it_is_at_each_draw) {
  Terminal terminal(40);
  if (!terminal.opened) GTEST_SKIP() << "no pseudo-terminals here";
  const std::string text = drawn_on(terminal, [&] {
    Progress progress("refine", 100, ProgressStyle::text);
    terminal.size.ws_col = 20;
    ::ioctl(terminal.slave, TIOCSWINSZ, &terminal.size);
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    progress.advance(50);
  });
  EXPECT_THAT(text, testing::StartsWith("\rrefine    0 %  0:00 elapsed\x1b[K"));
  EXPECT_THAT(text, HasSubstr("\rrefine   50 %\x1b[K"));
}

}  // namespace
}  // namespace twintrack

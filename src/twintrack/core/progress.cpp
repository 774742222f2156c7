#include "twintrack/core/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace twintrack {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds redraw_interval{100};
constexpr int bar_width = 24;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string clock_time(double elapsed_seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(elapsed_seconds, 3.6e6)));
  const std::int64_t hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, rest) : fmt::format("{}:{:02}", minutes, rest);
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string progress_line(const std::string& stage, std::int64_t done, std::int64_t total, double elapsed_seconds) {
  const double share = total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 1.0;
  const int filled = static_cast<int>(share * bar_width);
  std::string line = fmt::format("{}  [{:#<{}}{:-<{}}] {:3.0f} %  {} elapsed", stage, "", filled, "",
                                 bar_width - filled, std::floor(share * 100), clock_time(elapsed_seconds));
  if (share > 0 && share < 1) line += fmt::format(", {} left", clock_time(elapsed_seconds * (1 - share) / share));
  return line;
}

Progress::Progress(std::string stage, std::int64_t total, bool quiet)
    : stage_(std::move(stage)),
      total_(total),
      quiet_(quiet),
      terminal_(::isatty(STDERR_FILENO) == 1),
      start_(Clock::now()),
      drawn_(start_) {
  if (quiet_) return;
  if (terminal_) {
    draw();
  } else {
    print(fmt::format("{}: started\n", stage_));
  }
}

Progress::~Progress() {
  if (quiet_) return;
  const double elapsed = seconds(Clock::now() - start_);
  const std::string clear_line = terminal_ ? "\r\x1b[K" : "";
  if (done_ >= total_) {
    print(fmt::format("{}{}: done in {:.1f} s\n", clear_line, stage_, elapsed));
  } else {
    print(fmt::format("{}{}: stopped at {} of {} after {:.1f} s\n", clear_line, stage_, done_, total_, elapsed));
  }
}

void Progress::advance(std::int64_t steps) {
  done_ += steps;
  if (!quiet_ && terminal_ && Clock::now() - drawn_ >= redraw_interval) draw();
}

void Progress::note(const std::string& line) {
  if (quiet_) return;
  print(terminal_ ? fmt::format("\r\x1b[K{}\n", line) : line + "\n");
  if (terminal_) draw();
}

void Progress::draw() {
  drawn_ = Clock::now();
  print("\r" + progress_line(stage_, done_, total_, seconds(drawn_ - start_)) + "\x1b[K");
}

}  // namespace twintrack

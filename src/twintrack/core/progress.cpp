#include "twintrack/core/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "twintrack/core/json.hpp"
#include "twintrack/core/terminal.hpp"

namespace twintrack {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds redraw_interval{100};
constexpr std::chrono::milliseconds json_interval{500};
constexpr int bar_width = 24;
constexpr std::size_t readable_stage = 20;  // columns of a stage's name for whose sake the bar is left out

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

std::string clock_time(double elapsed_seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(std::min(elapsed_seconds, 3.6e6)));
  const std::int64_t hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
  return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, rest) : fmt::format("{}:{:02}", minutes, rest);
}

double share_of(std::int64_t done, std::int64_t total) {
  return total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 1.0;
}

// The name for a line of its own.
std::string printable(const std::string& stage) { return fitting(stage, std::numeric_limits<std::size_t>::max()); }

void print(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

std::string json_line(const std::string& stage, std::int64_t done, std::int64_t total, double elapsed_seconds) {
  const double share = share_of(done, total);
  const auto tenths = [](double value) { return std::round(value * 10) / 10; };
  const Json left = share > 0 ? Json(tenths(elapsed_seconds * (1 - share) / share)) : Json(nullptr);
  return to_text(Json{{"progress",
                       {{"stage", stage},
                        {"done", done},
                        {"total", total},
                        {"elapsed_s", tenths(elapsed_seconds)},
                        {"left_s", left}}}}) +
         "\n";
}

}  // namespace

std::string progress_line(const std::string& stage, std::int64_t done, std::int64_t total, double elapsed_seconds,
                          std::size_t columns) {
  const double share = share_of(done, total);
  const int filled = static_cast<int>(share * bar_width);
  const std::string bar = fmt::format("  [{:#<{}}{:-<{}}]", "", filled, "", bar_width - filled);
  const std::string percent = fmt::format("{:3.0f} %", std::floor(share * 100));
  const std::string elapsed = fmt::format("  {} elapsed", clock_time(elapsed_seconds));
  std::string left;
  if (share > 0 && share < 1) left = fmt::format(", {} left", clock_time(elapsed_seconds * (1 - share) / share));
  const std::size_t wanted = std::min(display_width(stage), readable_stage);
  for (const std::string& facts :
       {bar + " " + percent + elapsed + left, "  " + percent + elapsed + left, "  " + percent + left, "  " + percent}) {
    if (wanted + facts.size() < columns) return fitting(stage, columns - 1 - facts.size()) + facts;
  }
  return fitting(percent, columns > 0 ? columns - 1 : 0);
}

Progress::Progress(std::string stage, std::int64_t total, ProgressStyle style)
    : stage_(std::move(stage)),
      total_(total),
      style_(style),
      terminal_(style == ProgressStyle::text && stderr_is_terminal()),
      start_(Clock::now()),
      drawn_(start_) {
  if (style_ == ProgressStyle::none) return;
  if (style_ == ProgressStyle::json || terminal_) {
    draw();
  } else {
    print(fmt::format("{}: started\n", printable(stage_)));
  }
}

Progress::~Progress() {
  if (style_ == ProgressStyle::none) return;
  if (style_ == ProgressStyle::json) {
    draw();
    return;
  }
  const double elapsed = seconds(Clock::now() - start_);
  const std::string clear_line = terminal_ ? "\r\x1b[K" : "";
  if (done_ >= total_) {
    print(fmt::format("{}{}: done in {:.1f} s\n", clear_line, printable(stage_), elapsed));
  } else {
    print(fmt::format("{}{}: stopped at {} of {} after {:.1f} s\n", clear_line, printable(stage_), done_, total_,
                      elapsed));
  }
}

void Progress::advance(std::int64_t steps) {
  done_ += steps;
  const bool live = style_ == ProgressStyle::json || terminal_;
  const auto interval = terminal_ ? redraw_interval : json_interval;
  if (live && done_ < total_ && Clock::now() - drawn_ >= interval) draw();
}

void Progress::note(const std::string& line) {
  if (style_ == ProgressStyle::none) return;
  if (style_ == ProgressStyle::json) return print(to_text(Json{{"note", {{"message", line}}}}) + "\n");
  print(terminal_ ? fmt::format("\r\x1b[K{}\n", line) : line + "\n");
  if (terminal_) draw();
}

void Progress::draw() {
  drawn_ = Clock::now();
  const double elapsed = seconds(drawn_ - start_);
  print(style_ == ProgressStyle::json
            ? json_line(stage_, done_, total_, elapsed)
            : "\r" + progress_line(stage_, done_, total_, elapsed, terminal_columns()) + "\x1b[K");
}

}  // namespace twintrack

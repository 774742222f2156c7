// Progress on stderr: a bar on a terminal, a plain line at the start and end of each stage elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace twintrack {

// Not for use by several threads at once.
class Progress {
 public:
  // Announces `stage` ("member 1 of 3") with `total` steps. Prints nothing when `quiet`.
  Progress(std::string stage, std::int64_t total, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t steps = 1);
  // What the bar says of its stage from now on.
  void rename(std::string stage) { stage_ = std::move(stage); }
  // A line for good, above the bar.
  void note(const std::string& line);

 private:
  void draw();

  std::string stage_;
  std::int64_t total_;
  std::int64_t done_ = 0;
  bool quiet_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

// "stage  [#####-----]  50 %  1:05 elapsed, 1:05 left": what is drawn on a terminal.
std::string progress_line(const std::string& stage, std::int64_t done, std::int64_t total, double elapsed_seconds);

}  // namespace twintrack

// Progress on stderr: a bar on a terminal, a plain line at the start and end of each stage elsewhere, and JSON for
// machines.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace twintrack {

enum class ProgressStyle { text, json, none };

// Not for use by several threads at once.
//
// As JSON each line is a document: {"progress": {"stage", "done", "total", "elapsed_s", "left_s"}} at the start and the
// end of a stage and at most twice a second between, left_s null where it cannot be told; {"note": {"message"}}.
class Progress {
 public:
  // Announces `stage` ("member 1 of 3") with `total` steps.
  Progress(std::string stage, std::int64_t total, ProgressStyle style);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::int64_t steps = 1);
  // What is said of the stage from now on.
  void rename(std::string stage) { stage_ = std::move(stage); }
  // A line for good, above the bar.
  void note(const std::string& line);

 private:
  void draw();

  std::string stage_;
  std::int64_t total_;
  std::int64_t done_ = 0;
  ProgressStyle style_;
  bool terminal_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

// "stage  [#####-----]  50 %  1:05 elapsed, 1:05 left": what is drawn on a terminal, shorter than `columns`. A stage
// that is too long for it is cut; a narrow terminal shows no bar, a narrower one no elapsed time, at last the
// percentage alone.
std::string progress_line(const std::string& stage, std::int64_t done, std::int64_t total, double elapsed_seconds,
                          std::size_t columns);

}  // namespace twintrack

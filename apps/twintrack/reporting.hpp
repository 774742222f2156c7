// What a job says besides its results, on stderr: lines for people, or with --json one document a line for machines.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <memory>
#include <string>

#include "twintrack/core/error.hpp"
#include "twintrack/core/progress.hpp"
#include "twintrack/pipeline/cases.hpp"

namespace twintrack::cli {

struct ReportingOptions {
  bool quiet = false;
  bool verbose = false;
  bool json = false;

  ProgressStyle progress() const;
};
void add_reporting_options(CLI::App& job, ReportingOptions& options);
// Takes effect on the log; called first by every job.
void apply(const ReportingOptions& options);

// As JSON: {"warning": {"case"?, "message"}}, {"note": {"message"}}, {"error": {"case"?, "message", "status"}}.
void print_warning(const ReportingOptions& options, const std::string& message, const std::string& case_name = "");
// Nothing when quiet.
void print_note(const ReportingOptions& options, const std::string& message);
void print_error(bool json, ExitStatus status, const std::string& message);

// Which case failed, and why.
void report_failure(const ReportingOptions& options, const std::string& case_name, const Error& error);
// The exit status of a batch, with a closing line.
ExitStatus close_batch(const ReportingOptions& options, const BatchReport& report);

// A bar for each stage that announces itself. Stops the run when it is interrupted.
class StageBars {
 public:
  explicit StageBars(ProgressStyle style) : style_(style) {}
  void show(const std::string& stage, std::int64_t done, std::int64_t total);

 private:
  ProgressStyle style_;
  std::string stage_;
  std::int64_t done_ = 0;
  std::unique_ptr<Progress> bar_;
};

}  // namespace twintrack::cli

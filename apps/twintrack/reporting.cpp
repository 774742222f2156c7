#include "reporting.hpp"

#include <fmt/ranges.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <mutex>

#include "twintrack/core/json.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/core/terminal.hpp"

namespace twintrack::cli {
namespace {

// {"warning": {"case", "message"}}; without the case when its name is empty.
void print_document(const char* kind, const std::string& case_name, Json facts) {
  if (!case_name.empty()) facts["case"] = case_name;
  fmt::print(stderr, "{}\n", to_text(Json{{kind, facts}}));
}

// What libraries and readers log.
class LogSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LogSink(const ReportingOptions& options) : options_(options) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& entry) override {
    const std::string message(entry.payload.data(), entry.payload.size());
    if (entry.level >= spdlog::level::warn) {
      print_warning(options_, message);
    } else {
      print_note(options_, message);
    }
  }
  void flush_() override {}

 private:
  ReportingOptions options_;
};

}  // namespace

ProgressStyle ReportingOptions::progress() const {
  if (quiet) return ProgressStyle::none;
  return json ? ProgressStyle::json : ProgressStyle::text;
}

void add_reporting_options(CLI::App& job, ReportingOptions& options) {
  job.add_flag("-q,--quiet", options.quiet, "No progress; warnings and errors only");
  job.add_flag("-v,--verbose", options.verbose, "Also what libraries report about the files");
  job.add_flag(
      "--json", options.json,
      "For programs: results on stdout, progress, warnings and errors on stderr, as JSON, one document a line");
}

void apply(const ReportingOptions& options) {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("twintrack", std::make_shared<LogSink>(options)));
  spdlog::set_level(options.verbose ? spdlog::level::debug : spdlog::level::warn);
}

void print_warning(const ReportingOptions& options, const std::string& message, const std::string& case_name) {
  if (options.json) return print_document("warning", case_name, {{"message", message}});
  fmt::print(stderr, "twintrack: {}{} {}\n", case_name.empty() ? "" : case_name + ": ", coloured("warning:", kYellow),
             message);
}

void print_note(const ReportingOptions& options, const std::string& message) {
  if (options.quiet) return;
  if (options.json) return print_document("note", "", {{"message", message}});
  fmt::print(stderr, "{}\n", message);
}

void print_error(bool json, ExitStatus status, const std::string& message) {
  if (json) return print_document("error", "", {{"message", message}, {"status", static_cast<int>(status)}});
  fmt::print(stderr, "{} {}\n", coloured("twintrack:", kRed), message);
}

void report_failure(const ReportingOptions& options, const std::string& case_name, const Error& error) {
  if (options.json) {
    return print_document("error", case_name,
                          {{"message", error.what()}, {"status", static_cast<int>(error.status())}});
  }
  print_error(false, error.status(), fmt::format("case {} failed: {}", case_name, error.what()));
}

ExitStatus close_batch(const ReportingOptions& options, const BatchReport& report) {
  const std::size_t all = report.kept + report.done + report.failed.size();
  if (report.kept > 0) {
    print_note(options,
               fmt::format("{} of {} cases had results already and were kept (--overwrite computes them again)",
                           report.kept, all));
  }
  if (report.failed.empty()) return ExitStatus::done;
  print_error(options.json, ExitStatus::some_cases_failed,
              fmt::format("{} of {} cases failed: {}", report.failed.size(), all, fmt::join(report.failed, ", ")));
  return ExitStatus::some_cases_failed;
}

void StageBars::show(const std::string& stage, std::int64_t done, std::int64_t total) {
  throw_if_interrupted();
  if (stage != stage_ || done < done_) {
    bar_.reset();
    bar_ = std::make_unique<Progress>(stage, total, style_);
    stage_ = stage;
    done_ = 0;
  }
  bar_->advance(done - done_);
  done_ = done;
  if (done == total) {
    bar_.reset();
    stage_.clear();
  }
}

}  // namespace twintrack::cli

// Options that jobs share, and how they report.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/core/progress.hpp"
#include "twintrack/nnunet/predictor.hpp"
#include "twintrack/pipeline/cases.hpp"

namespace twintrack::cli {

struct ReportingOptions {
  bool quiet = false;
  bool verbose = false;
  bool json = false;
};
void add_reporting_options(CLI::App& job, ReportingOptions& options);
// Takes effect on the log; called first by every job.
void apply(const ReportingOptions& options);

struct InferenceArguments {
  std::filesystem::path input;
  std::filesystem::path output;
  std::string series_uid;
  std::string precision = "auto";
  bool no_mirroring = false;
  double step_size = 0.5;
  int threads = 0;
  std::string device = "cpu";
  bool overwrite = false;
  std::string format = "nii.gz";
  ReportingOptions reporting;

  std::optional<std::string> series() const;
  std::filesystem::path output_file(const std::string& stem) const;
};
void add_inference_options(CLI::App& job, InferenceArguments& arguments);
// Checks what the parser cannot, sets the threads and makes the output folder. Throws UsageError, ResourceError.
InferenceOptions prepare(const InferenceArguments& arguments);
std::string name_of(Precision precision);
// Throws UsageError when the results would replace one of the cases, or be taken for one in a later run.
void refuse_results_among_inputs(const InferenceArguments& arguments, const std::vector<Case>& cases);

// What jobs on a cohort share.
struct CohortArguments {
  std::vector<int> tumor_labels;
  int replicates = 1000;
  std::uint64_t seed = 0;
  int threads = 0;
  bool overwrite = false;
  ReportingOptions reporting;
};
void add_cohort_options(CLI::App& job, CohortArguments& arguments);
// Sets log and threads, and refuses to replace `outputs` that exist without --overwrite (UsageError) or that cannot be
// written (ResourceError), before any work is done. Empty paths are left out.
void prepare(const CohortArguments& arguments, const std::vector<std::filesystem::path>& outputs);

// A number from low to high, unlike CLI::Range not NaN.
CLI::Validator number_within(double low, double high);

// A bar for each stage that announces itself, with 0 or 1 steps done at first. Stops the run when it is interrupted.
class StageBars {
 public:
  explicit StageBars(bool quiet) : quiet_(quiet) {}
  void show(const std::string& stage, std::int64_t done, std::int64_t total);

 private:
  bool quiet_;
  std::string stage_;
  std::int64_t done_ = 0;
  std::unique_ptr<Progress> bar_;
};

// Says on stderr which case failed, and why.
void report_failure(const Case& item, const Error& error);
// The exit status of a batch, with a closing line on stderr.
ExitStatus close_batch(const BatchReport& report, bool quiet);

}  // namespace twintrack::cli

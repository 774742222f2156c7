// Options that jobs share.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "reporting.hpp"
#include "twintrack/nnunet/predictor.hpp"
#include "twintrack/pipeline/cases.hpp"

namespace twintrack::cli {

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
  bool dry_run = false;
  std::string format = "nii.gz";
  ReportingOptions reporting;

  std::optional<std::string> series() const;
  std::filesystem::path output_file(const std::string& stem) const;
};
void add_inference_options(CLI::App& job, InferenceArguments& arguments);
// Those of them that say how networks are run.
void add_network_options(CLI::App& job, InferenceArguments& arguments);
// Checks what the parser cannot, sets the threads and makes the output folder (not in a dry run). Throws UsageError,
// ResourceError.
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

}  // namespace twintrack::cli

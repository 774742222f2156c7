#include "options.hpp"

#include <cerrno>
#include <fstream>

#include "inventory.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/network/torch_plugin.hpp"

namespace twintrack::cli {

std::optional<std::string> InferenceArguments::series() const {
  return series_uid.empty() ? std::nullopt : std::optional(series_uid);
}

std::filesystem::path InferenceArguments::output_file(const std::string& stem) const {
  return output / (stem + "." + format);
}

void add_inference_options(CLI::App& job, InferenceArguments& a) {
  job.add_option("-i,--input", a.input,
                 "CT: .nii, .nii.gz, .mha, .mhd, .nrrd; DICOM: a folder, a file (one slice means its series) or a list "
                 "of files "
                 "(.txt, a path a line); or a folder of several CTs")
      ->type_name(kFileOrFolder)
      ->required();
  job.add_option("-o,--output", a.output, "Folder for the results; created when it is not there")
      ->type_name(kFolder)
      ->required();
  job.add_option("--series", a.series_uid,
                 "SeriesInstanceUID, when a DICOM folder holds several series (default: the largest axial CT)");
  add_network_options(job, a);
  job.add_flag("--overwrite", a.overwrite, "Compute and replace results that exist (default: keep them)");
  job.add_flag("--dry-run", a.dry_run,
               "Say what would be done, with memory and time estimated; read no voxel and write nothing");
  job.add_option("--format", a.format, "Format of written volumes")
      ->check(CLI::IsMember({"nii.gz", "mha", "nrrd"}))
      ->capture_default_str();
  add_reporting_options(job, a.reporting);
}

void add_network_options(CLI::App& job, InferenceArguments& a) {
  job.add_option("--precision", a.precision,
                 "auto: bf16 where the processor has native bfloat16, fp32 elsewhere; on a GPU bf16 means float16")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str();
  job.add_flag("--no-mirroring", a.no_mirroring,
               "Do not average over mirrored inputs: up to 8 times faster, slightly less accurate");
  job.add_option("--step-size", a.step_size,
                 "Step of the sliding window, as a part of the patch, above 0 and at most 1")
      ->capture_default_str();
  job.add_option("--threads", a.threads, "Number of threads (default: all processors)")->check(CLI::Range(1, 1024));
  job.add_option("--device", a.device, "cpu; cuda:N: that GPU, by libtorch; torch: the CPU by libtorch")
      ->capture_default_str();
}

InferenceOptions prepare(const InferenceArguments& a) {
  apply(a.reporting);
  if (!(a.step_size > 0.0 && a.step_size <= 1.0)) {
    throw UsageError("--step-size {}: above 0 and at most 1 is right; nnU-Net's default is 0.5", a.step_size);
  }
  if (a.device != "cpu" && a.device != "torch" && !a.device.starts_with("cuda")) {
    throw UsageError("--device {}: cpu, cuda:N or torch", a.device);
  }
  if (a.device != "cpu" && !has_torch_plugin()) {
    throw UsageError("--device {}: needs libtorch, which this build does not have; --device cpu", a.device);
  }
  if (a.threads > 0) set_thread_count(a.threads);
  const bool half_is_fast = a.device.starts_with("cuda") || has_native_bfloat16();
  const bool half = a.precision == "bf16" || (a.precision == "auto" && half_is_fast);
  if (!a.dry_run) make_output_folder(a.output);
  return {a.step_size, !a.no_mirroring, half ? Precision::bf16 : Precision::fp32, a.device};
}

std::string name_of(Precision precision) { return precision == Precision::bf16 ? "bf16" : "fp32"; }

void refuse_results_among_inputs(const InferenceArguments& a, const std::vector<Case>& cases) {
  std::error_code error;
  bool among = std::filesystem::is_directory(a.input) && std::filesystem::equivalent(a.input, a.output, error);
  for (const Case& item : cases)
    among = among || std::filesystem::equivalent(item.path, a.output_file(item.name), error);
  if (among) {
    throw UsageError("-o {}: results would lie among the inputs, or replace {}; choose another folder",
                     a.output.string(), cases.front().path.string());
  }
}

void add_cohort_options(CLI::App& job, CohortArguments& a) {
  job.add_option("--tumor-label", a.tumor_labels,
                 "Label that is tumour in raters' files and segmentations; repeat for several (default: 1, and files "
                 "with other labels than 0 and 1 are refused)")
      ->check(CLI::Range(0, 65535));
  job.add_option("--bootstrap", a.replicates, "Bootstrap replicates for 95 % intervals")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  job.add_option("--seed", a.seed, "Seed of the bootstrap: the same seed gives the same intervals")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  job.add_option("--threads", a.threads, "Number of threads (default: all processors)")->check(CLI::Range(1, 1024));
  job.add_flag("--overwrite", a.overwrite, "Replace results that exist");
  add_reporting_options(job, a.reporting);
}

void prepare(const CohortArguments& a, const std::vector<std::filesystem::path>& outputs) {
  apply(a.reporting);
  if (a.threads > 0) set_thread_count(a.threads);
  for (const std::filesystem::path& output : outputs) {
    if (output.empty()) continue;
    if (!a.overwrite && std::filesystem::exists(output)) {
      throw UsageError("{}: exists already; --overwrite replaces it", output.string());
    }
    const AtomicFile writable(output);
    if (!std::ofstream(writable.path())) throw_cannot_write(output, errno);
  }
}

CLI::Validator number_within(double low, double high) {
  const std::string range = fmt::format("{:g} to {:g}", low, high);
  return CLI::Validator(
      [=](const std::string& text) {
        double value = 0;
        const bool within = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
        return within ? std::string() : fmt::format("Value {} not in range {}", text, range);
      },
      range);
}

}  // namespace twintrack::cli

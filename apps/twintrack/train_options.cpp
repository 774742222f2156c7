#include "train_options.hpp"

#include <algorithm>
#include <cstdio>

#include "train_devices.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/core/terminal.hpp"

namespace twintrack::cli {
namespace {

template <typename T>
std::array<T, 3> reversed(const std::vector<T>& xyz) {
  return {xyz[2], xyz[1], xyz[0]};
}

std::string epoch_line(const EpochReport& r, std::int64_t epochs) {
  return fmt::format(
      "epoch {:>{}}/{}  loss {:.4f}  validation {:.4f}  pseudo-Dice {:.3f} (moving average {:.3f})  lr {:.2e}  {:.2f} "
      "patches/s  {:.0f} s: loading {:.0f} %, forward {:.0f} %, backward {:.0f} %, validation {:.0f} %",
      r.epoch + 1, fmt::formatted_size("{}", epochs), epochs, r.training_loss, r.validation_loss, r.mean_dice,
      r.smoothed_dice, r.learning_rate, r.patches_per_second, r.seconds, 100 * r.loading_seconds / r.seconds,
      100 * r.forward_seconds / r.seconds, 100 * r.backward_seconds / r.seconds,
      100 * r.validation_seconds / r.seconds);
}

// As much as fits beside the bar: a line that wraps cannot be drawn over.
std::string live_line(const std::string& what, const TrainingStatus& s) {
  constexpr std::size_t bar = 68;  // "  [####...]  50 %  1:00:05 elapsed, 1:00:05 left"
  const std::size_t columns = terminal_columns();
  const std::string epoch = fmt::format("{}: epoch {}/{}", what, s.epoch + 1, s.epochs);
  const std::string loss = fmt::format("{}  loss {:.3f}", epoch, s.loss);
  const std::string speed = fmt::format("{}  {:.2f} patches/s", loss, s.patches_per_second);
  const std::string everything =
      fmt::format("{} (load {:.0f} %, fwd {:.0f} %, bwd {:.0f} %)  lr {:.1e}", speed, 100 * s.loading_share,
                  100 * s.forward_share, 100 * s.backward_share, s.learning_rate);
  for (const std::string& line : {everything, speed, loss, epoch}) {
    if (line.size() + bar < columns) return line;
  }
  return fmt::format("{}/{}", s.epoch + 1, s.epochs);
}

// What a training says on stderr: a bar, and lines for good above it.
class TrainingReporter {
 public:
  TrainingReporter(std::string what, const ReportingOptions& reporting)
      : what_(std::move(what)), reporting_(reporting), stages_(reporting.progress()) {}
  ~TrainingReporter() {
    if (bar_) bar_->rename(what_);  // "fold 0: done in 12.3 s"
  }
  TrainingReporter(const TrainingReporter&) = delete;
  TrainingReporter& operator=(const TrainingReporter&) = delete;

  void note(const std::string& line) {
    const std::string named = fmt::format("{}: {}", what_, line);
    if (bar_) {
      bar_->note(named);
    } else {
      print_note(reporting_, named);
    }
  }

  TrainingObserver observer() {
    TrainingObserver observer;
    observer.on_note = [this](const std::string& line) { note(line); };
    observer.on_case = [this](std::int64_t done, std::int64_t total) {
      stages_.show(what_ + ": preprocess", done, total);
    };
    observer.on_iteration = [this](const TrainingStatus& status) {
      throw_if_interrupted();
      const std::int64_t steps = (status.epochs - status.first_epoch) * status.iterations;
      if (!bar_) bar_ = std::make_unique<Progress>(what_, steps, reporting_.progress());
      epochs_ = status.epochs;
      bar_->rename(live_line(what_, status));
      bar_->advance();
    };
    observer.on_epoch = [this](const EpochReport& report) { note(epoch_line(report, epochs_)); };
    return observer;
  }

 private:
  std::string what_;
  ReportingOptions reporting_;
  StageBars stages_;
  std::unique_ptr<Progress> bar_;
  std::int64_t epochs_ = 0;
};

}  // namespace

void add_plan_options(CLI::App& job, PlanArguments& a, const std::string& prefix) {
  const auto name = [&](const char* option) { return "--" + prefix + option; };
  job.add_option(name("preset"), a.preset, "Network: plain (nnU-Net's default), resenc-m, resenc-l or resenc-xl")
      ->check(CLI::IsMember({"plain", "resenc-m", "resenc-l", "resenc-xl"}))
      ->capture_default_str();
  job.add_option(name("memory-gib"), a.memory_gib, "Graphics memory to plan for (default: the preset's)")
      ->check(number_within(1, 1000));
  CLI::Option* const spacing = job.add_option(name("spacing-mm"), a.spacing_mm, "Voxel spacing to train at: X,Y,Z")
                                   ->delimiter(',')
                                   ->expected(3)
                                   ->check(number_within(0.01, 100));
  if (a.spacing_mm.empty()) {
    spacing->description("Voxel spacing to train at: X,Y,Z (default: nnU-Net's rule)");
  } else {
    spacing->capture_default_str();
  }
  job.add_option(name("patch"), a.patch, "Patch in voxels: X,Y,Z (default: as large as the memory allows)")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(4, 1024));
  job.add_option(name("batch-size"), a.batch_size, "Patches a step (default: nnU-Net's rule, at least 2)")
      ->check(CLI::Range(1, 4096));
  job.add_option(name("base-features"), a.base_features,
                 "Feature maps of the first stage; each next one has twice as many")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  job.add_option(name("maximal-features"), a.maximal_features, "Most feature maps of a stage")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  job.add_option(name("features"), a.features, "Feature maps of each stage, instead of these two: 32,64,128,...")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  job.add_option(name("stages"), a.stages, "Resolutions of the network (default: as many as fit)")
      ->check(CLI::Range(2, 12));
}

PlanOptions plan_options(const PlanArguments& a) {
  PlanOptions options;
  options.preset = network_preset(a.preset);
  options.memory_gib = a.memory_gib;
  if (!a.spacing_mm.empty()) options.spacing_mm = reversed(a.spacing_mm);
  if (!a.patch.empty()) options.patch_size = reversed(a.patch);
  options.batch_size = a.batch_size;
  options.base_features = a.base_features;
  options.maximal_features = a.maximal_features;
  options.features = a.features;
  options.stages = a.stages;
  return options;
}

void add_run_options(CLI::App& job, RunArguments& a) {
  TrainingSettings& s = a.settings;
  job.add_option("--epochs", s.epochs, "Epochs")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  job.add_option("--iterations", s.iterations, "Steps an epoch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  job.add_option("--validation-iterations", s.validation_iterations, "Validation batches an epoch")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  job.add_option("--learning-rate", s.learning_rate,
                 "Learning rate of the first epoch; falls to 0 as (1 - epoch/epochs)^0.9")
      ->check(number_within(1e-8, 10))
      ->capture_default_str();
  job.add_option("--momentum", s.network.momentum, "Nesterov momentum")
      ->check(number_within(0, 0.9999))
      ->capture_default_str();
  job.add_option("--weight-decay", s.network.weight_decay, "Weight decay")
      ->check(number_within(0, 1))
      ->capture_default_str();
  job.add_option("--gradient-clip", s.network.gradient_clip, "Largest L2 norm of the gradients")
      ->check(number_within(1e-6, 1e9))
      ->capture_default_str();
  job.add_option("--foreground-share", s.foreground_share, "Share of a batch's patches that must show foreground")
      ->check(number_within(0, 1))
      ->capture_default_str();
  job.add_option("--loss", a.loss, "dice-ce: Dice and cross entropy; ce: cross entropy alone")
      ->check(CLI::IsMember({"dice-ce", "ce"}))
      ->capture_default_str();
  job.add_option("--precision", a.precision, "Of convolutions: fp32, bf16, or mixed (float16, on a GPU)")
      ->check(CLI::IsMember({"fp32", "bf16", "mixed"}))
      ->capture_default_str();
  job.add_flag("--no-mirroring", a.no_mirroring, "Neither in training nor at inference");
  job.add_flag("--no-augmentation", a.no_augmentation, "Patches as they are");
  job.add_flag("--no-deep-supervision", a.no_deep_supervision, "Loss at the finest resolution only");
  job.add_option("--seed", s.seed, "Seed of parameters, patches and augmentation")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  job.add_option("--device", a.devices, "cpu or cuda:N; several, as cuda:0,cuda:1, share every batch")
      ->delimiter(',')
      ->capture_default_str();
  job.add_option("--threads", a.threads, "Threads of the network on a CPU (default: all processors)")
      ->check(CLI::Range(1, 1024));
  job.add_option("--workers", a.workers, "Threads that prepare patches (default: half the processors)")
      ->check(CLI::Range(1, 1024));
  job.add_option("--save-every", s.save_every, "Epochs between checkpoints to continue from")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  job.add_flag("--overwrite", a.overwrite,
               "Train anew where a training is (default: continue it, or keep a complete one)");
  add_reporting_options(job, a.reporting);
}

TrainingSettings prepare(const RunArguments& a) {
  apply(a.reporting);
  if (a.threads > 0) set_thread_count(a.threads);
  TrainingSettings settings = a.settings;
  settings.network.loss = a.loss == "ce" ? TrainingLoss::cross_entropy : TrainingLoss::dice_and_cross_entropy;
  settings.network.precision = a.precision == "fp32"   ? TrainingPrecision::fp32
                               : a.precision == "bf16" ? TrainingPrecision::bf16
                                                       : TrainingPrecision::mixed;
  settings.network.deep_supervision = !a.no_deep_supervision;
  settings.mirroring = !a.no_mirroring;
  settings.augmentation = !a.no_augmentation;
  settings.workers = a.workers > 0 ? a.workers : std::max(1, available_processors() / 2);
  return settings;
}

Json plan_dataset(const TrainingDataset& dataset, const std::filesystem::path& work_folder, const PlanOptions& options,
                  const std::optional<CropToLabels>& crop, bool overwrite, const ReportingOptions& reporting) {
  make_output_folder(work_folder);
  Progress progress("check " + dataset.name(), std::ssize(dataset.cases), reporting.progress());
  const Fingerprint fingerprint = extract_fingerprint(dataset, {.crop = crop}, [&] {
    throw_if_interrupted();
    progress.advance();
  });
  const std::filesystem::path plans_file = work_folder / "plans.json";
  // As it is read from the file, to the last bit.
  Json plans = parse_json(to_text(make_plans(fingerprint, dataset, options)), plans_file.string());
  if (std::filesystem::exists(plans_file) && !overwrite) {
    if (read_json(plans_file) == plans) return plans;
    throw UsageError("{}: is there already, with other content; --overwrite replaces it, or train with it as it is",
                     plans_file.string());
  }
  write_fingerprint(work_folder / "dataset_fingerprint.json", fingerprint);
  write_file(plans_file, to_text(plans, 4) + "\n");
  return plans;
}

TrainingOutcome train_with_progress(const TrainingSource& source, const TrainingSettings& settings,
                                    const std::filesystem::path& model_folder, const std::string& what,
                                    const RunArguments& run) {
  TrainingReporter reporter(what, run.reporting);
  TrainingOutcome outcome =
      train_on_devices({source, settings, model_folder, run.overwrite}, run.devices, reporter.observer());
  if (outcome.already_complete) reporter.note("complete already, and kept (--overwrite trains anew)");
  return outcome;
}

void print_outcome(const TrainingOutcome& outcome, const std::filesystem::path& model_folder,
                   const std::optional<int>& fold, const ReportingOptions& reporting) {
  const std::string checkpoint = (model_folder / fold_folder_name(fold) / "checkpoint_final.pth").string();
  const EpochReport& last = outcome.epochs.back();
  if (reporting.json) {
    fmt::print("{}\n", to_text(Json{{"model", model_folder.string()},
                                    {"fold", fold ? std::to_string(*fold) : "all"},
                                    {"checkpoint", checkpoint},
                                    {"last_epoch", to_json(last)}}));
  } else {
    fmt::print("{}: {} epochs, validation loss {:.4f}, pseudo-Dice {:.3f} (moving average {:.3f})\n", checkpoint,
               outcome.epochs.size(), last.validation_loss, last.mean_dice, last.smoothed_dice);
  }
  print_note(reporting, kResearchUse);
}

}  // namespace twintrack::cli

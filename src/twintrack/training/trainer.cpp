#include "twintrack/training/trainer.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/random.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/nnunet/plans.hpp"
#include "twintrack/planning/training_box.hpp"
#include "twintrack/tensor/training_checkpoint.hpp"
#include "twintrack/training/batch_loader.hpp"
#include "twintrack/training/batches.hpp"
#include "twintrack/training/case_cache.hpp"
#include "twintrack/training/splits.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

namespace fs = std::filesystem;

namespace twintrack {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSmoothing = 0.9;
constexpr double kDecayExponent = 0.9;
constexpr std::uint64_t kValidationSeed = 0x76616c69;
constexpr const char* kLatest = "checkpoint_latest.pth";
constexpr const char* kBest = "checkpoint_best.pth";
constexpr const char* kFinal = "checkpoint_final.pth";
constexpr std::array kCheckpoints{kFinal, kBest, kLatest};
constexpr const char* kLog = "training.json";
constexpr const char* kPlot = "progress.svg";
constexpr int kIndent = 4;  // as nnU-Net writes its files

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// The network leaves dropout out: plans that ask for it would train another network than they describe.
void refuse_dropout(const JsonView& plans, const std::string& configuration) {
  const JsonView configurations = plans.at("configurations");
  JsonView view = configurations.at(configuration);
  while (!view.find("architecture")) {
    const auto parent = view.find("inherits_from");
    if (!parent) return;  // plans of before nnU-Net 2.3, which have no dropout
    view = configurations.at(parent->as_string());
  }
  const auto dropout = view.at("architecture").at("arch_kwargs").find("dropout_op");
  if (dropout && !dropout->is_null()) dropout->fail("training with dropout is not supported; null is right");
}

TrainingTargets targets_of(const LabelScheme& labels, const std::string& soft_label, const std::string& file) {
  TrainingTargets targets;
  targets.regions = labels.regions;
  for (const auto& members : labels.members) targets.members.emplace_back(members.begin(), members.end());
  if (labels.ignore) targets.ignore = static_cast<std::int16_t>(*labels.ignore);
  if (soft_label.empty()) return targets;
  if (labels.regions) throw UsageError("{}: raters' means cannot be trained on together with regions", file);
  targets.soft_channel = labels.channel(soft_label, file);
  if (*targets.soft_channel == 0) {
    throw UsageError("{}: '{}' is background; name the label that raters mark", file, soft_label);
  }
  return targets;
}

// Of one run: what is trained on, with what, and how far it has come.
class Training {
 public:
  Training(const TrainingSource& source, const TrainingSettings& settings, const fs::path& model_folder,
           const TrainingObserver& observer)
      : source_(source),
        settings_(settings),
        observer_(observer),
        model_folder_(model_folder),
        fold_folder_(model_folder / fold_folder_name(settings.fold)),
        plans_(parse_plans(JsonView(source.plans, source.plans_file.string()), settings.configuration)),
        identity_(identity_of(source, settings)) {
    refuse_dropout(JsonView(source.plans, source.plans_file.string()), settings.configuration);
    plans_.architecture.classes = source.dataset.dataset.labels.channels();
    network_ = build_network(plans_.architecture, source.plans_file.string());
    check_patch(network_, plans_.patch_size, source.plans_file.string());
    if (const int processes = settings.network.group.processes; plans_.batch_size % processes != 0) {
      throw UsageError("a batch of {} cannot be shared equally by {} devices", plans_.batch_size, processes);
    }
  }

  void prepare_cases() {
    std::vector<std::string> names;
    for (const TrainingCase& item : source_.dataset.cases) names.push_back(item.name);
    const Split split = open_split(source_.work_folder / "splits_final.json", names, settings_.fold);
    std::vector<std::string> wanted = split.training;
    if (settings_.fold) wanted.insert(wanted.end(), split.validation.begin(), split.validation.end());
    require_raters(wanted);
    note(fmt::format("{} cases to train on, {} to validate with", split.training.size(), split.validation.size()));
    cache_ = open_cache(wanted);
    training_ = std::span(cache_->cases()).first(split.training.size());
    validation_ = std::span(cache_->cases()).last(split.validation.size());
  }

  TrainingOutcome run(bool overwrite) {
    if (!overwrite && is_complete()) return {std::move(epochs_), true};
    refuse_to_mix();
    make_output_folder(fold_folder_);
    make_network(overwrite ? std::nullopt : find_checkpoint(kLatest));
    prepare_cases();
    prepare_recipes();
    if (leads()) prepare_folder(overwrite);
    const std::int64_t per_epoch = settings_.iterations + settings_.validation_iterations;
    const auto first = static_cast<std::int64_t>(epochs_.size());
    BatchLoader loader(first * per_epoch, settings_.epochs * per_epoch, settings_.workers, [&](std::int64_t index) {
      const std::int64_t iteration = index % per_epoch;
      const bool training = iteration < settings_.iterations;
      return make_batch(training ? training_ : validation_, training ? recipe_ : validation_recipe_, index / per_epoch,
                        training ? iteration : iteration - settings_.iterations);
    });
    for (std::int64_t epoch = first; epoch < settings_.epochs; ++epoch) run_epoch(epoch, first, loader);
    if (!leads()) return {std::move(epochs_), false};
    std::error_code error;
    fs::rename(fold_folder_ / kLatest, fold_folder_ / kFinal, error);
    if (error) throw_cannot_write(fold_folder_ / kFinal, error.value());
    return {std::move(epochs_), false};
  }

 private:
  // What a checkpoint of this training holds; its epochs become ours.
  std::optional<TrainingCheckpoint> find_checkpoint(const char* name) {
    const fs::path file = fold_folder_ / name;
    if (!fs::exists(file)) return std::nullopt;
    TrainingCheckpoint checkpoint = read_training_checkpoint(file);
    const Json& own = checkpoint.twintrack;
    if (!own.is_object() || !own.contains("settings") || !own["settings"].is_object() || !own.contains("epochs")) {
      throw UsageError("{}: was not written by TwinTrack; choose another folder, or --overwrite to train anew",
                       file.string());
    }
    if (const std::string keys = differing_keys(identity_, own["settings"]); !keys.empty()) {
      throw UsageError(
          "{}: belongs to a training with other settings ({}); the same settings continue it, --overwrite "
          "trains anew",
          file.string(), keys);
    }
    read_epochs(JsonView(own, file.string(), "twintrack").at("epochs"), checkpoint.epoch);
    check_parameters(checkpoint.parameters, file.string());
    best_ = checkpoint.best_ema;
    return checkpoint;
  }

  void read_epochs(const JsonView& list, std::int64_t completed) {
    epochs_.clear();
    for (const JsonView& epoch : list.elements()) {
      epochs_.push_back(parse_epoch(epoch));
      if (epochs_.back().epoch != std::ssize(epochs_) - 1) epoch.fail("epochs should be counted from 0, without gaps");
    }
    if (epochs_.empty() || std::ssize(epochs_) != completed || completed > settings_.epochs) {
      list.fail(fmt::format("{} epochs; current_epoch says {}, and {} at most are right", epochs_.size(), completed,
                            settings_.epochs));
    }
  }

  void check_parameters(const TensorMap& parameters, const std::string& file) const {
    const std::vector<ParameterSpec> expected = trainable_parameters(network_);
    for (const ParameterSpec& parameter : expected) {
      const auto found = parameters.find(parameter.name);
      if (found == parameters.end()) throw InputError("{}: parameter {} is missing", file, parameter.name);
      if (found->second.shape != parameter.shape) {
        throw InputError("{}: parameter {} is {}, the plans make it {}", file, parameter.name,
                         to_string(found->second.shape), to_string(parameter.shape));
      }
    }
    if (parameters.size() != expected.size()) {
      throw InputError("{}: {} parameters; the plans' network has {}", file, parameters.size(), expected.size());
    }
  }

  bool is_complete() {
    if (!find_checkpoint(kFinal)) return false;
    if (std::ssize(epochs_) != settings_.epochs) {
      throw InputError("{}: is of epoch {} of {}; --overwrite trains anew", (fold_folder_ / kFinal).string(),
                       epochs_.size(), settings_.epochs);
    }
    return true;
  }

  // plans.json and dataset.json of a model folder hold for all of its folds.
  void refuse_to_mix() const {
    if (!has_other_folds()) return;
    for (const auto& [file, document] : {std::pair(model_folder_ / "plans.json", &source_.plans),
                                         std::pair(model_folder_ / "dataset.json", &source_.dataset.document)}) {
      if (!fs::exists(file) || read_json(file) == *document) continue;
      throw UsageError("{}: folds of other plans or of another dataset are there; choose another model folder",
                       file.string());
    }
  }

  bool has_other_folds() const {
    std::error_code error;
    for (fs::directory_iterator entry(model_folder_, error), end; !error && entry != end; entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      if (!name.starts_with("fold_") || name == fold_folder_name(settings_.fold)) continue;
      const auto holds = [&](const char* file) { return fs::exists(entry->path() / file); };
      if (std::ranges::any_of(kCheckpoints, holds)) return true;
    }
    return false;
  }

  // Of processes that train together one writes and reports.
  bool leads() const { return settings_.network.group.rank == 0; }

  CaseCache open_cache(const std::vector<std::string>& names) {
    const std::optional<CropToLabels> crop = find_crop(JsonView(source_.plans, source_.plans_file.string()));
    const LabelScheme& labels = source_.dataset.dataset.labels;
    CacheRequest request{source_.dataset, plans_, source_.work_folder / "preprocessed" / settings_.configuration};
    if (crop) {
      request.box = [&labels, &crop](const TrainingCase& item, const Volume<std::uint16_t>& map) {
        return training_box(map, labels, crop, item.labels.string());
      };
      request.box_rule = to_json(*crop).dump();
    }
    if (!settings_.soft_label.empty()) {
      request.raters = source_.raters;
      request.tumor_labels = source_.rater_labels;
    }
    if (observer_.on_case) observer_.on_case(0, std::ssize(names));
    CaseCache cache = open_case_cache(request, names, observer_.on_case);
    for (const std::string& warning : cache.warnings()) note(warning);
    return cache;
  }

  void require_raters(const std::vector<std::string>& names) const {
    if (settings_.soft_label.empty()) return;
    for (const std::string& name : names) {
      if (source_.raters.contains(name)) continue;
      throw InputError("case '{}': has no raters, but '{}' is trained on their mean", name, settings_.soft_label);
    }
  }

  void prepare_recipes() {
    recipe_.sampling = {plans_.patch_size, plans_.patch_size, plans_.batch_size, settings_.foreground_share,
                        settings_.seed};
    recipe_.augmentation =
        settings_.augmentation ? default_augmentation(plans_.patch_size, mirror_axes()) : no_augmentation();
    recipe_.target_shapes = supervised_shapes(network_, plans_.patch_size);
    if (!settings_.network.deep_supervision) recipe_.target_shapes.resize(1);
    const GroupMembership& group = settings_.network.group;
    recipe_.share = group.rank;
    recipe_.shares = group.processes;
    validation_recipe_ = recipe_;
    validation_recipe_.sampling.seed = combine_bits(settings_.seed, kValidationSeed);
    validation_recipe_.augmentation = no_augmentation();
  }

  std::vector<int> mirror_axes() const { return settings_.mirroring ? std::vector<int>{0, 1, 2} : std::vector<int>{}; }

  // Before the cases are prepared, which may take long: a device that is not there is known at once.
  void make_network(const std::optional<TrainingCheckpoint>& last) {
    TrainingOptions options = settings_.network;
    options.batch_dice = plans_.batch_dice;
    const LabelScheme& labels = source_.dataset.dataset.labels;
    trainable_ = torch_plugin().make_trainable(
        network_, plans_.patch_size, targets_of(labels, settings_.soft_label, source_.dataset.json_path().string()),
        options);
    note(fmt::format("{}; {:.1f} million parameters; patch {}x{}x{}, batch {}", trainable_->name(),
                     parameter_count() / 1e6, plans_.patch_size[0], plans_.patch_size[1], plans_.patch_size[2],
                     plans_.batch_size));
    if (last) {
      trainable_->restore(last->parameters, last->momenta);
      note(fmt::format("continues after epoch {} of {}", epochs_.size(), settings_.epochs));
    } else {
      trainable_->restore(initial_parameters(network_, settings_.seed), {});
    }
  }

  double parameter_count() const {
    double count = 0;
    for (const ParameterSpec& parameter : trainable_parameters(network_)) {
      count +=
          std::accumulate(parameter.shape.begin(), parameter.shape.end(), 1.0,
                          [](double product, std::int64_t extent) { return product * static_cast<double>(extent); });
    }
    return count;
  }

  void prepare_folder(bool overwrite) {
    if (overwrite) {
      for (const char* name : kCheckpoints) remove_file(fold_folder_ / name);
      for (const char* name : {kLog, kPlot}) remove_file(fold_folder_ / name);
    }
    write_file(model_folder_ / "plans.json", to_text(source_.plans, kIndent) + "\n");
    write_file(model_folder_ / "dataset.json", to_text(source_.dataset.document, kIndent) + "\n");
  }

  static void remove_file(const fs::path& file) {
    std::error_code error;
    fs::remove(file, error);
    if (error) throw_cannot_write(file, error.value());
  }

  double learning_rate_of(std::int64_t epoch) const {
    return settings_.learning_rate *
           std::pow(1.0 - static_cast<double>(epoch) / static_cast<double>(settings_.epochs), kDecayExponent);
  }

  void run_epoch(std::int64_t epoch, std::int64_t first_epoch, BatchLoader& loader) {
    const auto start = Clock::now();
    EpochReport report;
    report.epoch = epoch;
    report.learning_rate = learning_rate_of(epoch);
    TrainingStatus status;
    status.epoch = epoch;
    status.epochs = settings_.epochs;
    status.first_epoch = first_epoch;
    status.iterations = settings_.iterations + settings_.validation_iterations;
    status.learning_rate = report.learning_rate;
    for (std::int64_t i = 0; i < settings_.iterations; ++i) {
      train_step(report, status, loader, start);
    }
    const double training_seconds = seconds_since(start);
    report.training_loss = status.loss;
    report.patches_per_second =
        static_cast<double>(settings_.iterations * plans_.batch_size) / std::max(training_seconds, 1e-9);
    validate(report, status, loader);
    report.seconds = seconds_since(start);
    report.validation_seconds = report.seconds - training_seconds;
    report.end_time =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    finish(report);
  }

  void train_step(EpochReport& report, TrainingStatus& status, BatchLoader& loader, Clock::time_point start) {
    const auto before = Clock::now();
    const TrainingBatch batch = loader.next();
    report.loading_seconds += seconds_since(before);
    const StepReport step = trainable_->train(batch, report.learning_rate);
    report.forward_seconds += step.forward_seconds;
    report.backward_seconds += step.backward_seconds;
    ++status.iteration;
    const auto done = static_cast<double>(status.iteration);
    status.loss += (step.loss - status.loss) / done;
    const double elapsed = seconds_since(start);
    status.patches_per_second = done * static_cast<double>(plans_.batch_size) / elapsed;
    status.loading_share = report.loading_seconds / elapsed;
    status.forward_share = report.forward_seconds / elapsed;
    status.backward_share = report.backward_seconds / elapsed;
    if (observer_.on_iteration) observer_.on_iteration(status);
  }

  void validate(EpochReport& report, TrainingStatus& status, BatchLoader& loader) {
    ValidationReport sum;
    for (std::int64_t i = 0; i < settings_.validation_iterations; ++i) {
      const ValidationReport one = trainable_->validate(loader.next());
      sum.loss += one.loss / static_cast<double>(settings_.validation_iterations);
      const auto add = [](std::vector<double>& to, const std::vector<double>& from) {
        to.resize(from.size(), 0);
        for (std::size_t c = 0; c < from.size(); ++c) to[c] += from[c];
      };
      add(sum.true_positives, one.true_positives);
      add(sum.false_positives, one.false_positives);
      add(sum.false_negatives, one.false_negatives);
      ++status.iteration;
      if (observer_.on_iteration) observer_.on_iteration(status);
    }
    report.validation_loss = sum.loss;
    set_dice(report, sum);
  }

  void set_dice(EpochReport& report, const ValidationReport& counts) const {
    double total = 0;
    double classes = 0;
    for (std::size_t c = 0; c < counts.true_positives.size(); ++c) {
      const double both = 2 * counts.true_positives[c];
      const double all = both + counts.false_positives[c] + counts.false_negatives[c];
      report.dice.push_back(all > 0 ? both / all : std::numeric_limits<double>::quiet_NaN());
      if (all > 0) {
        total += report.dice.back();
        ++classes;
      }
    }
    report.mean_dice = total / classes;
    const double last = epochs_.empty() ? report.mean_dice : epochs_.back().smoothed_dice;
    report.smoothed_dice = std::isfinite(last) && std::isfinite(report.mean_dice)
                               ? kSmoothing * last + (1 - kSmoothing) * report.mean_dice
                               : (std::isfinite(last) ? last : report.mean_dice);
  }

  void finish(const EpochReport& report) {
    epochs_.push_back(report);
    const bool best = std::isfinite(report.smoothed_dice) && (!best_ || report.smoothed_dice > *best_);
    if (best) best_ = report.smoothed_dice;
    if (!leads()) return;
    // The latest comes last: who continues from it finds everything that belongs to it.
    write_log();
    if (best) save(kBest);
    const std::int64_t done = std::ssize(epochs_);
    if (done % settings_.save_every == 0 || done == settings_.epochs) save(kLatest);
    if (observer_.on_epoch) observer_.on_epoch(report);
  }

  void save(const char* name) const {
    TrainingCheckpoint checkpoint;
    checkpoint.parameters = trainable_->parameters();
    checkpoint.momenta = trainable_->momenta();
    for (const ParameterSpec& parameter : trainable_parameters(network_)) checkpoint.order.push_back(parameter.name);
    checkpoint.learning_rate = epochs_.back().learning_rate;
    checkpoint.momentum = settings_.network.momentum;
    checkpoint.weight_decay = settings_.network.weight_decay;
    checkpoint.epoch = static_cast<std::int64_t>(epochs_.size());
    checkpoint.best_ema = best_;
    checkpoint.logging = nnunet_logging(epochs_);
    checkpoint.init_args = {{"plans", source_.plans},
                            {"configuration", settings_.configuration},
                            {"fold", identity_["fold"]},
                            {"dataset_json", source_.dataset.document}};
    if (settings_.mirroring) checkpoint.mirroring_axes = mirror_axes();
    checkpoint.twintrack = {{"version", version()}, {"settings", identity_}, {"epochs", epochs_json()}};
    write_training_checkpoint(fold_folder_ / name, checkpoint);
  }

  Json epochs_json() const {
    Json list = Json::array();
    for (const EpochReport& epoch : epochs_) list.push_back(to_json(epoch));
    return list;
  }

  void write_log() const {
    const Json document{{"format", "twintrack-training/1"},
                        {"research_use", kResearchUse},
                        {"engine", trainable_->name()},
                        {"device", settings_.network.device},
                        {"processor", processor_name()},
                        {"threads", thread_count()},
                        {"workers", settings_.workers},
                        {"settings", identity_},
                        {"cases", {{"training", training_.size()}, {"validation", validation_.size()}}},
                        {"epochs", epochs_json()},
                        {"peak_resident_bytes", peak_resident_bytes()},
                        {"twintrack", version()}};
    write_file(fold_folder_ / kLog, to_text(document, 1) + "\n");
    write_file(fold_folder_ / kPlot,
               training_plot(epochs_, settings_.epochs,
                             fmt::format("{}, {}, {}", source_.dataset.name(), settings_.configuration,
                                         fold_folder_name(settings_.fold))));
  }

  void note(const std::string& line) const {
    if (observer_.on_note) observer_.on_note(line);
  }

  const TrainingSource& source_;
  const TrainingSettings& settings_;
  const TrainingObserver& observer_;
  fs::path model_folder_;
  fs::path fold_folder_;
  Plans plans_;
  Json identity_;
  Network network_;
  std::optional<CaseCache> cache_;  // of all cases that this fold needs
  std::span<const CachedCase> training_;
  std::span<const CachedCase> validation_;
  BatchRecipe recipe_;
  BatchRecipe validation_recipe_;
  std::unique_ptr<TrainableNetwork> trainable_;
  std::vector<EpochReport> epochs_;
  std::optional<double> best_;
};

}  // namespace

TrainingOutcome train(const TrainingSource& source, const TrainingSettings& settings, const fs::path& model_folder,
                      bool overwrite, const TrainingObserver& observer) {
  check_settings(settings);
  return Training(source, settings, model_folder, observer).run(overwrite);
}

void preprocess_cases(const TrainingSource& source, const TrainingSettings& settings,
                      const TrainingObserver& observer) {
  check_settings(settings);
  Training(source, settings, {}, observer).prepare_cases();
}

std::string fold_folder_name(const std::optional<int>& fold) {
  return fold ? fmt::format("fold_{}", *fold) : "fold_all";
}

}  // namespace twintrack

// phantom: a synthetic cohort of abdominal CTs with raters who disagree.
#include <cstdio>

#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/cohort/rater_set.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/phantom/cohort_files.hpp"

namespace twintrack::cli {
namespace {

struct PhantomArguments {
  std::filesystem::path output;
  std::int64_t cases = 10;
  std::int64_t first = 0;
  int raters = 5;
  std::uint64_t seed = 0;
  std::string layout = "curvas";
  std::string labels = "panorama";
  std::vector<std::int64_t> size;
  std::vector<double> spacing_mm;
  int threads = 0;
  bool overwrite = false;
  ReportingOptions reporting;
};

phantom::CohortSettings settings_of(const PhantomArguments& a, bool raters_given, bool labels_given) {
  phantom::CohortSettings settings;
  settings.layout = a.layout == "curvas" ? phantom::Layout::curvas : phantom::Layout::nnunet;
  settings.labels = a.labels == "panorama" ? phantom::TrainingLabels::panorama : phantom::TrainingLabels::pancreas;
  if (labels_given && settings.layout == phantom::Layout::curvas)
    throw UsageError("--labels {}: chooses what --layout nnunet writes; curvas has all labels", a.labels);
  if (raters_given && settings.layout == phantom::Layout::nnunet)
    throw UsageError("--raters {}: nnU-Net's layout has none; --layout curvas", a.raters);
  settings.phantom.seed = a.seed;
  settings.phantom.raters = a.raters;
  if (!a.size.empty()) settings.phantom.size = {a.size[0], a.size[1], a.size[2]};
  if (!a.spacing_mm.empty()) settings.phantom.spacing_mm = {a.spacing_mm[0], a.spacing_mm[1], a.spacing_mm[2]};
  return settings;
}

struct Outcome {
  std::int64_t made = 0;
  std::int64_t kept = 0;
};

Outcome make_cases(const PhantomArguments& a, const phantom::CohortSettings& settings) {
  Outcome outcome;
  Progress progress("phantoms", a.cases, a.reporting.progress());
  for (std::int64_t number = a.first; number < a.first + a.cases; ++number) {
    throw_if_interrupted();
    const std::string name = phantom::case_name(number);
    if (!a.overwrite && phantom::is_complete(a.output, settings.layout, name)) {
      ++outcome.kept;
    } else {
      const phantom::Phantom made = phantom::make_phantom(number, settings.phantom);
      phantom::write_case(a.output, settings, made);
      ++outcome.made;
      if (a.reporting.json) {
        fmt::print("{}\n", to_text(Json{{"case", name},
                                        {"size", made.image.geometry.size},
                                        {"spacing_mm", made.image.geometry.spacing_mm},
                                        {"facts", phantom::to_json(made.facts)}}));
      }
    }
    progress.advance();
  }
  return outcome;
}

ExitStatus run(const PhantomArguments& a, const phantom::CohortSettings& settings) {
  apply(a.reporting);
  if (a.threads > 0) set_thread_count(a.threads);
  phantom::open_cohort(a.output, settings, a.overwrite);
  const Outcome outcome = make_cases(a, settings);
  const std::int64_t in_folder = phantom::write_index(a.output, settings);
  const std::filesystem::path index =
      a.output / (settings.layout == phantom::Layout::curvas ? "manifest.csv" : "dataset.json");
  if (a.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"index", index.string()},
                                    {"made", outcome.made},
                                    {"kept", outcome.kept},
                                    {"cases", in_folder},
                                    {"synthetic", true}}));
  } else {
    fmt::print("{}: {} synthetic case(s), {} made now\n", index.string(), in_folder, outcome.made);
  }
  if (outcome.kept > 0) {
    print_note(a.reporting,
               fmt::format("{} case(s) were there already and were kept (--overwrite makes them again)", outcome.kept));
  }
  print_note(a.reporting, kResearchUse);
  return ExitStatus::done;
}

}  // namespace

void add_phantom(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<PhantomArguments>();
  CLI::App* const job =
      app.add_subcommand("phantom", "Write a synthetic cohort: abdominal CTs with raters who disagree");
  job->footer(
      "Examples:\n"
      "  twintrack phantom -o cohort --cases 40                              CTs, 5 raters, true mean human response\n"
      "  twintrack phantom -o test --cases 64 --first 1000                   other cases of the same seed\n"
      "  twintrack phantom -o Dataset001 --cases 200 --layout nnunet         to train on\n"
      "  twintrack phantom -o small --size 160,128,64 --spacing-mm 2,2,3     small ones\n\n"
      "The same seed, number and options give the same files on every machine. Synthetic images are no patients: what\n"
      "works on them is not thereby shown to work on CT.");
  job->add_option("-o,--output", a->output, "Folder of the cohort; created when it is not there")
      ->type_name(kFolder)
      ->required();
  job->add_option("--cases", a->cases, "Number of cases")->check(CLI::Range(1, 100'000))->capture_default_str();
  job->add_option("--first", a->first, "Number of the first case: case N is the same in every cohort of its seed")
      ->check(CLI::Range(0, 100'000'000))
      ->capture_default_str();
  CLI::Option* const raters = job->add_option("--raters", a->raters, "Raters a case (layout curvas)")
                                  ->check(CLI::Range(1, static_cast<int>(kMaximalRaters)))
                                  ->capture_default_str();
  job->add_option("--seed", a->seed, "Seed of everything that varies")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  job->add_option("--layout", a->layout, "curvas: a folder a case, with raters; nnunet: a raw dataset to train on")
      ->check(CLI::IsMember({"curvas", "nnunet"}))
      ->capture_default_str();
  CLI::Option* const labels =
      job->add_option("--labels", a->labels,
                      "Labels of layout nnunet: panorama (tumor, veins, arteries, pancreas and ducts) or pancreas "
                      "(with tumour and duct, for a localiser)")
          ->check(CLI::IsMember({"panorama", "pancreas"}))
          ->capture_default_str();
  job->add_option("--size", a->size, "Voxels along x, y, z (default: 512,512 and as many slices as the abdomen takes)")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(16, 2048));
  job->add_option("--spacing-mm", a->spacing_mm,
                  "Spacing along x, y, z in mm (default: 0.7 to 0.9 in plane, slices of 1 to 3; with --size: what "
                  "covers the abdomen)")
      ->delimiter(',')
      ->expected(3)
      ->check(number_within(0.2, 20));
  job->add_option("--threads", a->threads, "Number of threads (default: all processors)")->check(CLI::Range(1, 1024));
  job->add_flag("--overwrite", a->overwrite, "Make cases again that exist (default: keep them)");
  add_reporting_options(*job, a->reporting);
  job->callback(
      [a, raters, labels, &status] { status = run(*a, settings_of(*a, raters->count() > 0, labels->count() > 0)); });
}

}  // namespace twintrack::cli

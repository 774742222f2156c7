// compare: the paper's table, none / one rater / hard label / MHR.
#include <cstdio>

#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/evaluation/comparison.hpp"

namespace twintrack::cli {
namespace {

struct CompareArguments {
  std::filesystem::path fit;
  std::filesystem::path test;
  std::optional<int> folds;
  std::filesystem::path output;
  std::filesystem::path csv;
  std::filesystem::path latex;
  std::string hard_label = "majority";
  ComparisonOptions options;
  CohortArguments cohort;
};

ExitStatus run(CompareArguments& a) {
  if (a.test.empty() == !a.folds) {
    throw UsageError("compare: give either --test with other cases, or --folds K to split the cases of --fit");
  }
  prepare(a.cohort, {a.output, a.csv, a.latex});
  ComparisonOptions& options = a.options;
  using Kind = CalibrationTarget::Kind;
  options.hard_label = a.hard_label == "staple" ? Kind::staple : Kind::majority;
  options.tumor_labels = a.cohort.tumor_labels;
  options.replicates = a.cohort.replicates;
  options.seed = a.cohort.seed;

  const std::vector<Column> needed{Column::probability, Column::raters};
  const Manifest fit = read_manifest(a.fit, needed);
  StageBars bars(a.cohort.reporting.progress());
  const auto progress = [&](const std::string& stage, std::int64_t done, std::int64_t total) {
    bars.show(stage, done, total);
  };
  const Json cases = a.folds ? compare_by_folds(fit, *a.folds, options, progress)
                             : compare_on_test_set(fit, read_manifest(a.test, needed), options, progress);
  const ComparisonTable table = comparison_table(cases, comparison_rows(options), options);
  const Json document{
      {"format", "twintrack-comparison/1"},
      {"research_use", kResearchUse},
      {"rows", to_json(table)},
      {"cases", cases},
      {"fit", {{"manifest", a.fit.string()}, {"cases", fit.cases.size()}}},
      {"test", a.folds ? Json{{"folds", *a.folds}} : Json{{"manifest", a.test.string()}}},
      {"settings", {{"rater", options.rater}, {"hard_label", a.hard_label}, {"threshold", options.threshold}}},
      {"bootstrap", {{"replicates", options.replicates}, {"seed", options.seed}}},
      {"twintrack", version()}};
  write_file(a.output, to_text(document, 1) + "\n");
  if (!a.csv.empty()) write_file(a.csv, to_csv(table));
  if (!a.latex.empty()) write_file(a.latex, to_latex(table));
  if (a.cohort.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"comparison", a.output.string()}, {"rows", to_json(table)}}));
  } else {
    fmt::print("{}", to_text(table));
  }
  print_note(a.cohort.reporting, kResearchUse);
  return ExitStatus::done;
}

}  // namespace

void add_compare(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<CompareArguments>();
  CLI::App* const job =
      app.add_subcommand("compare", "The paper's table: uncalibrated, and calibrated to three different targets");
  job->footer(
      "Examples:\n"
      "  twintrack compare --fit fit.csv --test test.csv -o table.json\n"
      "  twintrack compare --fit cases.csv --folds 5 -o table.json --latex table.tex\n\n"
      "Manifests are CSV files with the columns case, probability, raters and, when there is one, roi.\n"
      "Of each metric: the bootstrap mean over cases, its 95 % interval, and p of the paired difference to the row "
      "MHR.");
  job->add_option("--fit", a->fit, "Manifest of the cases that calibrators are fitted to")
      ->type_name(kFile)
      ->required();
  job->add_option("--test", a->test, "Manifest of the cases they are evaluated on")->type_name(kFile);
  job->add_option("--folds", a->folds, "Without --test: parts of --fit, each evaluated with fits to the others");
  job->add_option("-o,--output", a->output, "The table and every case's figures (JSON)")->type_name(kFile)->required();
  job->add_option("--csv", a->csv, "Also the table with all metrics, as CSV")->type_name(kFile);
  job->add_option("--latex", a->latex, "Also the table as LaTeX")->type_name(kFile);
  job->add_option("--rater", a->options.rater, "Which rater the row 'one rater' is fitted to, from 1")
      ->check(CLI::Range(1, static_cast<int>(kMaximalRaters)))
      ->capture_default_str();
  job->add_option("--hard-label", a->hard_label, "Consensus that the row 'hard label' is fitted to")
      ->check(CLI::IsMember({"majority", "staple"}))
      ->capture_default_str();
  job->add_option("--threshold", a->options.threshold, "Probability from which a voxel counts as segmented, for DSC")
      ->check(number_within(0, 1))
      ->capture_default_str();
  add_cohort_options(*job, a->cohort);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

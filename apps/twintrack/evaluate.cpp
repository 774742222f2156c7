// evaluate: the challenges' metrics, and more, for probability maps against raters.
#include <cstdio>

#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/cohort/case_files.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/evaluation/case_metrics.hpp"
#include "twintrack/evaluation/cohort_metrics.hpp"
#include "twintrack/evaluation/curvas2024.hpp"
#include "twintrack/evaluation/vascular_involvement.hpp"

namespace twintrack::cli {
namespace {

constexpr const char* kPdacvi = "curvas-pdacvi";
constexpr const char* kCurvas2024 = "curvas2024";

struct EvaluateArguments {
  std::filesystem::path manifest;
  std::filesystem::path output;
  std::filesystem::path csv;
  std::filesystem::path against;
  std::string task = kPdacvi;
  bool vessels = false;
  std::vector<std::string> vessel_labels;
  std::optional<double> threshold;
  CohortArguments cohort;
};

// "NAME=LABEL" of every --vessel, or the challenge's.
std::vector<VesselLabel> vessel_labels(const EvaluateArguments& a) {
  if (a.vessel_labels.empty()) return challenge_vessels();
  std::vector<VesselLabel> labels;
  for (const std::string& text : a.vessel_labels) {
    const std::size_t equal = text.find('=');
    VesselLabel label{text.substr(0, equal), 0};
    const bool complete = equal != std::string::npos && !label.name.empty();
    if (!complete || !CLI::detail::lexical_cast(text.substr(equal + 1), label.label) || label.label < 1) {
      throw UsageError("--vessel {}: NAME=LABEL is right, such as sma=5", text);
    }
    labels.push_back(label);
  }
  return labels;
}

std::vector<Column> needed_columns(const EvaluateArguments& a) {
  std::vector<Column> needed{Column::probability, Column::raters};
  if (a.task == kCurvas2024 || !a.threshold) needed.push_back(Column::segmentation);
  if (a.vessels) needed.push_back(Column::vessels);
  return needed;
}

Json evaluate_pdacvi(const EvaluateArguments& a, const CohortCase& item) {
  const CaseMaps maps = read_case_maps(item, a.cohort.tumor_labels, {.segmentation = !a.threshold});
  const BitMask segmentation = a.threshold ? voxels_reaching(maps.probability, *a.threshold) : *maps.segmentation;
  Json metrics = to_json(evaluate_case(maps.probability, maps.raters, segmentation));
  if (!a.vessels) return metrics;
  const Vessels vessels = read_vessels(*item.vessels, vessel_labels(a));
  require_same_grid(maps.probability.geometry, item.probability.front(), vessels.geometry, *item.vessels);
  metrics["vi"] = to_json(vascular_involvement(maps.probability, maps.raters, vessels.masks));
  return metrics;
}

struct Evaluated {
  Json cases = Json::object();
  Json failed = Json::object();
};

Evaluated evaluate_cohort(const EvaluateArguments& a, const Manifest& manifest) {
  Evaluated evaluated;
  Progress progress("evaluate", std::ssize(manifest.cases), a.cohort.reporting.progress());
  for (const CohortCase& item : manifest.cases) {
    throw_if_interrupted();
    try {
      if (a.task == kCurvas2024) {
        evaluated.cases[item.name] = to_json(evaluate_curvas2024(item));
      } else {
        require_one_map(item, manifest);
        evaluated.cases[item.name] = evaluate_pdacvi(a, item);
      }
    } catch (const InputError& error) {
      if (manifest.cases.size() == 1) throw;
      report_failure(a.cohort.reporting, item.name, error);
      evaluated.failed[item.name] = error.what();
    }
    progress.advance();
  }
  if (evaluated.cases.empty()) throw InputError("{}: every case failed", manifest.file.string());
  return evaluated;
}

// What a person reads first; the files have all.
bool is_shown(const std::string& metric) {
  return std::ranges::count(metric, '.') <= 1 || metric.ends_with(".wasserstein") ||
         metric.ends_with(".geometric.prediction.expected");
}

void print_table(const Json& rows, const char* value) {
  fmt::print("{:<46} {:>12} {:>12} {:>12} {:>5}\n", "", value, "2.5 %", "97.5 %", "n");
  const auto text = [](const Json& number) {
    return number.is_null() ? std::string("-") : fmt::format("{:.6g}", number.get<double>());
  };
  for (const auto& [name, row] : rows.items()) {
    if (!is_shown(name)) continue;
    fmt::print("{:<46} {:>12} {:>12} {:>12} {:>5}", name, text(row[value]), text(row["ci_low"]), text(row["ci_high"]),
               row["n"].get<std::int64_t>());
    fmt::print("{}\n", row.contains("p") ? fmt::format("  p {}", text(row["p"])) : "");
  }
}

void print_result(const EvaluateArguments& a, const Json& document) {
  if (a.cohort.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"metrics", a.output.string()},
                                    {"summary", document["summary"]},
                                    {"comparison", document["comparison"]},
                                    {"failed", document["failed"]}}));
    return;
  }
  fmt::print("{}: {} case(s), bootstrap means with 95 % intervals\n", a.output.string(), document["cases"].size());
  print_table(document["summary"], "mean");
  if (!document["comparison"].is_null()) {
    fmt::print("\nDifferences to {}\n", a.against.string());
    print_table(document["comparison"]["metrics"], "difference");
  }
}

ExitStatus run(const EvaluateArguments& a) {
  if (a.vessels && a.task == kCurvas2024) throw UsageError("--vessels: the task {} has none", a.task);
  if (!a.vessel_labels.empty() && !a.vessels) throw UsageError("--vessel: needs --vessels");
  if (a.threshold && a.task == kCurvas2024) {
    throw UsageError("--threshold: the task {} evaluates label maps (column segmentation)", a.task);
  }
  vessel_labels(a);
  prepare(a.cohort, {a.output, a.csv});
  const Json other = a.against.empty() ? Json(nullptr) : read_metrics(a.against, a.task);
  const Manifest manifest = read_manifest(a.manifest, needed_columns(a));
  Evaluated evaluated = evaluate_cohort(a, manifest);

  Json document{{"format", kMetricsFormat},
                {"research_use", kResearchUse},
                {"task", a.task},
                {"cases", std::move(evaluated.cases)},
                {"summary", nullptr},
                {"comparison", nullptr},
                {"failed", std::move(evaluated.failed)},
                {"bootstrap", {{"replicates", a.cohort.replicates}, {"seed", a.cohort.seed}}},
                {"twintrack", version()}};
  if (a.vessels) document["vascular_note"] = kVascularNote;
  document["summary"] = summarise(document["cases"], a.cohort.replicates, a.cohort.seed);
  if (!a.against.empty()) {
    document["comparison"] = {
        {"against", a.against.string()},
        {"metrics", compare_metrics(document["cases"], other, a.cohort.replicates, a.cohort.seed)}};
  }
  write_file(a.output, to_text(document, 1) + "\n");
  if (!a.csv.empty()) write_file(a.csv, to_csv(document["cases"]));
  print_result(a, document);
  print_note(a.cohort.reporting, kResearchUse);
  return document["failed"].empty() ? ExitStatus::done : ExitStatus::some_cases_failed;
}

}  // namespace

void add_evaluate(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<EvaluateArguments>();
  CLI::App* const job = app.add_subcommand("evaluate", "Challenge metrics for probability maps against raters");
  job->footer(
      "Examples:\n"
      "  twintrack evaluate --manifest cases.csv -o metrics.json --csv metrics.csv --vessels\n"
      "  twintrack evaluate --manifest new.csv -o new.json --against old.json    differences, intervals, p\n"
      "  twintrack evaluate --manifest organs.csv -o organs.json --task curvas2024\n\n"
      "The manifest is a CSV file with the columns case, probability, segmentation, raters (paths separated by ';', "
      "or\n"
      "a glob) and, with --vessels, vessels. Paths are relative to it. Task curvas2024: probability lists the maps of\n"
      "pancreas, kidneys and liver; segmentation and raters are label maps with 1, 2 and 3.");
  job->add_option("--manifest", a->manifest, "CSV file with the cases")->type_name(kFile)->required();
  job->add_option("-o,--output", a->output, "All figures (JSON)")->type_name(kFile)->required();
  job->add_option("--csv", a->csv, "Also a table: a row a case, a column a metric")->type_name(kFile);
  job->add_option("--task", a->task, "Whose definitions")
      ->check(CLI::IsMember({kPdacvi, kCurvas2024}))
      ->capture_default_str();
  job->add_option("--threshold", a->threshold,
                  "Segment by this probability in place of the column segmentation (p >= threshold)")
      ->check(number_within(0, 1));
  job->add_flag("--vessels", a->vessels, "Also vascular involvement and contact angles (column vessels)");
  job->add_option("--vessel", a->vessel_labels,
                  "NAME=LABEL of a vessel in the files; repeat (default: portal_vein=1 smv=2 aorta=3 celiac_trunk=4 "
                  "sma=5)");
  job->add_option("--against", a->against, "metrics.json of other predictions on the same cases: paired differences")
      ->type_name(kFile);
  add_cohort_options(*job, a->cohort);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

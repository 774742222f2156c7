// segment: one nnU-Net v2 model folder, natively.
#include <cstdio>

#include "dry_run.hpp"
#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/nnunet/segmenter.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::cli {
namespace {

struct SegmentArguments {
  std::filesystem::path model;
  std::string folds;
  std::string checkpoint = "checkpoint_final.pth";
  std::string average = "logits";
  bool save_probabilities = false;
  InferenceArguments inference;
};

struct SegmentInput {
  Volume<float> ct;
  Preprocessed preprocessed;
  std::vector<std::string> warnings;
};

std::filesystem::path probabilities_file(const SegmentArguments& a, const Case& item) {
  return a.inference.output_file(item.name + "_probabilities");
}

std::vector<std::filesystem::path> result_files(const SegmentArguments& a, const Case& item) {
  std::vector<std::filesystem::path> files;
  if (a.save_probabilities) files.push_back(probabilities_file(a, item));
  files.push_back(a.inference.output_file(item.name));
  return files;
}

// The labels are written last.
bool is_complete(const SegmentArguments& a, const Case& item) {
  return !a.inference.overwrite &&
         std::ranges::all_of(result_files(a, item), [](const auto& file) { return std::filesystem::exists(file); });
}

void print_result(const SegmentArguments& a, const Case& item, const Segmentation& segmentation,
                  const LabelScheme& scheme) {
  const double voxel_ml = segmentation.labels.geometry.voxel_volume_mm3() / 1000.0;
  std::vector<std::int64_t> counts(std::size_t{1} << 16, 0);
  for (const std::uint16_t label : segmentation.labels.voxels) ++counts[label];
  Json volumes = Json::object();
  std::string text;
  for (std::int64_t c = 0; c < scheme.channels(); ++c) {
    if (scheme.output_labels[c] == 0) continue;
    const double ml = static_cast<double>(counts[scheme.output_labels[c]]) * voxel_ml;
    volumes[scheme.names[c]] = ml * 1000.0;
    text += fmt::format("{}{} {:.2f} ml", text.empty() ? "" : ", ", scheme.names[c], ml);
  }
  const std::string file = a.inference.output_file(item.name).string();
  if (a.inference.reporting.json) {
    fmt::print(
        "{}\n",
        to_text(Json{
            {"case", item.name}, {"segmentation", file}, {"volume_mm3", volumes}, {"research_use", kResearchUse}}));
  } else {
    fmt::print("{}: {}\n", item.name, text);
  }
}

void write_results(const SegmentArguments& a, const Case& item, const Segmentation& segmentation,
                   const LabelScheme& scheme) {
  const Volume<std::uint16_t>& labels = segmentation.labels;
  std::filesystem::remove(
      a.inference.output_file(item.name));  // labels of an earlier run must not vouch for new probabilities
  if (a.save_probabilities) {
    write_channels(probabilities_file(a, item), labels.geometry, scheme.channels(), segmentation.probabilities);
  }
  const bool small = *std::max_element(scheme.output_labels.begin(), scheme.output_labels.end()) < 256;
  if (small) {
    write_volume(a.inference.output_file(item.name),
                 Volume<std::uint8_t>{labels.geometry, {labels.voxels.begin(), labels.voxels.end()}});
  } else {
    write_volume(a.inference.output_file(item.name), labels);
  }
}

ExitStatus show_plan(const SegmentArguments& a, const InferenceOptions& options, const std::vector<Case>& cases) {
  const RunCost cost = run_cost(read_model_folder(a.model, parse_folds(a.folds), a.checkpoint), options);
  const bool keeps = a.save_probabilities || (a.average == "probabilities" && cost.members.front().tile.folds > 1);
  return print_plan({cases, [&](const Case& item) { return is_complete(a, item); },
                     [&](const Case& item) { return result_files(a, item); },
                     [&](const Geometry& geometry) { return segmentation_cost(cost, geometry, keeps); }},
                    a.inference);
}

ExitStatus run(const SegmentArguments& a) {
  const InferenceOptions options = prepare(a.inference);
  const std::vector<Case> cases = list_cases(a.inference.input);
  refuse_results_among_inputs(a.inference, cases);
  if (a.inference.dry_run) return show_plan(a, options, cases);
  const Averaging averaging = a.average == "logits" ? Averaging::logits : Averaging::probabilities;
  Predictor predictor(read_model_folder(a.model, parse_folds(a.folds), a.checkpoint), options);
  const ReportingOptions& reporting = a.inference.reporting;
  const auto read = [&](const Case& item) {
    std::vector<std::string> warnings;
    SegmentInput input{read_volume(item.path, a.inference.series(), warnings), {}, {}};
    input.warnings = std::move(warnings);
    const Box3 whole{{0, 0, 0}, input.ct.geometry.shape()};
    input.preprocessed = naming(item.path, [&] { return preprocess(input.ct, whole, predictor.plans()); });
    return input;
  };
  const auto process = [&](const Case& item, SegmentInput& input) {
    for (const std::string& warning : input.warnings) print_warning(reporting, warning, item.name);
    StageBars bars(reporting.progress());
    const Segmentation segmentation =
        segment(predictor, input.ct, input.preprocessed, averaging, a.save_probabilities,
                [&](std::int64_t done, std::int64_t total) { bars.show(item.name, done, total); });
    write_results(a, item, segmentation, predictor.labels());
    print_result(a, item, segmentation, predictor.labels());
  };
  const BatchReport report = run_cases<SegmentInput>(
      cases, [&](const Case& item) { return is_complete(a, item); }, read, process,
      [&](const Case& item, const Error& error) { report_failure(reporting, item.name, error); });
  print_note(reporting, "Research use only. Not a medical device and not for diagnosis.");
  return close_batch(reporting, report);
}

}  // namespace

void add_segment(CLI::App& app, ExitStatus& status) {
  const auto a = std::make_shared<SegmentArguments>();
  CLI::App* const job =
      app.add_subcommand("segment", "One nnU-Net v2 model folder on a CT: what nnUNetv2_predict_from_modelfolder does");
  job->footer(
      "Example:\n  twintrack segment -m Dataset104/nnUNetTrainer__nnUNetPlans__3d_fullres -i ct.nii.gz -o results -f "
      "0,1,2\n\n"
      "Writes CASE (labels) and, on request, CASE_probabilities (x, y, z, class).\nResearch use only; not for "
      "diagnosis.");
  job->add_option("-m,--model", a->model, "Model folder with plans.json, dataset.json and fold_*/")
      ->type_name(kFolder)
      ->required();
  add_inference_options(*job, a->inference);
  job->add_option("-f,--folds", a->folds, "Folds, for example 0,1,2; `all` is fold_all (default: every numbered fold)");
  job->add_option("--checkpoint", a->checkpoint, "Name of the checkpoint in each fold")->capture_default_str();
  job->add_option(
         "--average", a->average,
         "How folds are averaged: logits as nnU-Net does, or probabilities as independently trained networks are")
      ->check(CLI::IsMember({"logits", "probabilities"}))
      ->capture_default_str();
  job->add_flag("--save-probabilities", a->save_probabilities, "Also write the probability of every class, float32");
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

// train plan: fingerprint and plans of a dataset.
#include <cstdio>

#include "inventory.hpp"
#include "train_options.hpp"
#include "twintrack/nnunet/plans.hpp"

namespace twintrack::cli {
namespace {

struct TrainPlanArguments {
  std::filesystem::path dataset;
  std::filesystem::path work;
  PlanArguments plan;
  std::vector<std::string> crop_labels;
  std::vector<double> crop_margin_mm{30, 30, 30};
  bool overwrite = false;
  ReportingOptions reporting;
};

void print_configuration(const Json& plans, const std::string& file, const std::string& name) {
  const Plans p = parse_plans(JsonView(plans, file), name);
  const Architecture& a = p.architecture;
  std::string features, pooling, kernels;
  for (std::size_t s = 0; s < a.features.size(); ++s) {
    features += fmt::format("{}{}", s == 0 ? "" : "-", a.features[s]);
    pooling += fmt::format(" {}{}{}", a.strides[s][0], a.strides[s][1], a.strides[s][2]);
    kernels += fmt::format(" {}{}{}", a.kernels[s][0], a.kernels[s][1], a.kernels[s][2]);
  }
  fmt::print(
      "{}: spacing {:g} x {:g} x {:g} mm, patch {} x {} x {} (z, y, x), batch {}\n  features {}\n  strides{}\n  "
      "kernels{}\n",
      name, p.spacing_mm[0], p.spacing_mm[1], p.spacing_mm[2], p.patch_size[0], p.patch_size[1], p.patch_size[2],
      p.batch_size, features, pooling, kernels);
}

ExitStatus run(const TrainPlanArguments& a) {
  apply(a.reporting);
  const TrainingDataset dataset = read_training_dataset(a.dataset, Validation::none);
  std::optional<CropToLabels> crop;
  if (!a.crop_labels.empty()) {
    crop = CropToLabels{a.crop_labels, {a.crop_margin_mm[0], a.crop_margin_mm[1], a.crop_margin_mm[2]}};
  }
  const Json plans = plan_dataset(dataset, a.work, plan_options(a.plan), crop, a.overwrite, a.reporting);
  const std::string file = (a.work / "plans.json").string();
  if (a.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"plans", file}, {"configurations", plans["configurations"]}}));
    return ExitStatus::done;
  }
  fmt::print("{}: {} cases\n", file, dataset.cases.size());
  for (const auto& [name, configuration] : plans["configurations"].items()) print_configuration(plans, file, name);
  return ExitStatus::done;
}

}  // namespace

void add_train_plan(CLI::App& group, ExitStatus& status) {
  const auto a = std::make_shared<TrainPlanArguments>();
  CLI::App* const job = group.add_subcommand("plan", "Check a dataset and plan its network by nnU-Net's rules");
  job->footer(
      "Examples:\n"
      "  twintrack train plan -d Dataset001_Pancreas -o work\n"
      "  twintrack train plan -d Dataset001_Pancreas -o work --crop-to pancreas --crop-to tumor --preset resenc-m\n\n"
      "Writes dataset_fingerprint.json and plans.json, which may be edited before `train run`.");
  job->add_option("-d,--dataset", a->dataset, "nnU-Net raw dataset: dataset.json, imagesTr, labelsTr")
      ->type_name(kFolder)
      ->required();
  job->add_option("-o,--output", a->work, "Folder for the plans and what is made from them")
      ->type_name(kFolder)
      ->required();
  add_plan_options(*job, a->plan, "");
  job->add_option("--crop-to", a->crop_labels,
                  "Train on the surroundings of this label only; repeat for several (default: the whole image)");
  job->add_option("--crop-margin-mm", a->crop_margin_mm, "How far around it: X,Y,Z")
      ->delimiter(',')
      ->expected(3)
      ->check(number_within(0, 1000))
      ->capture_default_str();
  job->add_flag("--overwrite", a->overwrite, "Replace plans that exist");
  add_reporting_options(*job, a->reporting);
  job->callback([a, &status] { status = run(*a); });
}

}  // namespace twintrack::cli

// bundle: create, info, verify.
#include <fmt/ranges.h>

#include <cstdio>

#include "inventory.hpp"
#include "jobs.hpp"
#include "options.hpp"
#include "twintrack/pipeline/bundle.hpp"
#include "twintrack/pipeline/bundle_create.hpp"
#include "twintrack/pipeline/summary.hpp"

namespace twintrack::cli {
namespace {

constexpr double kMm3PerMl = 1000.0;

struct CreateArguments {
  std::filesystem::path output;
  std::string localizer;
  std::vector<std::string> members;
  std::vector<double> localizer_volume_ml{2.0, 1000.0};
  std::vector<double> margin_mm{30.0, 30.0, 30.0};
  std::string calibrator;
  std::string weights = "fp32";
  bool overwrite = false;
  BundleRecipe recipe;
  ReportingOptions reporting;
};

struct ShowArguments {
  std::filesystem::path bundle;
  ReportingOptions reporting;
};

void print_model(const std::string& what, const Bundle& bundle, const BundledModel& description) {
  const Model model = read_bundled_model(bundle, description);
  std::int64_t parameters = 0;
  for (const ParameterSpec& parameter : parameters_of(model.network)) {
    std::int64_t count = 1;
    for (const std::int64_t size : parameter.shape) count *= size;
    parameters += count;
  }
  const auto& patch = model.plans.patch_size;
  const auto& spacing = model.plans.spacing_mm;
  fmt::print(
      "{:<12} {} fold(s), {:.1f} M parameters, patch {}x{}x{}, spacing {:g}x{:g}x{:g} mm (z, y, x), {:.2f} TFLOP a "
      "patch\n",
      what, model.folds.size(), static_cast<double>(parameters) / 1e6, patch[0], patch[1], patch[2], spacing[0],
      spacing[1], spacing[2], operations(model.network, patch) / 1e12);
  fmt::print("{:<12} labels: {}; mirroring axes: {}\n", "", fmt::join(model.labels.names, ", "),
             model.mirroring_axes.empty() ? "none" : fmt::format("{}", fmt::join(model.mirroring_axes, ", ")));
}

void print_bundle(const Bundle& bundle) {
  fmt::print("bundle       {}\nsha256       {}\ntrained on   {}\nintended use {}\n", bundle.name, bundle.hash,
             bundle.trained_on, bundle.intended_use);
  if (bundle.localizer) {
    print_model("localiser", bundle, bundle.localizer->model);
    fmt::print("{:<12} finds {}, plausible from {:g} to {:g} ml\n", "", bundle.localizer->label,
               bundle.localizer->minimal_volume_mm3 / kMm3PerMl, bundle.localizer->maximal_volume_mm3 / kMm3PerMl);
  } else {
    fmt::print("localiser    none: the members search the whole body\n");
  }
  for (std::size_t i = 0; i < bundle.members.size(); ++i)
    print_model(fmt::format("member {}", i + 1), bundle, bundle.members[i]);
  fmt::print("tumour       {}\nROI margin   {:g} mm (x, y, z)\nthreshold    {:g}\n",
             fmt::join(bundle.tumor_labels, " + "), fmt::join(bundle.roi_margin_mm, " x "), bundle.threshold);
  if (bundle.calibrator) {
    fmt::print("calibrator   target {}, {} knots\n", bundle.calibrator->target, bundle.calibrator->x.size());
  } else {
    fmt::print("calibrator   none: probabilities are the networks' own\n");
  }
  fmt::print("{}\n", kResearchUse);
}

void create(CreateArguments& a) {
  apply(a.reporting);
  BundleRecipe& recipe = a.recipe;
  if (recipe.name.empty()) recipe.name = std::filesystem::absolute(a.output).lexically_normal().filename().string();
  if (!a.localizer.empty()) recipe.localizer = parse_model_source(a.localizer);
  for (const std::string& member : a.members) recipe.members.push_back(parse_model_source(member));
  if (a.localizer_volume_ml[0] > a.localizer_volume_ml[1]) {
    throw UsageError("--localizer-volume-ml {:g},{:g}: the smaller number comes first", a.localizer_volume_ml[0],
                     a.localizer_volume_ml[1]);
  }
  recipe.localizer_minimal_volume_mm3 = a.localizer_volume_ml[0] * kMm3PerMl;
  recipe.localizer_maximal_volume_mm3 = a.localizer_volume_ml[1] * kMm3PerMl;
  std::copy_n(a.margin_mm.begin(), 3, recipe.roi_margin_mm.begin());
  if (!a.calibrator.empty()) recipe.calibrator = a.calibrator;
  recipe.weights = a.weights == "bf16" ? DType::bfloat16 : DType::float32;
  const Bundle bundle = create_bundle(recipe, a.output, a.overwrite);
  if (bundle.calibrator && !made_for(*bundle.calibrator, bundle)) {
    print_warning(
        a.reporting,
        fmt::format("{}: fitted to probabilities of other networks than this bundle's; predict will refuse it "
                    "without --force",
                    a.calibrator));
  }
  if (a.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"bundle", a.output.string()}, {"sha256", bundle.hash}}));
  } else {
    fmt::print("{}: {} member(s), {} files, sha256 {}\n", a.output.string(), bundle.members.size(),
               bundle.sha256.size() + 1, bundle.hash);
  }
}

void info(const ShowArguments& a) {
  apply(a.reporting);
  const Bundle bundle = read_bundle(a.bundle);
  if (a.reporting.json) {
    fmt::print("{}\n", to_text(to_json(bundle)));
  } else {
    print_bundle(bundle);
  }
}

void verify(const ShowArguments& a) {
  apply(a.reporting);
  const Bundle bundle = read_bundle(a.bundle);
  std::vector<const BundledModel*> models;
  if (bundle.localizer) models.push_back(&bundle.localizer->model);
  for (const BundledModel& member : bundle.members) models.push_back(&member);
  for (const BundledModel* model : models) {
    const Model checked = read_bundled_model(bundle, *model);
    if (bundle.localizer && model == &bundle.localizer->model) {
      checked.labels.channel(bundle.localizer->label, checked.source);
    } else {
      tumor_channels(checked.labels, bundle.tumor_labels, checked.source);
    }
  }
  if (a.reporting.json) {
    fmt::print("{}\n", to_text(Json{{"bundle", a.bundle.string()}, {"sha256", bundle.hash}, {"verified", true}}));
  } else {
    fmt::print("{}: {} files match their SHA-256, all parameters of {} model(s) have their shapes\n", a.bundle.string(),
               bundle.sha256.size(), models.size());
  }
}

void add_create(CLI::App& group, ExitStatus& status) {
  const auto a = std::make_shared<CreateArguments>();
  CLI::App* const job = group.add_subcommand("create", "Make a bundle from nnU-Net v2 model folders");
  job->footer(
      "Example:\n  twintrack bundle create -o models/pdac --localizer "
      "Dataset103/nnUNetTrainer__nnUNetPlans__3d_fullres:0 \\\n"
      "    --member A --member B --member C --tumor-label tumor --roi-margin-mm 100,50,15 --calibrator "
      "calibrator.json\n\n"
      "Each --member is one network; its folds, when several, are averaged as logits. Folds of one folder become "
      "members of\n"
      "their own with --member FOLDER:0 --member FOLDER:1 --member FOLDER:2.");
  job->add_option("-o,--output", a->output, "Folder of the new bundle")->type_name(kFolder)->required();
  job->add_option("--localizer", a->localizer,
                  "Model that finds the pancreas: FOLDER or FOLDER:FOLDS (default: none, search the whole body)")
      ->type_name(kFolder);
  job->add_option("--localizer-label", a->recipe.localizer_label, "Its label for the pancreas")->capture_default_str();
  job->add_option("--localizer-volume-ml", a->localizer_volume_ml, "Plausible volume: MIN,MAX")
      ->delimiter(',')
      ->expected(2)
      ->check(number_within(0, 1e6))
      ->capture_default_str();
  job->add_option("--member", a->members,
                  "Model that segments the tumour: FOLDER or FOLDER:FOLDS; repeat for an ensemble")
      ->type_name(kFolder)
      ->required();
  job->add_option("--tumor-label", a->recipe.tumor_labels,
                  "Label of the members that is tumour; repeat to merge several")
      ->required();
  job->add_option("--roi-margin-mm", a->margin_mm, "Margin around the pancreas: X,Y,Z")
      ->delimiter(',')
      ->expected(3)
      ->check(number_within(0, 1000))
      ->capture_default_str();
  job->add_option("--calibrator", a->calibrator, "calibrator.json (default: none, probabilities stay uncalibrated)")
      ->type_name(kFile);
  job->add_option("--checkpoint", a->recipe.checkpoint_name, "Name of the checkpoint in each fold")
      ->capture_default_str();
  job->add_option("--localizer-checkpoint", a->recipe.localizer_checkpoint_name,
                  "Its name in the localiser's folds (default: the same)");
  job->add_option("--threshold", a->recipe.threshold, "Probability from which a voxel is tumour")
      ->check(number_within(0, 1))
      ->capture_default_str();
  job->add_option("--weights", a->weights, "Precision of the stored parameters")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  job->add_option("--name", a->recipe.name, "Name (default: the folder's)");
  job->add_option("--trained-on", a->recipe.trained_on, "What the models were trained on");
  job->add_option("--intended-use", a->recipe.intended_use, "What the bundle is for")->default_str("Research use only");
  a->recipe.intended_use = "Research use only";
  job->add_flag("--overwrite", a->overwrite, "Replace a bundle that exists");
  add_reporting_options(*job, a->reporting);
  job->callback([a, &status] {
    create(*a);
    status = ExitStatus::done;
  });
}

template <typename Run>
void add_show(CLI::App& group, ExitStatus& status, const std::string& name, const std::string& description, Run run) {
  const auto a = std::make_shared<ShowArguments>();
  CLI::App* const job = group.add_subcommand(name, description);
  job->footer("Example:\n  twintrack bundle " + name + " models/pdac");
  job->add_option("bundle", a->bundle, "Bundle folder")->type_name(kFolder)->required();
  add_reporting_options(*job, a->reporting);
  job->callback([a, &status, run] {
    run(*a);
    status = ExitStatus::done;
  });
}

}  // namespace

void add_bundle(CLI::App& app, ExitStatus& status) {
  CLI::App* const group =
      app.add_subcommand("bundle", "Make, show and check bundles: everything `predict` needs, in one folder");
  group->require_subcommand(1);
  group->footer("Example:\n  twintrack bundle info models/pdac");
  add_create(*group, status);
  add_show(*group, status, "info", "What a bundle holds", info);
  add_show(*group, status, "verify", "Check every file's SHA-256 and every parameter's shape", verify);
}

}  // namespace twintrack::cli

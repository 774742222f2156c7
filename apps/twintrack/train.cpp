// train: native nnU-Net training.
#include "jobs.hpp"
#include "train_devices.hpp"
#include "train_options.hpp"

namespace twintrack::cli {

void add_train(CLI::App& app, ExitStatus& status) {
  CLI::App* const group = app.add_subcommand("train", "Train networks as nnU-Net does: plan, run, or all of a bundle");
  group->require_subcommand(1);
  group->footer(
      "Examples:\n"
      "  twintrack train plan -d Dataset001_Pancreas -o work\n"
      "  twintrack train run  -d Dataset001_Pancreas -p work -o model --fold 0\n"
      "  twintrack train all  -d Dataset001_Pancreas -o bundle --work work --raters cases.csv");
  add_train_plan(*group, status);
  add_train_run(*group, status);
  add_train_all(*group, status);
  add_train_rank(*group, status);
}

}  // namespace twintrack::cli

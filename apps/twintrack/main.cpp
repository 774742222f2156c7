// The program: one subcommand a job. Every error is caught here, once, and becomes a message and an exit status.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "help.hpp"
#include "jobs.hpp"
#include "reporting.hpp"
#include "suggestions.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/system.hpp"

namespace {

using twintrack::ExitStatus;

// How errors are told; also those of a command line that cannot be parsed.
class ErrorReport {
 public:
  explicit ErrorReport(std::span<char*> arguments)
      : json_(std::ranges::any_of(arguments, [](std::string_view argument) { return argument == "--json"; })) {}

  int operator()(ExitStatus status, const std::string& message) const {
    twintrack::cli::print_error(json_, status, message);
    return static_cast<int>(status);
  }

 private:
  bool json_;
};

int run(int argc, char** argv, const ErrorReport& report) {
  CLI::App app("Calibrated segmentation of pancreatic cancer on contrast-enhanced CT. Research use only.", "twintrack");
  app.set_version_flag("--version", "twintrack " + twintrack::version());
  app.formatter(std::make_shared<twintrack::cli::HelpFormatter>());
  app.require_subcommand(1);
  app.footer(
      "Examples:\n"
      "  twintrack predict -b models/pdac -i ct.nii.gz -o results     the whole pipeline\n"
      "  twintrack segment -m MODEL_FOLDER -i ct.nii.gz -o results    one nnU-Net v2 model\n"
      "  twintrack bundle info models/pdac                            what a bundle holds\n"
      "  twintrack calibrate --manifest cases.csv -o calibrator.json  fit probabilities to several raters\n"
      "  twintrack evaluate --manifest cases.csv -o metrics.json      the challenges' metrics, and more\n"
      "  twintrack compare --fit cases.csv --folds 5 -o table.json    the paper's table on your cohort\n"
      "  twintrack train all -d Dataset001 -o bundle --work work      localiser and members of your own\n"
      "  twintrack report -i ct.nii.gz --results results -o case.html a page to look at, offline\n"
      "  twintrack phantom -o cohort --cases 10                       a synthetic cohort with 5 raters\n"
      "  twintrack grand-challenge --task panorama                    in a container of grand-challenge.org\n"
      "  twintrack doctor -b models/pdac                              what this machine offers, and a self-test\n"
      "  twintrack completion bash                                    also zsh, fish\n"
      "  twintrack man | man -l -                                     the manual page\n\n"
      "twintrack JOB --help shows every option. Research use only; not for diagnosis.");
  ExitStatus status = ExitStatus::done;
  twintrack::cli::add_predict(app, status);
  twintrack::cli::add_segment(app, status);
  twintrack::cli::add_bundle(app, status);
  twintrack::cli::add_calibrate(app, status);
  twintrack::cli::add_evaluate(app, status);
  twintrack::cli::add_compare(app, status);
  twintrack::cli::add_train(app, status);
  twintrack::cli::add_phantom(app, status);
  twintrack::cli::add_report(app, status);
  twintrack::cli::add_grand_challenge(app, status);
  twintrack::cli::add_doctor(app, status);
  twintrack::cli::add_completion(app, status);
  twintrack::cli::add_man(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return report(ExitStatus::wrong_usage, twintrack::cli::usage_message(app, error));
  }
  return static_cast<int>(status);
}

}  // namespace

int main(int argc, char** argv) {
  const ErrorReport report({argv, static_cast<std::size_t>(argc)});
  try {
    twintrack::install_interrupt_handler();
    return run(argc, argv, report);
  } catch (const twintrack::Error& error) {
    return report(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return report(ExitStatus::out_of_resources, "out of memory: a smaller input, or a machine with more, is needed");
  } catch (const std::exception& error) {
    return report(ExitStatus::bad_input, error.what());
  }
}

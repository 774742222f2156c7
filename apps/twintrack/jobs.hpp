// The jobs of the command line. Each adds its subcommand; the callback runs it and sets the exit status.
#pragma once

#include <CLI/CLI.hpp>

#include "twintrack/core/error.hpp"

namespace twintrack::cli {

void add_predict(CLI::App& app, ExitStatus& status);
void add_segment(CLI::App& app, ExitStatus& status);
void add_bundle(CLI::App& app, ExitStatus& status);
void add_calibrate(CLI::App& app, ExitStatus& status);
void add_evaluate(CLI::App& app, ExitStatus& status);
void add_compare(CLI::App& app, ExitStatus& status);
void add_train(CLI::App& app, ExitStatus& status);
void add_phantom(CLI::App& app, ExitStatus& status);
void add_report(CLI::App& app, ExitStatus& status);
void add_completion(CLI::App& app, ExitStatus& status);
void add_doctor(CLI::App& app, ExitStatus& status);
void add_man(CLI::App& app, ExitStatus& status);
void add_grand_challenge(CLI::App& app, ExitStatus& status);

}  // namespace twintrack::cli

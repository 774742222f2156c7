// What --help prints.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace twintrack::cli {

// Options with allowed values, bounds and defaults, wrapped to the terminal's width (at most 120 columns).
class HelpFormatter : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

}  // namespace twintrack::cli

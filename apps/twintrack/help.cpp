#include "help.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "inventory.hpp"
#include "twintrack/core/terminal.hpp"

namespace twintrack::cli {
namespace {

constexpr std::size_t kIndent = 30;  // of descriptions

// `text` wrapped to `columns`, every line but the first indented.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t columns) {
  std::string out;
  std::size_t used = indent;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!out.empty() && used + 1 + display_width(word) > columns) {
      out += "\n" + std::string(indent, ' ');
      used = indent;
    } else if (!out.empty()) {
      out += " ";
      ++used;
    }
    out += word;
    used += display_width(word);
  }
  return out;
}

std::string row(const std::string& left, const std::string& text, std::size_t columns) {
  const bool fits = left.size() + 1 < kIndent;
  const std::string gap = fits ? std::string(kIndent - left.size(), ' ') : "\n" + std::string(kIndent, ' ');
  return left + gap + wrapped(text, kIndent, columns) + "\n";
}

std::string option_row(const OptionFacts& option, std::size_t columns) {
  const bool has_short_name = option.names.empty() || !option.names.front().starts_with("--");
  std::vector<std::string> facts;
  if (option.required) facts.emplace_back("required");
  if (!option.range.empty()) facts.push_back(option.range);
  if (!option.default_value.empty()) facts.push_back("default: " + option.default_value);
  if (!option.environment.empty()) facts.push_back("variable " + option.environment);
  const std::string text = option.description + (facts.empty() ? "" : fmt::format(" [{}]", fmt::join(facts, "; ")));
  return row((has_short_name ? "  " : "      ") + usage_of(option), text, columns);
}

}  // namespace

std::string HelpFormatter::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  const std::size_t columns = std::clamp<std::size_t>(terminal_columns(), 60, 120);
  const JobFacts facts = inventory(*app);
  std::string name = app->get_name();
  for (const CLI::App* outer = app->get_parent(); outer != nullptr; outer = outer->get_parent())
    name = outer->get_name() + " " + name;
  std::string usage = name;
  for (const OptionFacts& option : facts.options) {
    if (option.names.empty()) usage += " " + option.value;
  }
  std::string text = wrapped(facts.description, 0, columns) + "\n\nUsage: " + usage;
  text += facts.jobs.empty() ? " [OPTIONS]\n" : " JOB [OPTIONS]\n";
  text += "\nOptions:\n";
  for (const OptionFacts& option : facts.options) text += option_row(option, columns);
  if (!facts.jobs.empty()) text += "\nJobs:\n";
  for (const JobFacts& job : facts.jobs) text += row("  " + job.name, job.description, columns);
  return text + "\n" + facts.footer + "\n";
}

}  // namespace twintrack::cli

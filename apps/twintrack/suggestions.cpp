#include "suggestions.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "inventory.hpp"

namespace twintrack::cli {
namespace {

// Damerau-Levenshtein distance without edits within a transposition (Boytsov 2011, "optimal string alignment").
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  std::iota(d[0].begin(), d[0].end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({replaced, d[i - 1][j] + 1, d[i][j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

// "; did you mean --threads?"
std::string suggestion(const std::string& word, const std::vector<std::string>& candidates) {
  const std::vector<std::string> meant = meant_by(word, candidates);
  return meant.empty() ? "" : fmt::format("; did you mean {}?", fmt::join(meant, " or "));
}

CLI::App& chosen_job(CLI::App& app) {
  CLI::App* job = &app;
  while (!job->get_subcommands().empty()) job = job->get_subcommands().front();
  return *job;
}

std::string name_of(const CLI::App& job) {
  const std::string outer = job.get_parent() == nullptr ? "" : name_of(*job.get_parent());
  return outer.empty() ? job.get_name() : outer + " " + job.get_name();
}

std::vector<std::string> job_names(CLI::App& group) {
  std::vector<std::string> names;
  for (const CLI::App* job : group.get_subcommands([](CLI::App* sub) { return !sub->get_group().empty(); })) {
    names.push_back(job->get_name());
  }
  return names;
}

std::string unknown_option(CLI::App& job, const std::string& argument) {
  const std::string word = argument.substr(0, argument.find('='));
  std::vector<std::string> names;
  for (const CLI::Option* option : job.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return fmt::format("unknown option {}{}", word, suggestion(word, names));
}

// Of the first argument that no option and no job took; empty when there is none.
std::string unexpected_argument(CLI::App& job) {
  const std::vector<std::string> left = job.remaining();
  if (left.empty()) return "";
  const auto is_option = [](const std::string& text) { return text.size() > 1 && text[0] == '-'; };
  const std::vector<std::string> jobs = job_names(job);
  if (!jobs.empty() && !is_option(left.front()))
    return fmt::format("unknown job {}{}", left.front(), suggestion(left.front(), jobs));
  const auto option = std::ranges::find_if(left, is_option);
  if (option != left.end()) return unknown_option(job, *option);
  return fmt::format("unexpected argument {}: options are given by name", left.front());
}

// Of an option with a fixed set of values; empty when all have one of theirs.
std::string value_outside_set(CLI::App& job) {
  for (const OptionFacts& facts : inventory(job).options) {
    if (facts.choices.empty()) continue;
    const std::string& name = facts.names.empty() ? facts.argument : facts.names.back();
    for (const std::string& value : job.get_option(name)->results()) {
      if (std::ranges::count(facts.choices, value) > 0) continue;
      return fmt::format("{} {}: one of {} is right{}", name, value, fmt::join(facts.choices, ", "),
                         suggestion(value, facts.choices));
    }
  }
  return "";
}

// With the job's first example, which shows them in use.
std::string missing_options(const CLI::App& job, const std::string& help) {
  std::vector<std::string> missing;
  for (const CLI::Option* option : job.get_options()) {
    if (option->get_required() && option->count() == 0) missing.push_back(option->get_name(option->get_positional()));
  }
  const std::string message =
      fmt::format("{} {} required{}", fmt::join(missing, ", "), missing.size() == 1 ? "is" : "are", help);
  const std::vector<FooterPart> parts = footer_parts(job.get_footer());
  const auto example = std::ranges::find_if(parts, [](const FooterPart& part) { return part.is_example; });
  if (example == parts.end()) return message;
  std::string line;
  for (const std::string& part : example->lines) {
    const bool goes_on = part.ends_with('\\');
    const std::string words = part.substr(part.find_first_not_of(' '));
    line += goes_on ? words.substr(0, words.size() - 1) : words;
    if (!goes_on) break;
  }
  return fmt::format("{}; for example:\n  {}", message, line);
}

}  // namespace

std::vector<std::string> meant_by(const std::string& word, const std::vector<std::string>& candidates) {
  const auto bare = [](const std::string& name) {
    return name.substr(std::min(name.find_first_not_of('-'), name.size()));
  };
  const std::string typed = bare(word);
  constexpr std::size_t longest = 64;  // words of people
  if (typed.size() > longest) return {};
  std::size_t closest = std::max<std::size_t>(1, typed.size() / 3);
  std::vector<std::string> meant, begun;
  for (const std::string& candidate : candidates) {
    if (typed.size() > 1 && bare(candidate).starts_with(typed)) begun.push_back(candidate);
    const std::size_t distance = edit_distance(typed, bare(candidate));
    if (distance > closest) continue;
    if (distance < closest) meant.clear();
    closest = distance;
    meant.push_back(candidate);
  }
  if (meant.empty()) meant = begun;
  meant.resize(std::min<std::size_t>(meant.size(), 3));
  return meant;
}

std::string usage_message(CLI::App& app, const CLI::ParseError& error) {
  CLI::App& job = chosen_job(app);
  std::string message = unexpected_argument(job);
  for (CLI::App* outer = job.get_parent(); outer != nullptr && message.empty(); outer = outer->get_parent()) {
    message = unexpected_argument(*outer);
    if (!message.empty()) message += "; options come after the job";
  }
  if (message.empty()) message = value_outside_set(job);
  const std::vector<std::string> jobs = job_names(job);
  if (message.empty() && !jobs.empty()) message = fmt::format("a job is needed: {}", fmt::join(jobs, ", "));
  const std::string help = fmt::format(" ({} --help)", name_of(job));
  if (message.empty() && error.get_name() == "RequiredError") return missing_options(job, help);
  return (message.empty() ? error.what() : message) + help;
}

}  // namespace twintrack::cli

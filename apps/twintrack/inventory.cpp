#include "inventory.hpp"

#include <fmt/ranges.h>

#include <regex>
#include <sstream>

namespace twintrack::cli {
namespace {

bool is_for_people(const std::string& group) { return !group.empty(); }

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

// CLI11 writes the type as NAME:CHECK:CHECK, where {a,b} is a set of values and "INT in [1 - 9]" or "0 to 1" bounds.
void read_type(const std::string& type, OptionFacts& facts) {
  facts.value = type.substr(0, type.find(':'));
  std::smatch match;
  if (std::regex_search(type, match, std::regex(R"(:\{(.*)\})"))) {
    facts.choices = split(match[1], ',');
    facts.value = fmt::format("{}", fmt::join(facts.choices, "|"));
  } else if (std::regex_search(type, match, std::regex(R"( in \[(\S+) - (\S+)\])"))) {
    facts.range = match[1].str() + " to " + match[2].str();
  } else if (std::regex_search(type, match, std::regex(R"(:(\S+ to \S+))"))) {
    facts.range = match[1];
  } else if (type.ends_with(":NONNEGATIVE")) {
    facts.range = "from 0";
  }
  if (facts.value == "INT" || facts.value == "UINT" || facts.value == "FLOAT") facts.value = "N";
}

OptionFacts facts_of(const CLI::Option& option) {
  OptionFacts facts;
  for (const std::string& name : option.get_snames()) facts.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) facts.names.push_back("--" + name);
  if (option.get_positional()) facts.argument = option.get_name(true);
  facts.description = option.get_description();
  facts.environment = option.get_envname();
  facts.required = option.get_required();
  if (option.get_items_expected_max() == 0) return facts;
  read_type(option.get_type_name(), facts);
  facts.default_value = option.get_default_str();
  if (facts.default_value.starts_with('[')) {
    facts.default_value = facts.default_value.substr(1, facts.default_value.size() - 2);
  }
  const bool has_parts = option.get_delimiter() != '\0';
  facts.takes_several = !has_parts && option.get_items_expected_max() > 1;
  if (has_parts) {
    const bool fixed = option.get_items_expected_min() == option.get_items_expected_max();
    const std::string part = facts.value;
    for (int i = 1; fixed && i < option.get_items_expected_max(); ++i) facts.value += option.get_delimiter() + part;
    if (!fixed) facts.value += std::string(1, option.get_delimiter()) + "...";
  } else if (facts.takes_several) {
    facts.value += " ...";
  }
  return facts;
}

JobFacts facts_of(const CLI::App& app, const std::string& name) {
  JobFacts facts{name, app.get_description(), app.get_footer(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (is_for_people(option->get_group())) facts.options.push_back(facts_of(*option));
  }
  for (const CLI::App* job : app.get_subcommands([](const CLI::App* sub) { return is_for_people(sub->get_group()); })) {
    facts.jobs.push_back(facts_of(*job, name.empty() ? job->get_name() : name + " " + job->get_name()));
  }
  return facts;
}

void append(const JobFacts& job, std::vector<const JobFacts*>& list) {
  list.push_back(&job);
  for (const JobFacts& inner : job.jobs) append(inner, list);
}

}  // namespace

JobFacts inventory(const CLI::App& app) { return facts_of(app, ""); }

std::vector<const JobFacts*> all_jobs(const JobFacts& program) {
  std::vector<const JobFacts*> list;
  append(program, list);
  return list;
}

std::string usage_of(const OptionFacts& option) {
  std::string usage = fmt::format("{}", fmt::join(option.names, ", "));
  if (!option.value.empty()) usage += (usage.empty() ? "" : " ") + option.value;
  return usage;
}

std::vector<FooterPart> footer_parts(const std::string& footer) {
  std::vector<FooterPart> parts;
  bool new_part = true;
  for (const std::string& line : split(footer, '\n')) {
    if (line.empty()) {
      new_part = true;
      continue;
    }
    const bool is_example = line.starts_with("  ");
    if (new_part || parts.back().is_example != is_example) parts.push_back({is_example, {}});
    parts.back().lines.push_back(is_example ? line.substr(2) : line);
    new_part = false;
  }
  return parts;
}

}  // namespace twintrack::cli

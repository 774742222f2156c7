// The jobs and options that the program's own --help lists.
#pragma once

#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "support/process.hpp"

namespace twintrack::test {

struct HelpedJob {
  Arguments words;  // {"bundle", "create"}; none: the program itself
  std::string help;

  std::string name() const {
    std::string joined = "twintrack";
    for (const std::string& word : words) joined += " " + word;
    return joined;
  }
};

// Those of the lines after `heading` up to the next empty one whose name stands at the margin of two blanks.
inline std::vector<std::string> rows_after(const std::string& heading, const std::string& help) {
  std::vector<std::string> rows;
  std::istringstream lines(help);
  bool within = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == heading) {
      within = true;
    } else if (line.empty()) {
      within = false;
    } else if (within) {
      const bool begins = line.size() > 6 && line.find_first_not_of(' ') <= 6;
      if (begins) {
        rows.push_back(line);
      } else if (!rows.empty()) {
        rows.back() += " " + line.substr(std::min(line.find_first_not_of(' '), line.size()));
      }
    }
  }
  return rows;
}

inline void add_helped_jobs(const Arguments& words, std::vector<HelpedJob>& jobs) {
  Arguments arguments = words;
  arguments.emplace_back("--help");
  const Outcome outcome = run_twintrack(arguments);
  jobs.push_back({words, outcome.out});
  for (const std::string& row : rows_after("Jobs:", outcome.out)) {
    Arguments inner = words;
    std::istringstream(row) >> inner.emplace_back();
    add_helped_jobs(inner, jobs);
  }
}

inline std::vector<HelpedJob> helped_jobs() {
  std::vector<HelpedJob> jobs;
  add_helped_jobs({}, jobs);
  return jobs;
}

inline std::vector<std::string> long_options(const HelpedJob& job) {
  std::vector<std::string> names;
  const std::regex name("^ {2,6}(?:-., )?(--[a-z0-9-]+)");
  for (const std::string& row : rows_after("Options:", job.help)) {
    std::smatch match;
    if (std::regex_search(row, match, name)) names.push_back(match[1]);
  }
  return names;
}

}  // namespace twintrack::test

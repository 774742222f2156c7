// The command line as data: what the jobs told CLI11 of themselves. Help, completion, man page and suggestions are made
// of it, so that none of them can go stale.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace twintrack::cli {

// What options that name files say of their value (CLI::Option::type_name).
inline constexpr const char* kFile = "FILE";
inline constexpr const char* kFolder = "FOLDER";
inline constexpr const char* kFileOrFolder = "FILE|FOLDER";

struct OptionFacts {
  std::vector<std::string> names;  // "-b", "--bundle"; none: an argument that stands alone
  std::string argument;            // what such an argument is called
  std::string value;               // "FOLDER", "N,N,N", "fp32|bf16"; empty: a flag
  std::string description;
  std::string default_value;         // empty: none, or the description tells it
  std::string range;                 // "1 to 1024"; empty: no bounds
  std::string environment;           // variable that gives the value where the option does not; empty: none
  std::vector<std::string> choices;  // the only values there are; empty: any
  bool required = false;
  bool takes_several = false;  // several values one after another
  bool is_flag() const { return value.empty(); }
};

struct JobFacts {
  std::string name;  // "bundle create"; empty: the program itself
  std::string description;
  std::string footer;
  std::vector<OptionFacts> options;
  std::vector<JobFacts> jobs;
};

// Jobs and options that are not for people (of the group "") are left out.
JobFacts inventory(const CLI::App& app);

// The program, its jobs and their jobs, one after the other.
std::vector<const JobFacts*> all_jobs(const JobFacts& program);

// An option as help and man page name it: "-b, --bundle FOLDER".
std::string usage_of(const OptionFacts& option);

// A job's footer cut into pieces: lines of examples (indented by two blanks), and text between them.
struct FooterPart {
  bool is_example = false;
  std::vector<std::string> lines;
};
std::vector<FooterPart> footer_parts(const std::string& footer);

}  // namespace twintrack::cli

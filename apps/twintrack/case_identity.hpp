// What results may say of whom they are.
#pragma once

#include <CLI/CLI.hpp>

#include <cstddef>
#include <string>
#include <vector>

#include "twintrack/core/json.hpp"
#include "twintrack/pipeline/cases.hpp"

namespace twintrack::cli {

struct IdentityArguments {
  bool deidentify = false;
  std::string case_name;
};
void add_identity_options(CLI::App& job, IdentityArguments& arguments);

// The cases under the names that their results get: --case-name; with --deidentify "case-" and the first 8 digits of
// the input's SHA-256, since file and folder names often hold a patient's; else as they are. Throws UsageError for a
// name that is no file name or would stand for several cases, and InputError when two inputs are the same to the byte.
std::vector<Case> named(std::vector<Case> cases, const IdentityArguments& arguments);

// Takes the input's path out of CASE.json, and the first `reading_warnings` warnings, which name files. The input's
// SHA-256 stays: without the input it tells nothing.
void deidentify(Json& summary, std::size_t reading_warnings);

// Nothing in CASE.json tells where the input lies.
bool is_deidentified(const Json& summary);

}  // namespace twintrack::cli

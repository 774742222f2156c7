// Completion scripts for shells, made from the inventory.
#pragma once

#include <string>

#include "inventory.hpp"

namespace twintrack::cli {

// They complete jobs, options, values where these form a set, files, and folders where a folder is meant.
std::string bash_completion(const JobFacts& program);
std::string zsh_completion(const JobFacts& program);
std::string fish_completion(const JobFacts& program);

}  // namespace twintrack::cli

// What somebody may have meant who mistyped something.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace twintrack::cli {

// Those of `candidates` that `word` may stand for: a slip of the fingers away (edit distance with transpositions, at
// most a third of the word), or begun with it. The closest only; at most three.
std::vector<std::string> meant_by(const std::string& word, const std::vector<std::string>& candidates);

// What is wrong with the command line that `app` refused with `error`, and what would be right.
std::string usage_message(CLI::App& app, const CLI::ParseError& error);

}  // namespace twintrack::cli

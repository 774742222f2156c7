// What `doctor` looks at.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "twintrack/core/json.hpp"
#include "twintrack/network/engine.hpp"

namespace twintrack::cli {

enum class Verdict { ok, warning, failed };

struct Finding {
  std::string check;
  Verdict verdict = Verdict::ok;
  std::string text;
  std::string advice;  // what to do, unless all is well
  Json values;         // figures for machines; null: none
};

// Processor, threads, memory, disk, libraries, GPU, and what the precision `auto` takes.
std::vector<Finding> machine_findings();

// Networks on every engine there is against known logits, their speed, the memory's, volumes written and read,
// resampling and isotonic fit against closed forms.
std::vector<Finding> self_test_findings();

// The bundle's files and parameters, and how long a tile of each of its networks takes.
std::vector<Finding> bundle_findings(const std::filesystem::path& bundle);

}  // namespace twintrack::cli

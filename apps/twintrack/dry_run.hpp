// --dry-run: what a run would do, told from headers; no voxel is read and nothing is written.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "cost_estimate.hpp"
#include "options.hpp"
#include "twintrack/pipeline/bundle.hpp"

namespace twintrack::cli {

struct DryRun {
  std::vector<Case> cases;
  std::function<bool(const Case&)> is_complete;
  std::function<std::vector<std::filesystem::path>(const Case&)> outputs;
  std::function<CaseCost(const Geometry&)> cost;
};

// The networks loaded, each run once or twice to time it.
RunCost run_cost(const Bundle& bundle, const InferenceOptions& options);
RunCost run_cost(const Model& model, const InferenceOptions& options);

// Prints the plan, and warns of what memory there is not enough for. A header that cannot be read is told as the run
// would: some_cases_failed, or the InputError of a single case.
ExitStatus print_plan(const DryRun& plan, const InferenceArguments& arguments);

}  // namespace twintrack::cli

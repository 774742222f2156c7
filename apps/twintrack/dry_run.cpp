#include "dry_run.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "twintrack/core/machine.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/volume/read_geometry.hpp"

namespace twintrack::cli {
namespace {

constexpr double kGib = 1024.0 * 1024.0 * 1024.0;

struct PlannedCase {
  Case item;
  bool kept = false;
  std::optional<Geometry> geometry;
  CaseCost cost;
  std::string error;
};

struct Totals {
  std::size_t open = 0;
  double seconds = 0;
  std::int64_t peak_bytes = 0;
};

NetworkCost network_cost(const Model& model, const InferenceOptions& options) {
  throw_if_interrupted();
  return {model.plans, model.labels.channels(), measure_tile_time(model, options)};
}

std::vector<PlannedCase> plan_cases(const DryRun& plan, const InferenceArguments& a) {
  std::vector<PlannedCase> planned;
  for (const Case& item : plan.cases) {
    PlannedCase& next = planned.emplace_back(PlannedCase{item, plan.is_complete(item), {}, {}, ""});
    if (next.kept) continue;
    try {
      next.geometry = read_geometry(item.path, a.series());
      next.cost = plan.cost(*next.geometry);
    } catch (const InputError& error) {
      if (plan.cases.size() == 1) throw;
      next.error = error.what();
    }
  }
  return planned;
}

// While a case is computed the next one is read.
Totals totals_of(const std::vector<PlannedCase>& planned) {
  Totals totals;
  std::int64_t peak_before = 0;
  for (const PlannedCase& next : planned) {
    if (!next.geometry) continue;
    ++totals.open;
    totals.seconds += next.cost.seconds;
    const bool is_first = peak_before == 0;
    totals.peak_bytes =
        std::max({totals.peak_bytes, next.cost.peak_bytes, is_first ? 0 : peak_before + next.cost.reading_bytes});
    peak_before = next.cost.peak_bytes;
  }
  return totals;
}

std::string duration(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", std::max(1.0, seconds));
  return seconds < 5400 ? fmt::format("{:.0f} min", seconds / 60) : fmt::format("{:.1f} h", seconds / 3600);
}

std::string gib(std::int64_t bytes) { return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / kGib); }

std::int64_t usable_memory_bytes() {
  const std::int64_t available = available_memory_bytes().value_or(installed_memory_bytes());
  return std::min(available, control_group_limits().memory_bytes.value_or(available));
}

Json to_json(const PlannedCase& planned, const std::vector<std::filesystem::path>& outputs) {
  Json document{{"case", planned.item.name}, {"path", planned.item.path.string()}};
  document["action"] = planned.kept ? "keep" : planned.geometry ? "compute" : "fail";
  for (const auto& file : outputs) document["outputs"].push_back(file.string());
  if (!planned.error.empty()) document["error"] = planned.error;
  if (!planned.geometry) return document;
  document["size"] = planned.geometry->size;
  document["spacing_mm"] = planned.geometry->spacing_mm;
  document["tiles"] = planned.cost.tiles;
  document["seconds"] = planned.cost.seconds;
  document["peak_bytes"] = planned.cost.peak_bytes;
  return document;
}

void print_json(const std::vector<PlannedCase>& planned, const Totals& totals, const DryRun& plan) {
  Json cases = Json::array();
  for (const PlannedCase& next : planned) cases.push_back(to_json(next, plan.outputs(next.item)));
  fmt::print("{}\n", to_text(Json{{"dry_run", true},
                                  {"cases", cases},
                                  {"seconds", totals.seconds},
                                  {"peak_bytes", totals.peak_bytes},
                                  {"usable_memory_bytes", usable_memory_bytes()},
                                  {"threads", thread_count()}}));
}

void print_case(const PlannedCase& planned, const std::vector<std::filesystem::path>& outputs) {
  if (planned.kept) {
    fmt::print("{}: has results already, kept (--overwrite computes it again)\n", planned.item.name);
    return;
  }
  if (!planned.geometry) {
    fmt::print("{}: would fail: {}\n", planned.item.name, planned.error);
    return;
  }
  fmt::print("{}: {} voxels of {:.3g} mm, {} tiles, about {} and {}\n", planned.item.name,
             fmt::join(planned.geometry->size, " x "), fmt::join(planned.geometry->spacing_mm, " x "),
             planned.cost.tiles, duration(planned.cost.seconds), gib(planned.cost.peak_bytes));
  for (const auto& file : outputs) fmt::print("  -> {}\n", file.string());
}

}  // namespace

RunCost run_cost(const Bundle& bundle, const InferenceOptions& options) {
  RunCost cost;
  cost.roi_margin_mm = bundle.roi_margin_mm;
  cost.step_size = options.step_size;
  if (bundle.localizer) cost.localizer = network_cost(read_bundled_model(bundle, bundle.localizer->model), options);
  for (const BundledModel& member : bundle.members)
    cost.members.push_back(network_cost(read_bundled_model(bundle, member), options));
  cost.resident_bytes = peak_resident_bytes();
  return cost;
}

RunCost run_cost(const Model& model, const InferenceOptions& options) {
  RunCost cost;
  cost.step_size = options.step_size;
  cost.members.push_back(network_cost(model, options));
  cost.resident_bytes = peak_resident_bytes();
  return cost;
}

ExitStatus print_plan(const DryRun& plan, const InferenceArguments& a) {
  const std::vector<PlannedCase> planned = plan_cases(plan, a);
  const Totals totals = totals_of(planned);
  const auto failing = std::ranges::count_if(planned, [](const PlannedCase& p) { return !p.error.empty(); });
  if (a.reporting.json) {
    print_json(planned, totals, plan);
  } else {
    for (const PlannedCase& next : planned) print_case(next, plan.outputs(next.item));
    fmt::print("{} of {} cases to compute: about {} with {} thread(s), {} of memory at most ({} usable)\n", totals.open,
               planned.size(), duration(totals.seconds), thread_count(), gib(totals.peak_bytes),
               gib(usable_memory_bytes()));
  }
  if (totals.peak_bytes > usable_memory_bytes()) {
    print_warning(a.reporting, fmt::format("the run may need {} of memory, and {} are usable", gib(totals.peak_bytes),
                                           gib(usable_memory_bytes())));
  }
  print_note(a.reporting,
             fmt::format("Nothing was computed and nothing written. The time is that of runs of each network here, and "
                         "supposes a pancreas within {} mm.",
                         fmt::join(kUsualPancreasMm, " x ")));
  return failing > 0 ? ExitStatus::some_cases_failed : ExitStatus::done;
}

}  // namespace twintrack::cli

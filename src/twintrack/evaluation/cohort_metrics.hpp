// metrics.json: the figures of a cohort's cases, their bootstrap summary, and paired comparisons with another file.
#pragma once

#include "twintrack/core/json.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace twintrack {

inline constexpr const char* kMetricsFormat = "twintrack-metrics/1";

// The numbers of a case's metrics by name, in their order: members of inner objects are joined by dots ("brier.score");
// null is NaN; lists are left out.
std::vector<std::pair<std::string, double>> scalar_metrics(const Json& case_metrics);

// {METRIC: {"mean", "ci_low", "ci_high", "n"}} over all cases of {CASE: metrics}.
Json summarise(const Json& cases, int replicates, std::uint64_t seed);

// {METRIC: {"difference", "ci_low", "ci_high", "n", "p"}}: first - second for the cases and metrics that both have.
Json compare_metrics(const Json& first, const Json& second, int replicates, std::uint64_t seed);

// "cases" of a metrics.json. Throws InputError for another format or task, or without cases.
Json read_metrics(const std::filesystem::path& file, const std::string& task);

// RFC 4180: a row a case, a column a scalar metric; what has no value is empty.
std::string to_csv(const Json& cases);

}  // namespace twintrack

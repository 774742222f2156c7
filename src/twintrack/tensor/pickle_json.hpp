// Plain values in pickles as JSON.
#pragma once

#include <cstddef>
#include <string>

#include "twintrack/core/json.hpp"
#include "twintrack/tensor/pickle.hpp"

namespace twintrack::pickle {

inline constexpr int deepest_json = 100;

// What all conversions from one document may add up to, since a small pickle can share one value any number of times.
struct JsonLimits {
  std::size_t values = 0;
  std::size_t text_bytes = 0;
};
JsonLimits json_limits_for(std::uint64_t file_bytes);

// `value` with tuples and sets as lists, numpy scalars as numbers, a torch.device as its name ("cuda:0"), and null for
// what JSON cannot hold: NaN, infinities, integers beyond 64 bits, objects, text that is not UTF-8. Of a dictionary,
// members stay whose keys are strings (the last of each name, as in Python) or integers (as decimals). Throws
// InputError naming `file` and `field` when it is nested more than deepest_json deep or exceeds `limits`, from which it
// takes.
Json to_json(const Document& document, Id value, JsonLimits& limits, const std::string& file, const std::string& field);

}  // namespace twintrack::pickle

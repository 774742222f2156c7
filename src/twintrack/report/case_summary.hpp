// CASE.json of `predict`, as a report shows it.
#pragma once

#include "twintrack/core/json.hpp"

#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>

namespace twintrack {

struct CaseSummary {
  Json document;     // null: there is none
  std::string file;  // for messages

  bool exists() const { return !document.is_null(); }
  // The member at the end of the path, where it is there and not null. Throws InputError when the way to it leads
  // through something else than objects.
  std::optional<JsonView> find(std::initializer_list<const char*> path) const;
};

// The summary without the input's path: where strings name it, a file's name is left, and nothing of a folder's.
// Throws InputError for a file of another program.
CaseSummary read_case_summary(const std::filesystem::path& file);

}  // namespace twintrack

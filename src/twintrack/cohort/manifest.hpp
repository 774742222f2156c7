// A manifest: the cases of a cohort, as a CSV file with a header.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twintrack {

// One row. Paths are as the manifest gives them, relative ones joined to its folder.
struct CohortCase {
  std::string name;
  std::optional<std::filesystem::path> image;
  std::vector<std::filesystem::path> probability;  // one; CURVAS 2024: pancreas, kidneys, liver
  std::optional<std::filesystem::path> segmentation;
  std::vector<std::filesystem::path> raters;
  std::optional<std::filesystem::path> vessels;
  std::optional<std::filesystem::path> roi;
};

enum class Column { name, image, probability, segmentation, raters, vessels, roi };

struct Manifest {
  std::filesystem::path file;
  std::vector<CohortCase> cases;
};

// Reads RFC 4180 CSV (quoted fields, comma, LF or CRLF, UTF-8 with or without mark). Columns in any order; unknown ones
// are ignored. `raters` and `probability` list paths separated by ';', or one glob ('*', '?') whose matches are taken
// in name order. Throws InputError naming file, line and column for: no header, a `needed` column that is missing or
// empty in a row, a case named twice or by a name that is no file name, a glob without match, no rows, more than 100
// 000 rows.
Manifest read_manifest(const std::filesystem::path& file, std::span<const Column> needed);

// Throws InputError when the case's `probability` names more than one map.
void require_one_map(const CohortCase& item, const Manifest& manifest);

// The same from text; globs are looked up on disk.
Manifest parse_manifest(std::string_view text, const std::filesystem::path& file, std::span<const Column> needed);

}  // namespace twintrack

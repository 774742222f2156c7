#include "twintrack/cohort/manifest.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"

#include <fmt/ranges.h>
#include <glob.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace twintrack {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLargestFile = std::size_t{64} << 20;
constexpr std::size_t kMostRows = 100'000;
constexpr std::size_t kMostFields = 1000;
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::array<std::pair<Column, std::string_view>, 7> kColumns{{{Column::name, "case"},
                                                                       {Column::image, "image"},
                                                                       {Column::probability, "probability"},
                                                                       {Column::segmentation, "segmentation"},
                                                                       {Column::raters, "raters"},
                                                                       {Column::vessels, "vessels"},
                                                                       {Column::roi, "roi"}}};

struct Row {
  std::size_t line = 0;
  std::vector<std::string> fields;
};

// RFC 4180, one record a call.
class CsvReader {
 public:
  CsvReader(std::string_view text, const fs::path& file) : text_(text), file_(file) {
    if (text_.starts_with(kUtf8Mark)) text_.remove_prefix(kUtf8Mark.size());
  }

  // The next row that is not empty, or false.
  bool next(Row& row) {
    while (place_ < text_.size()) {
      row = {line_, {}};
      do {
        if (row.fields.size() == kMostFields) {
          throw InputError("{}: line {}: more than {} fields", file_.string(), row.line, kMostFields);
        }
        row.fields.push_back(field(row.line));
      } while (take(','));
      take('\r');
      if (place_ < text_.size() && !take('\n')) {
        throw InputError("{}: line {}: text after a closing quote", file_.string(), line_);
      }
      ++line_;
      if (row.fields.size() > 1 || !row.fields.front().empty()) return true;
    }
    return false;
  }

 private:
  bool take(char c) {
    if (place_ == text_.size() || text_[place_] != c) return false;
    ++place_;
    return true;
  }

  std::string field(std::size_t line) {
    if (take('"')) return quoted(line);
    const std::size_t end = std::min(text_.find_first_of(",\r\n", place_), text_.size());
    const std::string_view plain = text_.substr(place_, end - place_);
    place_ = end;
    const std::size_t first = plain.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return std::string(plain.substr(first, plain.find_last_not_of(" \t") + 1 - first));
  }

  std::string quoted(std::size_t line) {
    std::string value;
    while (place_ < text_.size()) {
      const char c = text_[place_++];
      if (c == '"' && !take('"')) return value;
      line_ += c == '\n' ? 1 : 0;
      value += c;
    }
    throw InputError("{}: line {}: a quote is not closed", file_.string(), line);
  }

  std::string_view text_;
  fs::path file_;
  std::size_t place_ = 0;
  std::size_t line_ = 1;
};

std::string_view name_of(Column column) {
  return std::ranges::find(kColumns, column, &std::pair<Column, std::string_view>::first)->second;
}

// Where each known column stands in a row.
class Header {
 public:
  Header(const Row& row, const fs::path& file, std::span<const Column> needed) : fields_(row.fields.size()) {
    for (std::size_t i = 0; i < row.fields.size(); ++i) {
      const auto known = std::ranges::find(kColumns, row.fields[i], &std::pair<Column, std::string_view>::second);
      if (known == kColumns.end()) continue;
      if (find(known->first))
        throw InputError("{}: column '{}' stands twice in the header", file.string(), row.fields[i]);
      places_.emplace_back(known->first, i);
    }
    for (const Column column : needed) {
      if (find(column)) continue;
      throw InputError("{}: no column '{}'; the header has: {}", file.string(), name_of(column),
                       fmt::join(row.fields, ", "));
    }
  }

  std::size_t fields() const { return fields_; }

  // Content of a column, empty when the manifest does not have it.
  std::string of(Column column, const Row& row) const {
    const auto place = find(column);
    return place ? row.fields[*place] : std::string();
  }

 private:
  std::optional<std::size_t> find(Column column) const {
    const auto place = std::ranges::find(places_, column, &std::pair<Column, std::size_t>::first);
    return place == places_.end() ? std::nullopt : std::optional(place->second);
  }

  std::size_t fields_;
  std::vector<std::pair<Column, std::size_t>> places_;
};

// For glob(3): without a meaning of their own for these characters.
std::string escaped(const std::string& text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

class Paths {
 public:
  Paths(const fs::path& file, std::size_t line) : file_(file), line_(line) {}

  std::optional<fs::path> one(const std::string& field) const {
    if (field.empty()) return std::nullopt;
    return file_.parent_path() / field;
  }

  // Paths separated by ';', or the matches of one glob in name order.
  std::vector<fs::path> several(Column column, const std::string& field) const {
    std::vector<fs::path> paths;
    std::string last;
    for (std::size_t begin = 0; begin < field.size();) {
      const std::size_t end = std::min(field.find(';', begin), field.size());
      if (end > begin) paths.push_back(file_.parent_path() / (last = field.substr(begin, end - begin)));
      begin = end + 1;
    }
    if (paths.empty() && !field.empty())
      throw InputError("{}: line {}: column '{}' names no file", file_.string(), line_, name_of(column));
    if (paths.size() == 1 && last.find_first_of("*?") != std::string::npos && !fs::exists(paths[0])) {
      return matches(column, last);
    }
    return paths;
  }

 private:
  std::vector<fs::path> matches(Column column, const std::string& field) const {
    glob_t found{};
    const fs::path pattern = fs::path(escaped(file_.parent_path(), "*?[\\")) / escaped(field, "[\\");
    const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
    std::vector<fs::path> paths(found.gl_pathv, found.gl_pathv + (status == 0 ? found.gl_pathc : 0));
    ::globfree(&found);
    if (paths.empty()) {
      throw InputError("{}: line {}: column '{}': no file matches {}", file_.string(), line_, name_of(column),
                       (file_.parent_path() / field).string());
    }
    return paths;
  }

  const fs::path& file_;
  std::size_t line_;
};

bool is_utf8(const std::string& text) {
  try {
    return !Json(text).dump().empty();
  } catch (const Json::type_error&) {
    return false;
  }
}

void check_name(const std::string& name, const fs::path& file, std::size_t line) {
  if (!is_utf8(name)) throw InputError("{}: line {}: the case's name is not UTF-8", file.string(), line);
  const bool control = std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (name != "." && name != ".." && name.find('/') == std::string::npos && !control) return;
  throw InputError("{}: line {}: case '{}' is no name for files", file.string(), line, control ? "?" : name);
}

CohortCase to_case(const Row& row, const Header& header, const fs::path& file, std::span<const Column> needed) {
  if (row.fields.size() != header.fields()) {
    throw InputError("{}: line {}: {} fields, the header has {}", file.string(), row.line, row.fields.size(),
                     header.fields());
  }
  for (const Column column : needed) {
    if (header.of(column, row).empty()) {
      throw InputError("{}: line {}: column '{}' is empty", file.string(), row.line, name_of(column));
    }
  }
  const Paths paths(file, row.line);
  CohortCase item;
  item.name = header.of(Column::name, row);
  check_name(item.name, file, row.line);
  item.image = paths.one(header.of(Column::image, row));
  item.probability = paths.several(Column::probability, header.of(Column::probability, row));
  item.segmentation = paths.one(header.of(Column::segmentation, row));
  item.raters = paths.several(Column::raters, header.of(Column::raters, row));
  item.vessels = paths.one(header.of(Column::vessels, row));
  item.roi = paths.one(header.of(Column::roi, row));
  return item;
}

}  // namespace

Manifest parse_manifest(std::string_view text, const fs::path& file, std::span<const Column> needed) {
  CsvReader reader(text, file);
  Row row;
  if (!reader.next(row))
    throw InputError("{}: the manifest is empty; a header such as case,probability,raters comes first", file.string());
  std::vector<Column> always{Column::name};
  always.insert(always.end(), needed.begin(), needed.end());
  const Header header(row, file, always);
  Manifest manifest{file, {}};
  std::set<std::string> names;
  while (reader.next(row)) {
    if (manifest.cases.size() == kMostRows) throw InputError("{}: more than {} cases", file.string(), kMostRows);
    manifest.cases.push_back(to_case(row, header, file, always));
    if (!names.insert(manifest.cases.back().name).second) {
      throw InputError("{}: line {}: case '{}' stands there twice", file.string(), row.line,
                       manifest.cases.back().name);
    }
  }
  if (manifest.cases.empty()) throw InputError("{}: no cases below the header", file.string());
  return manifest;
}

void require_one_map(const CohortCase& item, const Manifest& manifest) {
  if (item.probability.size() == 1) return;
  throw InputError("{}: case {}: column 'probability' names {} maps, one is right here", manifest.file.string(),
                   item.name, item.probability.size());
}

Manifest read_manifest(const fs::path& file, std::span<const Column> needed) {
  return parse_manifest(read_file(file, kLargestFile), file, needed);
}

}  // namespace twintrack

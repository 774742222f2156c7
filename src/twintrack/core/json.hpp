// Reading JSON that may be hostile: every access names the file and the field when it fails.
#pragma once

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace twintrack {

using Json = nlohmann::ordered_json;

// JSON has no NaN and no infinity: null stands for them.
inline Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

// `json` as text, for files and stdout. Paths need not be UTF-8: what is not is replaced.
std::string to_text(const Json& json, int indent = -1);

// A node of a parsed document with the way to it, for messages such as
// "plans.json: configurations.3d_fullres.spacing[1]: expected a number, found a string". Does not own the document.
class JsonView {
 public:
  JsonView(const Json& node, std::string file, std::string field = "")
      : node_(&node), file_(std::move(file)), field_(std::move(field)) {}

  const Json& raw() const noexcept { return *node_; }
  const std::string& file() const noexcept { return file_; }
  const std::string& field() const noexcept { return field_; }

  bool is_null() const noexcept { return node_->is_null(); }
  bool is_array() const noexcept { return node_->is_array(); }
  bool is_object() const noexcept { return node_->is_object(); }
  bool is_number() const noexcept { return node_->is_number(); }
  bool is_string() const noexcept { return node_->is_string(); }

  // Member of an object; throws InputError when this is no object or has no such member.
  JsonView at(const std::string& key) const;
  // Member, or nothing when it is absent (a null member is returned as it is).
  std::optional<JsonView> find(const std::string& key) const;
  // Members of an object in file order.
  std::vector<std::pair<std::string, JsonView>> members() const;
  // Elements of an array.
  std::vector<JsonView> elements() const;

  std::string as_string() const;
  bool as_bool() const;
  // A finite number within [low, high].
  double as_number(double low = -std::numeric_limits<double>::max(),
                   double high = std::numeric_limits<double>::max()) const;
  // A whole number (3.0 counts) within [low, high].
  std::int64_t as_integer(std::int64_t low, std::int64_t high) const;

  // Throws InputError "FILE: FIELD: message".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  const Json* node_;
  std::string file_;
  std::string field_;
};

// Parses a file of at most 64 MiB, nested at most 100 deep, with at most 2 million values and 20 000 members in one
// object (the time and memory that hostile text can cost are bounded so); throws InputError naming the file, line and
// column. Of members of one name the last counts.
Json read_json(const std::filesystem::path& path);
Json parse_json(std::string_view text, const std::string& file);

}  // namespace twintrack

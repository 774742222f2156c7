#include "twintrack/core/json.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"

namespace twintrack {
namespace {

constexpr std::size_t largest_file_bytes = std::size_t{64} << 20;
constexpr std::size_t deepest_nesting = 100;
constexpr std::size_t most_values = 2'000'000;
constexpr std::size_t most_members = 20'000;

[[noreturn]] void fail_at(std::string_view text, std::size_t offset, const std::string& file,
                          const std::string& message) {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  throw InputError("{}: line {}, column {}: {}", file, line, offset - line_start + 1, message);
}

// Looks over the text before it is parsed, since a parsed document can take 20 times its memory, and an object of n
// members n^2 time.
void check_limits(std::string_view text, const std::string& file) {
  std::array<std::size_t, deepest_nesting + 1> members{};
  std::size_t depth = 0;
  std::size_t values = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (depth == deepest_nesting) fail_at(text, i, file, fmt::format("nested more than {} deep", deepest_nesting));
      members[++depth] = 0;
      ++values;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    } else if (c == ':' && ++members[depth] > most_members) {
      fail_at(text, i, file, fmt::format("an object of more than {} members", most_members));
    } else if (c == ',') {
      ++values;
    }
    if (values > most_values) fail_at(text, i, file, fmt::format("more than {} values", most_values));
  }
}

// The parser's message without its own number and position, cut where it quotes a long token.
std::string essence(const std::string& message) {
  const std::size_t position = message.find("column ");
  std::size_t start = message.find(": ", position == std::string::npos ? 0 : position);
  if (start == std::string::npos) start = message.find("] ");
  const std::string rest = start == std::string::npos ? message : message.substr(start + 2);
  return rest.size() <= 200 ? rest : rest.substr(0, 200) + "...";
}

// A value as a message quotes it.
std::string describe(const Json& node) {
  if (node.is_array()) return fmt::format("an array of {}", node.size());
  if (node.is_object()) return "an object";
  const std::string text = node.dump(-1, ' ', true, Json::error_handler_t::replace);
  std::string shown = text.size() <= 60 ? text : text.substr(0, 60) + "...";
  if (node.is_string()) return "the string " + shown;
  if (node.is_number()) return "the number " + shown;
  return shown;
}

}  // namespace

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

JsonView JsonView::at(const std::string& key) const {
  auto member = find(key);
  if (!member) fail(fmt::format("\"{}\" is missing", key));
  return *std::move(member);
}

std::optional<JsonView> JsonView::find(const std::string& key) const {
  if (!is_object()) fail("expected an object, found " + describe(*node_));
  const auto member = node_->find(key);
  if (member == node_->end()) return std::nullopt;
  return JsonView(*member, file_, field_.empty() ? key : field_ + "." + key);
}

std::vector<std::pair<std::string, JsonView>> JsonView::members() const {
  if (!is_object()) fail("expected an object, found " + describe(*node_));
  std::vector<std::pair<std::string, JsonView>> result;
  result.reserve(node_->size());
  for (const auto& [key, value] : node_->items())
    result.emplace_back(key, JsonView(value, file_, field_.empty() ? key : field_ + "." + key));
  return result;
}

std::vector<JsonView> JsonView::elements() const {
  if (!is_array()) fail("expected an array, found " + describe(*node_));
  std::vector<JsonView> result;
  result.reserve(node_->size());
  for (std::size_t i = 0; i < node_->size(); ++i)
    result.emplace_back((*node_)[i], file_, fmt::format("{}[{}]", field_, i));
  return result;
}

std::string JsonView::as_string() const {
  if (!is_string()) fail("expected a string, found " + describe(*node_));
  return node_->get<std::string>();
}

bool JsonView::as_bool() const {
  if (!node_->is_boolean()) fail("expected true or false, found " + describe(*node_));
  return node_->get<bool>();
}

double JsonView::as_number(double low, double high) const {
  if (!is_number()) fail("expected a number, found " + describe(*node_));
  const double value = node_->get<double>();
  if (!std::isfinite(value)) fail("expected a finite number, found " + describe(*node_));
  if (value < low) fail(fmt::format("expected at least {}, found {}", low, describe(*node_)));
  if (value > high) fail(fmt::format("expected at most {}, found {}", high, describe(*node_)));
  return value;
}

std::int64_t JsonView::as_integer(std::int64_t low, std::int64_t high) const {
  const auto refuse = [&] {
    fail(fmt::format("expected a whole number from {} to {}, found {}", low, high, describe(*node_)));
  };
  constexpr double two_to_63 = 9223372036854775808.0;
  std::int64_t value = 0;
  if (node_->is_number_unsigned()) {
    const auto wide = node_->get<std::uint64_t>();
    if (wide > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) refuse();
    value = static_cast<std::int64_t>(wide);
  } else if (node_->is_number_integer()) {
    value = node_->get<std::int64_t>();
  } else if (node_->is_number_float()) {
    const double real = node_->get<double>();
    if (!(real >= -two_to_63 && real < two_to_63) || real != std::trunc(real)) refuse();
    value = static_cast<std::int64_t>(real);
  } else {
    refuse();
  }
  if (value < low || value > high) refuse();
  return value;
}

void JsonView::fail(const std::string& message) const {
  if (field_.empty()) throw InputError("{}: {}", file_, message);
  throw InputError("{}: {}: {}", file_, field_, message);
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path, largest_file_bytes), path.string());
}

Json parse_json(std::string_view text, const std::string& file) {
  if (text.size() > largest_file_bytes) throw InputError("{}: larger than {} bytes", file, largest_file_bytes);
  check_limits(text, file);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    fail_at(text, error.byte > 0 ? error.byte - 1 : 0, file, "is not valid JSON: " + essence(error.what()));
  } catch (const Json::exception& error) {
    throw InputError("{}: is not valid JSON: {}", file, essence(error.what()));
  }
}

}  // namespace twintrack

#include "twintrack/volume/text_fields.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/byte_stream.hpp"

namespace twintrack::volume_io {
namespace {

constexpr std::string_view white_space = " \t\r\n\v\f";

template <typename T>
std::vector<T> parse(std::string_view text, std::size_t expected, const FieldName& where, std::string_view kind) {
  std::vector<T> values;
  for (const std::string_view word : split_words(text)) {
    T value{};
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || rest != word.data() + word.size())
      throw InputError("{}: {}: '{}' is not a {}", where.file.string(), where.field, word.substr(0, 40), kind);
    values.push_back(value);
  }
  if (values.size() != expected)
    throw InputError("{}: {} has {} values, expected {}", where.file.string(), where.field, values.size(), expected);
  return values;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(white_space);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(white_space) - begin + 1);
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t begin = text.find_first_not_of(white_space); begin != std::string_view::npos;) {
    const std::size_t end = std::min(text.find_first_of(white_space, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(white_space, end);
  }
  return words;
}

std::vector<double> parse_numbers(std::string_view text, std::size_t expected, const FieldName& where) {
  return parse<double>(text, expected, where, "number");
}

std::vector<std::int64_t> parse_integers(std::string_view text, std::size_t expected, const FieldName& where) {
  return parse<std::int64_t>(text, expected, where, "whole number");
}

std::string read_head(const std::filesystem::path& file, std::size_t limit_bytes) {
  std::string head(std::min<std::uint64_t>(limit_bytes, std::filesystem::file_size(file)), '\0');
  ByteStream stream(file, 0, Coding::none);
  head.resize(stream.read(std::as_writable_bytes(std::span(head))));
  return head;
}

}  // namespace twintrack::volume_io

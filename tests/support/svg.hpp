// Reads SVG strictly, to see whether it is well-formed and where its marks are.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace twintrack::test {

struct SvgElement {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  // its own, references as they are written

  double number(const std::string& attribute) const { return std::stod(attributes.at(attribute)); }
};

// XML of elements, attributes in double quotes, and text; nothing else. Throws std::runtime_error for any other.
class SvgReader {
 public:
  explicit SvgReader(std::string_view svg) : rest_(svg) {}

  std::vector<SvgElement> read() {
    while (!rest_.empty()) {
      const std::string_view text = take_until('<');
      check_references(text);
      if (!open_.empty()) elements_[open_.back()].text += text;
      if (rest_.empty()) break;
      rest_.remove_prefix(1);
      read_tag(take_until('>'));
      if (rest_.empty()) fail("a tag without its end");
      rest_.remove_prefix(1);
    }
    if (!open_.empty() || elements_.empty()) fail("its end");
    return elements_;
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw std::runtime_error("not well-formed: " + what); }

  std::string_view take_until(char c) {
    const std::string_view part = rest_.substr(0, rest_.find(c));
    rest_.remove_prefix(part.size());
    return part;
  }

  static void check_references(std::string_view text) {
    for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
      const std::string_view name = text.substr(at + 1, text.substr(at).find(';') - 1);
      constexpr std::array<std::string_view, 5> known{"lt", "gt", "amp", "quot", "#39"};
      if (std::ranges::find(known, name) == known.end()) fail(std::string(text));
    }
  }

  static bool is_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-'; });
  }

  void read_tag(std::string_view tag) {
    if (tag.starts_with('/')) {
      if (open_.empty() || elements_[open_.back()].name != tag.substr(1)) fail(std::string(tag));
      open_.pop_back();
      return;
    }
    if (open_.empty() && !elements_.empty()) fail("a second root: " + std::string(tag));
    const bool closed = tag.ends_with('/');
    if (closed) tag.remove_suffix(1);
    SvgElement element{std::string(tag.substr(0, tag.find(' '))), {}, ""};
    if (!is_name(element.name)) fail(std::string(tag));
    read_attributes(tag.substr(element.name.size()), element);
    elements_.push_back(element);
    if (!closed) open_.push_back(elements_.size() - 1);
  }

  static void read_attributes(std::string_view text, SvgElement& element) {
    while (!text.empty()) {
      const std::size_t equal = text.find("=\"");
      const std::size_t end = equal == std::string_view::npos ? equal : text.find('"', equal + 2);
      if (!text.starts_with(' ') || end == std::string_view::npos) fail(std::string(text));
      const std::string_view name = text.substr(1, equal - 1);
      const std::string_view value = text.substr(equal + 2, end - equal - 2);
      check_references(value);
      if (!is_name(name) || !element.attributes.emplace(name, value).second) fail(std::string(text));
      text.remove_prefix(end + 1);
    }
  }

  std::string_view rest_;
  std::vector<SvgElement> elements_;
  std::vector<std::size_t> open_;
};

// All elements in the order in which they begin.
inline std::vector<SvgElement> svg_elements(const std::string& svg) { return SvgReader(svg).read(); }

inline std::vector<SvgElement> svg_elements(const std::string& svg, const std::string& name) {
  std::vector<SvgElement> found;
  for (const SvgElement& element : svg_elements(svg)) {
    if (element.name == name) found.push_back(element);
  }
  return found;
}

// All coordinates: of places, sizes and points.
inline std::vector<double> svg_coordinates(const std::string& svg) {
  constexpr std::array<std::string_view, 11> places{"x",  "y",  "x1",    "x2",     "y1",    "y2",
                                                    "cx", "cy", "width", "height", "points"};
  std::vector<double> numbers;
  for (const SvgElement& element : svg_elements(svg)) {
    for (const auto& [name, value] : element.attributes) {
      if (std::ranges::find(places, name) == places.end() || value.ends_with('%')) continue;
      std::string words = value;
      std::ranges::replace(words, ',', ' ');
      std::istringstream stream(words);
      for (std::string word; stream >> word;) {
        std::size_t used = 0;
        numbers.push_back(std::stod(word, &used));
        if (used != word.size()) throw std::runtime_error("no number: " + word);
      }
    }
  }
  return numbers;
}

}  // namespace twintrack::test

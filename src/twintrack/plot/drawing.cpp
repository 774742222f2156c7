#include "twintrack/plot/drawing.hpp"

#include <fmt/format.h>

#include "twintrack/core/markup.hpp"

namespace twintrack::plot {
namespace {

struct InkLook {
  const char* name;
  const char* colour;
};

InkLook look(Ink ink) {
  switch (ink) {
    case Ink::text:
      return {"ink", "#1a1f26"};
    case Ink::muted:
      return {"muted", "#59636e"};
    case Ink::grid:
      return {"grid", "#d5dbe1"};
    case Ink::paper:
      return {"paper", "#ffffff"};
    case Ink::blue:
      return {"blue", "#2080c0"};
    case Ink::orange:
      return {"orange", "#d55e00"};
    case Ink::green:
      return {"green", "#009e73"};
  }
  return {};
}

std::string number(double value) {
  std::string digits = fmt::format("{:.2f}", value);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits == "-0" ? "0" : digits;
}

std::string attribute(const char* name, double value) { return fmt::format(" {}=\"{}\"", name, number(value)); }

// Presentation attributes: any style sheet of the page goes before them.
std::string fill(const FillStyle& style) {
  const InkLook ink = look(style.ink);
  std::string result = fmt::format(" class=\"fill-{}\" fill=\"{}\"", ink.name, ink.colour);
  if (style.opacity < 1) result += attribute("fill-opacity", style.opacity);
  return result;
}

std::string stroke(const StrokeStyle& style) {
  const InkLook ink = look(style.ink);
  std::string result = fmt::format(" class=\"stroke-{}\" stroke=\"{}\" fill=\"none\"", ink.name, ink.colour);
  result += attribute("stroke-width", style.width);
  if (style.opacity < 1) result += attribute("stroke-opacity", style.opacity);
  if (!style.dashes.empty()) result += fmt::format(" stroke-dasharray=\"{}\"", style.dashes);
  return result;
}

std::string list(std::span<const Point> points) {
  std::string result;
  for (const Point& point : points) result += fmt::format("{},{} ", number(point.x), number(point.y));
  if (!result.empty()) result.pop_back();
  return result;
}

const char* name_of(Anchor anchor) {
  if (anchor == Anchor::middle) return "middle";
  return anchor == Anchor::end ? "end" : "start";
}

}  // namespace

void Drawing::line(Point from, Point to, const StrokeStyle& style) {
  marks_ += "<line" + attribute("x1", from.x) + attribute("y1", from.y) + attribute("x2", to.x) +
            attribute("y2", to.y) + stroke(style) + "/>\n";
}

void Drawing::curve(std::span<const Point> points, const StrokeStyle& style) {
  if (points.empty()) return;
  const std::string once = list(points);
  marks_ += fmt::format("<polyline points=\"{}\"{} stroke-linejoin=\"round\" stroke-linecap=\"round\"/>\n",
                        points.size() == 1 ? once + " " + once : once, stroke(style));
}

void Drawing::area(std::span<const Point> outline, const FillStyle& style) {
  marks_ += fmt::format("<polygon points=\"{}\"{}/>\n", list(outline), fill(style));
}

void Drawing::rectangle(Point corner, double width, double height, const FillStyle& style) {
  marks_ += "<rect" + attribute("x", corner.x) + attribute("y", corner.y) + attribute("width", width) +
            attribute("height", height) + fill(style) + "/>\n";
}

void Drawing::dot(Point centre, double radius, Ink ink, bool hollow, std::string_view tooltip) {
  const InkLook outer = look(ink);
  const InkLook inner = look(hollow ? Ink::paper : ink);
  marks_ += "<circle" + attribute("cx", centre.x) + attribute("cy", centre.y) + attribute("r", radius);
  marks_ += hollow ? fmt::format(" class=\"fill-{} stroke-{}\" fill=\"{}\" stroke=\"{}\" stroke-width=\"1.2\"",
                                 inner.name, outer.name, inner.colour, outer.colour)
                   : fill({ink});
  marks_ += tooltip.empty() ? "/>\n" : fmt::format("><title>{}</title></circle>\n", escape_markup(tooltip));
}

void Drawing::text(Point at, std::string_view words, const TextStyle& style) {
  std::string place = attribute("x", at.x) + attribute("y", at.y);
  if (style.upwards) place += fmt::format(" transform=\"rotate(-90 {} {})\"", number(at.x), number(at.y));
  marks_ += fmt::format("<text{} text-anchor=\"{}\" font-size=\"{}\"{}{}>{}</text>\n", place, name_of(style.anchor),
                        number(style.size), style.bold ? " font-weight=\"600\"" : "", fill({style.ink}),
                        escape_markup(words));
}

std::string Drawing::element() const {
  return fmt::format(
      "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" "
      "font-family=\"system-ui, sans-serif\">\n{}</svg>\n",
      number(width_), number(height_), escape_markup(title_), marks_);
}

std::string Drawing::file() const {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"Helvetica, Arial, sans-serif\">\n<title>{2}</title>\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{3}</svg>\n",
      number(width_), number(height_), escape_markup(title_), marks_);
}

double text_width(std::string_view words, double size) {
  double width = 0;  // in units of the size
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0xC0) {
      width += byte < 0x80 ? 0.62 : 0;  // continuations of a character count with its first byte
    } else {
      width += byte < 0xE0 ? 0.7 : 1;
    }
  }
  return width * size;
}

std::string plot_style() {
  struct Neutral {
    Ink ink;
    const char* property;
  };
  std::string css = ".plot{display:block;width:100%;height:auto}\n";
  for (const auto& [ink, property] :
       {Neutral{Ink::text, "ink"}, {Ink::muted, "muted"}, {Ink::grid, "line"}, {Ink::paper, "surface"}}) {
    css += fmt::format(".plot .fill-{0}{{fill:var(--{1})}}.plot .stroke-{0}{{stroke:var(--{1})}}\n", look(ink).name,
                       property);
  }
  return css;
}

}  // namespace twintrack::plot

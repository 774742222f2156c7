// A vector drawing: marks in, SVG out. Colours are roles, so that one drawing serves a page (light or dark) and a file.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace twintrack::plot {

// What a mark stands for. The three neutral ones follow the page's colours; data colours (after Okabe and Ito, told
// apart with any colour vision) have a contrast of 3 : 1 or more to white and to a dark page.
enum class Ink { text, muted, grid, paper, blue, orange, green };

enum class Anchor { start, middle, end };

struct Point {
  double x = 0;
  double y = 0;
};

struct TextStyle {
  Anchor anchor = Anchor::start;
  Ink ink = Ink::text;
  double size = 12;
  bool bold = false;
  bool upwards = false;  // reads from bottom to top
};

struct StrokeStyle {
  Ink ink = Ink::text;
  double width = 1;
  double opacity = 1;
  std::string_view dashes = {};  // lengths of strokes and gaps: "4 3"
};

struct FillStyle {
  Ink ink = Ink::text;
  double opacity = 1;
};

// Coordinates are finite, in units of about a CSS pixel, y downwards. Texts are plain; they are escaped here.
class Drawing {
 public:
  // `title` is what a reader hears who does not see the drawing.
  Drawing(double width, double height, std::string title) : width_(width), height_(height), title_(std::move(title)) {}

  double width() const { return width_; }
  double height() const { return height_; }

  void line(Point from, Point to, const StrokeStyle& style);
  // One point alone is drawn as a dot of the line's width. No points: nothing.
  void curve(std::span<const Point> points, const StrokeStyle& style);
  void area(std::span<const Point> outline, const FillStyle& style);
  void rectangle(Point corner, double width, double height, const FillStyle& style);
  // Hollow dots are filled with paper. `tooltip` shows where a pointer rests on the dot, when not empty.
  void dot(Point centre, double radius, Ink ink, bool hollow = false, std::string_view tooltip = {});
  void text(Point at, std::string_view words, const TextStyle& style = {});

  // An element of class "plot" for a page that has plot_style(); as wide as the page gives it.
  std::string element() const;
  // A file of its own, on white.
  std::string file() const;

 private:
  double width_;
  double height_;
  std::string title_;
  std::string marks_;
};

// About how wide sans-serif text is; rather more than less.
double text_width(std::string_view words, double size);

// CSS: neutral roles as the page's custom properties --ink, --muted, --line and --surface.
std::string plot_style();

}  // namespace twintrack::plot

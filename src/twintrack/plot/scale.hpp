// Where data lie on a drawing, and the round numbers that its axes name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack::plot {

struct Range {
  double low = 0;
  double high = 1;
  bool operator==(const Range&) const = default;
};

// From the smallest to the largest finite value; nothing when there is none.
std::optional<Range> range_of(std::span<const double> values);

// Grown to whole steps of 1, 2 or 5 times a power of ten, of which it then has `most` at most. A single value gets
// room on both sides.
Range whole_steps(Range data, int most);

// Grown to whole decades, at least one. Needs 0 < low.
Range whole_decades(Range data);

struct Tick {
  double value = 0;
  std::string label;
};

// Maps data to coordinates of a drawing. The data range is finite with low < high; the place may run either way.
class Scale {
 public:
  static Scale linear(Range data, Range place) { return {data, place, false}; }
  // Needs 0 < low.
  static Scale logarithmic(Range data, Range place) { return {data, place, true}; }

  // Coordinate of a finite value (logarithmic: above 0). What lies outside the range lies outside the place.
  double operator()(double value) const;
  const Range& data() const { return data_; }
  const Range& place() const { return place_; }

  // At most `most` round numbers within the range: multiples of 1, 2 or 5 times a power of ten; of a logarithmic
  // scale powers of ten, and their doubles and fives where there is room.
  std::vector<Tick> ticks(int most) const;

 private:
  Scale(Range data, Range place, bool logarithmic) : data_(data), place_(place), logarithmic_(logarithmic) {}

  Range data_;
  Range place_;
  bool logarithmic_;
};

// "−12 345.6": thin spaces between thousands, a true minus sign; "–" for what is not finite; powers of ten for very
// large numbers.
std::string number_text(double value, int decimals);

}  // namespace twintrack::plot

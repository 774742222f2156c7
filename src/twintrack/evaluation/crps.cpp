#include "twintrack/evaluation/crps.hpp"

#include "twintrack/evaluation/qags.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace twintrack {
namespace {

constexpr int kTabulated = 100;
constexpr double kQuantile99 = 2.3263478740408408;  // of the standard normal distribution
constexpr double kIntegrated = 3;                   // deviations to both sides

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

double normal_density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi); }

// A linear piece of the distribution function, in units of the deviation.
struct Piece {
  double begin, end;
  double from, to;

  double at(double z) const { return from + (to - from) * (z - begin) / (end - begin); }
};

// Pieces of the tabulated function on [-3, 3].
std::array<Piece, kTabulated + 1> tabulated_pieces() {
  const auto point = [](int i) { return kQuantile99 * (2.0 * i / (kTabulated - 1) - 1); };
  std::array<Piece, kTabulated + 1> pieces{};
  pieces.front() = {-kIntegrated, point(0), 0, 0};
  for (int i = 1; i < kTabulated; ++i)
    pieces[i] = {point(i - 1), point(i), normal_cdf(point(i - 1)), normal_cdf(point(i))};
  pieces.back() = {point(kTabulated - 1), kIntegrated, 1, 1};
  return pieces;
}

// The tabulated function in mm3.
class TabulatedCdf {
 public:
  explicit TabulatedCdf(const VolumeDistribution& normal)
      : low_(normal.mean_mm3 - kQuantile99 * normal.deviation_mm3),
        step_(2 * kQuantile99 * normal.deviation_mm3 / (kTabulated - 1)) {
    for (int i = 0; i < kTabulated; ++i) values_[i] = normal_cdf(kQuantile99 * (2.0 * i / (kTabulated - 1) - 1));
  }

  double operator()(double y) const {
    const double position = (y - low_) / step_;
    if (position < 0) return 0;
    if (position > kTabulated - 1) return 1;
    const int i = std::min(static_cast<int>(position), kTabulated - 2);
    return values_[i] + (values_[i + 1] - values_[i]) * (position - i);
  }

 private:
  double low_;
  double step_;
  std::array<double, kTabulated> values_{};
};

// Integral over [begin, end), within the piece, of (F - step)^2.
double squared_difference(const Piece& piece, double begin, double end, double step) {
  if (end <= begin) return 0;
  const double a = piece.at(begin) - step;
  const double b = piece.at(end) - step;
  return (end - begin) * (a * a + a * b + b * b) / 3;
}

}  // namespace

VolumeDistribution volume_distribution(std::span<const double> volumes_mm3) {
  const auto [least, most] = std::minmax_element(volumes_mm3.begin(), volumes_mm3.end());
  if (*least == *most) return {*least, 0};  // where rounding of the mean would leave a deviation
  const auto count = static_cast<double>(volumes_mm3.size());
  const double mean = std::accumulate(volumes_mm3.begin(), volumes_mm3.end(), 0.0) / count;
  double squares = 0;
  for (const double volume : volumes_mm3) squares += (volume - mean) * (volume - mean);
  return {mean, std::sqrt(squares / count)};
}

double challenge_crps_mm3(const VolumeDistribution& raters, double volume_mm3) {
  const double m = raters.mean_mm3;
  const double s = raters.deviation_mm3;
  if (s == 0) return std::abs(volume_mm3 - m);
  const TabulatedCdf cdf(raters);
  const auto squared = [&](double y) {
    const double difference = cdf(y) - (y > volume_mm3 ? 1.0 : 0.0);
    return difference * difference;
  };
  return qags(squared, m - kIntegrated * s, m + kIntegrated * s);
}

double tabulated_crps_mm3(const VolumeDistribution& raters, double volume_mm3) {
  const double distance_mm3 = volume_mm3 - raters.mean_mm3;
  if (raters.deviation_mm3 == 0) return std::abs(distance_mm3);
  const double z = distance_mm3 / raters.deviation_mm3;
  double integral = 0;
  for (const Piece& piece : tabulated_pieces()) {
    const double split = std::clamp(z, piece.begin, piece.end);
    integral += squared_difference(piece, piece.begin, split, 0) + squared_difference(piece, split, piece.end, 1);
  }
  return raters.deviation_mm3 * integral;
}

double normal_crps_mm3(const VolumeDistribution& raters, double volume_mm3) {
  const double distance_mm3 = volume_mm3 - raters.mean_mm3;
  if (raters.deviation_mm3 == 0) return std::abs(distance_mm3);
  const double z = distance_mm3 / raters.deviation_mm3;
  return raters.deviation_mm3 * (z * (2 * normal_cdf(z) - 1) + 2 * normal_density(z) - 1 / std::sqrt(std::numbers::pi));
}

}  // namespace twintrack

#include "twintrack/evaluation/calibration_error.hpp"

#include "twintrack/core/parallel.hpp"
#include "twintrack/evaluation/confidence_bins.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace twintrack {
namespace {

constexpr std::int64_t kBoxMargin = 20;
constexpr float kSmallestClass = 1e-8F;

int probability_bin(float value) { return std::min(confidence_bin(value), kEqualBins - 1); }

struct NamedClass {
  float confidence;
  bool foreground;
};

NamedClass named_class(float probability) {
  const float background = std::max(1.0F - probability, kSmallestClass);
  const float foreground = std::max(probability, kSmallestClass);
  const float sum = background + foreground;
  const float background_share = background / sum;
  const float foreground_share = foreground / sum;
  if (foreground_share > background_share) return {foreground_share, true};
  return {background_share, false};
}

// What one slice of the box adds.
struct SliceSums {
  explicit SliceSums(int raters) : gained(raters * kConfidenceBins) {}

  std::array<std::int64_t, kConfidenceBins> background_named{};
  std::array<double, kConfidenceBins> confidence{};
  // By [rater][confidence bin]: voxels that the rater marked where foreground is named minus those where background is.
  std::vector<std::int64_t> gained;

  std::array<std::int64_t, kEqualBins> voxels{};
  std::array<std::int64_t, kEqualBins> marks{};          // sum over voxels of how many raters marked them
  std::array<std::int64_t, kEqualBins> squared_marks{};  // and of its square
  std::array<double, kEqualBins> probability{};
  std::array<double, kEqualBins> squared_probability{};
  std::array<double, kEqualBins> probability_times_marks{};
  double squared_error = 0;

  void add(const SliceSums& other);
};

template <typename Values>
void add_each(Values& to, const Values& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

void SliceSums::add(const SliceSums& other) {
  add_each(background_named, other.background_named);
  add_each(confidence, other.confidence);
  add_each(gained, other.gained);
  add_each(voxels, other.voxels);
  add_each(marks, other.marks);
  add_each(squared_marks, other.squared_marks);
  add_each(probability, other.probability);
  add_each(squared_probability, other.squared_probability);
  add_each(probability_times_marks, other.probability_times_marks);
  squared_error += other.squared_error;
}

class SliceCounter {
 public:
  SliceCounter(std::span<const float> probability, const RaterSet& raters)
      : probability_(probability), raters_(raters), sums_(raters.size()) {}

  // Voxels [begin, end) in the order of the grid.
  void count_row(std::int64_t begin, std::int64_t end) {
    const std::int64_t aligned = begin / BitMask::kWordBits * BitMask::kWordBits;
    marks_.resize(static_cast<std::size_t>(end - aligned));
    rater_counts(raters_, aligned, marks_);
    for (std::int64_t voxel = begin; voxel < end; ++voxel) {
      const int marks = marks_[voxel - aligned];
      if (marks == 0 && probability_[voxel] == 0) {
        ++untouched_;
      } else {
        count_voxel(voxel, marks);
      }
    }
  }

  SliceSums take() {
    sums_.background_named[kEqualBins] += untouched_;
    sums_.confidence[kEqualBins] += static_cast<double>(untouched_);
    sums_.voxels[0] += untouched_;
    return std::move(sums_);
  }

 private:
  void count_voxel(std::int64_t voxel, int marks) {
    const float probability = probability_[voxel];
    const NamedClass named = named_class(probability);
    const int confidence = confidence_bin(named.confidence);
    if (!named.foreground) ++sums_.background_named[confidence];
    sums_.confidence[confidence] += static_cast<double>(named.confidence);
    for (int k = 0; marks > 0 && k < raters_.size(); ++k) {
      if (raters_.masks[k][voxel]) sums_.gained[k * kConfidenceBins + confidence] += named.foreground ? 1 : -1;
    }
    const int bin = probability_bin(probability);
    const auto p = static_cast<double>(probability);
    const double difference = p - static_cast<double>(marks) / raters_.size();
    ++sums_.voxels[bin];
    sums_.marks[bin] += marks;
    sums_.squared_marks[bin] += marks * marks;
    sums_.probability[bin] += p;
    sums_.squared_probability[bin] += p * p;
    sums_.probability_times_marks[bin] += p * marks;
    sums_.squared_error += difference * difference;
  }

  std::span<const float> probability_;
  const RaterSet& raters_;
  SliceSums sums_;
  std::int64_t untouched_ = 0;  // no probability, no marks
  std::vector<std::uint8_t> marks_;
};

SliceSums sums_in_box(std::span<const float> probability, const RaterSet& raters, const Box3& box) {
  const auto [nz, ny, nx] = raters.geometry.shape();
  std::vector<SliceSums> slices(static_cast<std::size_t>(box.shape()[0]), SliceSums(0));
  parallel_for(box.shape()[0], [&, rows = ny, columns = nx](std::int64_t slice) {
    SliceCounter counter(probability, raters);
    for (std::int64_t y = box.begin[1]; y < box.end[1]; ++y) {
      const std::int64_t row = ((box.begin[0] + slice) * rows + y) * columns;
      counter.count_row(row + box.begin[2], row + box.end[2]);
    }
    slices[slice] = counter.take();
  });
  SliceSums total(raters.size());
  for (const SliceSums& slice : slices) total.add(slice);
  return total;
}

std::vector<double> rater_ece(const SliceSums& sums, int raters, double voxels) {
  std::vector<double> ece;
  for (int k = 0; k < raters; ++k) {
    double error = 0;
    for (int b = 0; b < kConfidenceBins; ++b) {
      const std::int64_t right = sums.background_named[b] + sums.gained[k * kConfidenceBins + b];
      error += std::abs(static_cast<double>(right) - sums.confidence[b]);
    }
    ece.push_back(error / voxels);
  }
  return ece;
}

std::vector<ReliabilityBin> reliability_table(const SliceSums& sums, int raters) {
  std::vector<ReliabilityBin> table;
  for (int b = 0; b < kEqualBins; ++b) {
    ReliabilityBin bin{static_cast<double>(b) / kEqualBins, static_cast<double>(b + 1) / kEqualBins, sums.voxels[b],
                       std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
    if (bin.voxels > 0) {
      const auto voxels = static_cast<double>(bin.voxels);
      bin.mean_probability = sums.probability[b] / voxels;
      bin.mean_response = static_cast<double>(sums.marks[b]) / raters / voxels;
    }
    table.push_back(bin);
  }
  return table;
}

double response_error(const std::vector<ReliabilityBin>& table, double voxels) {
  double error = 0;
  for (const ReliabilityBin& bin : table) {
    if (bin.voxels > 0)
      error += static_cast<double>(bin.voxels) / voxels * std::abs(bin.mean_probability - bin.mean_response);
  }
  return error;
}

BrierScore brier_score(const SliceSums& sums, const std::vector<ReliabilityBin>& table, int raters, double voxels) {
  double mean_response = 0;
  double mean_square = 0;
  for (int b = 0; b < kEqualBins; ++b) {
    mean_response += static_cast<double>(sums.marks[b]) / raters / voxels;
    mean_square += static_cast<double>(sums.squared_marks[b]) / raters / raters / voxels;
  }
  BrierScore brier;
  brier.score = sums.squared_error / voxels;
  brier.uncertainty = std::max(mean_square - mean_response * mean_response, 0.0);
  for (int b = 0; b < kEqualBins; ++b) {
    const auto count = static_cast<double>(sums.voxels[b]);
    if (count == 0) continue;
    const double p = table[b].mean_probability;
    const double m = table[b].mean_response;
    brier.reliability += count / voxels * (p - m) * (p - m);
    brier.resolution += count / voxels * (m - mean_response) * (m - mean_response);
    const double variance = sums.squared_probability[b] - count * p * p;
    const double covariance = sums.probability_times_marks[b] / raters - count * p * m;
    brier.within_bins += (variance - 2 * covariance) / voxels;
  }
  return brier;
}

}  // namespace

Box3 evaluation_box(const RaterSet& raters) {
  const Shape3 shape = raters.geometry.shape();
  Box3 box = bounding_box(raters);
  if (box.empty()) return {{}, shape};
  for (int axis = 0; axis < 3; ++axis) {
    box.begin[axis] = std::max(box.begin[axis] - kBoxMargin, std::int64_t{0});
    box.end[axis] = std::min(box.end[axis] - 1 + kBoxMargin, shape[axis]);
  }
  return box;
}

CalibrationMetrics calibration_metrics(std::span<const float> probability, const RaterSet& raters) {
  CalibrationMetrics metrics;
  metrics.box = evaluation_box(raters);
  const auto voxels = static_cast<double>(voxel_count(metrics.box.shape()));
  const SliceSums sums = sums_in_box(probability, raters, metrics.box);
  metrics.ece = rater_ece(sums, raters.size(), voxels);
  metrics.reliability = reliability_table(sums, raters.size());
  metrics.response_error = response_error(metrics.reliability, voxels);
  metrics.brier = brier_score(sums, metrics.reliability, raters.size(), voxels);
  return metrics;
}

}  // namespace twintrack

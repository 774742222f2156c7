// STAPLE over the patterns in which raters mark voxels: expectation and maximisation need, of each voxel, only who
// marked it, so that one iteration costs as much as there are patterns, whatever the size of the grid.
#include "twintrack/cohort/rater_set.hpp"

#include <bit>
#include <cmath>

namespace twintrack {
namespace {

constexpr double kSettled = 1e-7;  // of any sensitivity or specificity from one iteration to the next

bool marked_by(const RaterPattern& pattern, std::size_t rater) { return (pattern.pattern >> rater & 1) != 0; }

// Without anything to divide by (no voxel believed to be truth, or none believed to be background) the rate stays.
double ratio_or(double part, double whole, double rate) { return whole > 0 ? part / whole : rate; }

class Estimation {
 public:
  Estimation(std::span<const RaterPattern> patterns, int raters)
      : patterns_(patterns), truth_(patterns.size()), sensitivity_(raters, 1.0), specificity_(raters, 1.0) {
    double voxels = 0;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      truth_[i] = static_cast<double>(std::popcount(patterns[i].pattern)) / raters;
      prior_ += truth_[i] * static_cast<double>(patterns[i].voxels);
      voxels += static_cast<double>(patterns[i].voxels);
    }
    prior_ /= voxels;
  }

  // One maximisation and one expectation; true when no rate moved any more.
  bool iterate() {
    bool settled = true;
    for (std::size_t k = 0; k < sensitivity_.size(); ++k) settled = update_rates(k) && settled;
    for (std::size_t i = 0; i < patterns_.size(); ++i) update_truth(i);
    return settled;
  }

  const std::vector<double>& truth() const { return truth_; }
  const std::vector<double>& sensitivity() const { return sensitivity_; }
  const std::vector<double>& specificity() const { return specificity_; }

 private:
  bool update_rates(std::size_t rater) {
    double truth = 0;
    double truth_marked = 0;
    double background = 0;
    double background_left = 0;
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
      const auto voxels = static_cast<double>(patterns_[i].voxels);
      truth += voxels * truth_[i];
      background += voxels * (1 - truth_[i]);
      (marked_by(patterns_[i], rater) ? truth_marked : background_left) +=
          voxels * (marked_by(patterns_[i], rater) ? truth_[i] : 1 - truth_[i]);
    }
    const double sensitivity = ratio_or(truth_marked, truth, sensitivity_[rater]);
    const double specificity = ratio_or(background_left, background, specificity_[rater]);
    const bool settled = std::abs(sensitivity - sensitivity_[rater]) <= kSettled &&
                         std::abs(specificity - specificity_[rater]) <= kSettled;
    sensitivity_[rater] = sensitivity;
    specificity_[rater] = specificity;
    return settled;
  }

  void update_truth(std::size_t i) {
    double as_truth = prior_;
    double as_background = 1 - prior_;
    for (std::size_t k = 0; k < sensitivity_.size(); ++k) {
      const bool marked = marked_by(patterns_[i], k);
      as_truth *= marked ? sensitivity_[k] : 1 - sensitivity_[k];
      as_background *= marked ? 1 - specificity_[k] : specificity_[k];
    }
    truth_[i] = ratio_or(as_truth, as_truth + as_background, truth_[i]);
  }

  std::span<const RaterPattern> patterns_;
  double prior_ = 0;
  std::vector<double> truth_;  // probability of truth of each pattern
  std::vector<double> sensitivity_;
  std::vector<double> specificity_;
};

}  // namespace

Staple staple(const RaterSet& raters) {
  const std::vector<RaterPattern> patterns = rater_patterns(raters);
  Estimation estimation(patterns, raters.size());
  const bool nothing_marked = patterns.back().pattern == 0;
  Staple result;
  for (bool settled = nothing_marked; !settled;) {
    settled = estimation.iterate() && result.iterations > 0;
    ++result.iterations;
  }
  std::vector<bool> chosen;
  for (const double truth : estimation.truth()) chosen.push_back(truth > 0.5);
  result.consensus = voxels_with(raters, patterns, chosen);
  result.sensitivity = estimation.sensitivity();
  result.specificity = estimation.specificity();
  return result;
}

}  // namespace twintrack

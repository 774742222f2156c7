#include "twintrack/evaluation/qags.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace twintrack {
namespace {

using Integrand = std::function<double(double)>;

constexpr double kTolerance = 1.49e-8;
constexpr int kLimit = 50;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kSmallest = std::numeric_limits<double>::min();
constexpr double kLargest = std::numeric_limits<double>::max();

double tolerated(double integral) { return std::max(kTolerance, kTolerance * std::abs(integral)); }

// Nodes of the 21-point Kronrod rule on [0, 1], descending; the odd ones are those of the 10-point Gauss rule.
constexpr std::array<double, 11> kNodes{0.995657163025808080735527280689003,
                                        0.973906528517171720077964012084452,
                                        0.930157491355708226001207180059508,
                                        0.865063366688984510732096688423493,
                                        0.780817726586416897063717578345042,
                                        0.679409568299024406234327365114874,
                                        0.562757134668604683339000099272694,
                                        0.433395394129247190799265943165784,
                                        0.294392862701460198131126603103866,
                                        0.148874338981631210884826001129720,
                                        0.0};
constexpr std::array<double, 11> kKronrodWeights{
    0.011694638867371874278064396062192, 0.032558162307964727478818972459390, 0.054755896574351996031381300244580,
    0.075039674810919952767043140916190, 0.093125454583697605535065465083366, 0.109387158802297641899210590325805,
    0.123491976262065851077958109585166, 0.134709217311473325928054001771707, 0.142775938577060080797094273138717,
    0.147739104901338491374841515972068, 0.149445554002916905664936468389821};
constexpr std::array<double, 5> kGaussWeights{0.066671344308688137593568809893332, 0.149451349150580593145863396957698,
                                              0.219086362515982043995534934228163, 0.269266719309996355091226921569469,
                                              0.295524224714752870173815619188769};

struct Interval {
  double begin = 0;
  double end = 0;
  double integral = 0;
  double error = 0;     // estimate
  double absolute = 0;  // integral of |f|
  double spread = 0;    // integral of |f - mean of f|

  double width() const { return std::abs(end - begin); }
};

Interval gauss_kronrod(const Integrand& f, double begin, double end) {
  const double centre = 0.5 * (begin + end);
  const double half = 0.5 * (end - begin);
  std::array<double, 21> values{};  // of node i, below the centre in place i, above it in place 20 - i
  values[10] = f(centre);
  double kronrod = kKronrodWeights[10] * values[10];
  double absolute = kKronrodWeights[10] * std::abs(values[10]);
  double gauss = 0;
  for (int i = 0; i < 10; ++i) {
    values[i] = f(centre - half * kNodes[i]);
    values[20 - i] = f(centre + half * kNodes[i]);
    const double sum = values[i] + values[20 - i];
    kronrod += kKronrodWeights[i] * sum;
    absolute += kKronrodWeights[i] * (std::abs(values[i]) + std::abs(values[20 - i]));
    if (i % 2 == 1) gauss += kGaussWeights[i / 2] * sum;
  }
  const double mean = 0.5 * kronrod;
  double spread = kKronrodWeights[10] * std::abs(values[10] - mean);
  for (int i = 0; i < 10; ++i)
    spread += kKronrodWeights[i] * (std::abs(values[i] - mean) + std::abs(values[20 - i] - mean));
  Interval result{begin,
                  end,
                  kronrod * half,
                  std::abs((kronrod - gauss) * half),
                  absolute * std::abs(half),
                  spread * std::abs(half)};
  if (result.spread != 0 && result.error != 0)
    result.error = result.spread * std::min(1.0, std::pow(200 * result.error / result.spread, 1.5));
  if (result.absolute > kSmallest / (50 * kEpsilon))
    result.error = std::max(50 * kEpsilon * result.absolute, result.error);
  return result;
}

// The intervals, and the order of those with the largest errors: as many as may still be halved before the limit.
class Worklist {
 public:
  explicit Worklist(const Interval& whole) : intervals_{whole} {}

  const std::vector<Interval>& intervals() const { return intervals_; }
  int count() const { return static_cast<int>(intervals_.size()); }
  int ordered() const { return count() > kLimit / 2 + 2 ? kLimit + 3 - count() : count(); }

  // The interval whose turn it is, the one of rank `turn` in the order.
  const Interval& next() const { return intervals_[order_[turn_]]; }
  int turn() const { return turn_; }
  void set_turn(int turn) { turn_ = turn; }

  // Puts two halves in the place of the next interval. A larger error than it had moves the turn up.
  void replace_next(Interval larger, Interval smaller) {
    if (smaller.error > larger.error) std::swap(larger, smaller);
    const int place = order_[turn_];
    intervals_[place] = larger;
    intervals_.push_back(smaller);
    while (turn_ > 0 && larger.error > error_at(turn_ - 1)) {
      order_[turn_] = order_[turn_ - 1];
      --turn_;
    }
    insert(place, count() - 1);
  }

 private:
  double error_at(int rank) const { return intervals_[order_[rank]].error; }

  // Seeks the rank of the larger half from the turn down, that of the smaller one from the end up.
  void insert(int larger, int smaller) {
    const int last = ordered() - 1;
    int rank = turn_;
    while (rank + 1 < last && intervals_[larger].error < error_at(rank + 1)) {
      order_[rank] = order_[rank + 1];
      ++rank;
    }
    if (rank + 1 >= last) {
      order_[last - 1] = larger;
      order_[last] = smaller;
      return;
    }
    order_[rank] = larger;
    int end = last;
    for (; end > rank + 1 && intervals_[smaller].error >= error_at(end - 1); --end) order_[end] = order_[end - 1];
    order_[end] = smaller;
  }

  std::vector<Interval> intervals_;
  std::array<int, kLimit> order_{};
  int turn_ = 0;
};

struct Limit {
  double value = 0;
  double error = kLargest;
};

// Wynn's epsilon algorithm on the lower diagonal of its table.
class EpsilonTable {
 public:
  explicit EpsilonTable(double first) { table_[size_++] = first; }

  int size() const { return size_; }
  void append(double term) { table_[size_++] = term; }
  Limit extrapolate();

 private:
  static constexpr int capacity = 50;

  void shift(int terms, int updated);
  double difference_to_last_results(double value);

  std::array<double, capacity + 2> table_{};
  int size_ = 0;
  std::array<double, 3> last_results_{};
  int calls_ = 0;
};

Limit EpsilonTable::extrapolate() {
  ++calls_;
  Limit limit{table_[size_ - 1], kLargest};
  const auto with_rounding = [](Limit of) {
    return Limit{of.value, std::max(of.error, 5 * kEpsilon * std::abs(of.value))};
  };
  if (size_ < 3) return with_rounding(limit);
  const int terms = size_;
  const int updated = (terms - 1) / 2;
  table_[terms + 1] = table_[terms - 1];
  table_[terms - 1] = kLargest;
  for (int i = 0, last = terms - 1; i < updated; ++i, last -= 2) {
    const double e0 = table_[last - 2];
    const double e1 = table_[last - 1];
    const double e2 = table_[last + 2];
    const double change2 = e2 - e1;
    const double change3 = e1 - e0;
    const bool still2 = std::abs(change2) <= std::max(std::abs(e2), std::abs(e1)) * kEpsilon;
    const bool still3 = std::abs(change3) <= std::max(std::abs(e1), std::abs(e0)) * kEpsilon;
    if (still2 && still3) return with_rounding({e2, std::abs(change2) + std::abs(change3)});
    const double e3 = table_[last];
    table_[last] = e1;
    const double change1 = e1 - e3;
    const bool still1 = std::abs(change1) <= std::max(std::abs(e1), std::abs(e3)) * kEpsilon;
    const double sum = still1 || still2 || still3 ? 0 : 1 / change1 + 1 / change2 - 1 / change3;
    if (std::abs(sum * e1) <= 1e-4) {  // irregular: what is left of the table is dropped
      size_ = 2 * i + 1;
      break;
    }
    const double e = e1 + 1 / sum;
    table_[last] = e;
    const double error = std::abs(change2) + std::abs(e - e2) + std::abs(change3);
    if (error <= limit.error) limit = {e, error};
  }
  shift(terms, updated);
  limit.error = difference_to_last_results(limit.value);
  return with_rounding(limit);
}

void EpsilonTable::shift(int terms, int updated) {
  if (size_ == capacity) size_ = capacity - 1;
  for (int i = 0, place = terms % 2 == 0 ? 1 : 0; i <= updated; ++i, place += 2) table_[place] = table_[place + 2];
  if (terms != size_) std::copy_n(table_.begin() + (terms - size_), size_, table_.begin());
}

double EpsilonTable::difference_to_last_results(double value) {
  if (calls_ <= 3) {
    last_results_[calls_ - 1] = value;
    return kLargest;
  }
  double difference = 0;
  for (const double result : last_results_) difference += std::abs(value - result);
  last_results_ = {last_results_[1], last_results_[2], value};
  return difference;
}

class Qags {
 public:
  Qags(const Integrand& f, const Interval& whole)
      : f_(f), whole_(whole), work_(whole), table_(whole.integral), area_(whole.integral), error_sum_(whole.error) {}

  double integrate();

 private:
  enum class Step { next, sum_up, finish };

  Step bisect();
  void watch_rounding(const Interval& parent, const Interval& first, const Interval& second);
  Step after_bisection(const Interval& parent, const Interval& first, const Interval& second);
  bool larger_interval_is_next();
  Step extrapolate();
  double summed_up() const;
  bool extrapolated_is_better();

  const Integrand& f_;
  Interval whole_;
  Worklist work_;
  EpsilonTable table_;
  double area_;
  double error_sum_;
  Limit extrapolated_;
  double correction_ = 0;
  double small_ = 0;            // intervals up to this width wait for the next extrapolation
  double error_of_larger_ = 0;  // summed over the intervals that are larger
  double larger_tolerated_ = 0;
  int extrapolations_in_vain_ = 0;
  bool extrapolating_ = false;
  bool no_extrapolation_ = false;
  // Halvings that changed nothing, before and while extrapolating, and those that made the error larger.
  std::array<int, 3> roundoff_{};
  bool roundoff_in_extrapolation_ = false;
  bool stopped_ = false;   // no tolerance is reached any more: limit, rounding, or an interval that cannot be halved
  bool diverges_ = false;  // the extrapolation does not get better
};

void Qags::watch_rounding(const Interval& parent, const Interval& first, const Interval& second) {
  const double integral = first.integral + second.integral;
  const double error = first.error + second.error;
  if (first.spread != first.error && second.spread != second.error) {
    const bool unchanged = std::abs(parent.integral - integral) <= 1e-5 * std::abs(integral);
    if (unchanged && error >= 0.99 * parent.error) ++roundoff_[extrapolating_ ? 1 : 0];
    if (work_.count() > 10 && error > parent.error) ++roundoff_[2];
  }
  if (roundoff_[0] + roundoff_[1] >= 10 || roundoff_[2] >= 20) stopped_ = true;
  if (roundoff_[1] >= 5) roundoff_in_extrapolation_ = true;
}

Qags::Step Qags::bisect() {
  const Interval parent = work_.next();
  const double middle = 0.5 * (parent.begin + parent.end);
  const Interval first = gauss_kronrod(f_, parent.begin, middle);
  const Interval second = gauss_kronrod(f_, middle, parent.end);
  error_sum_ += first.error + second.error - parent.error;
  area_ += first.integral + second.integral - parent.integral;
  work_.replace_next(first, second);
  watch_rounding(parent, first, second);
  if (work_.count() == kLimit) stopped_ = true;
  if (std::max(std::abs(parent.begin), std::abs(parent.end)) <=
      (1 + 100 * kEpsilon) * (std::abs(middle) + 1000 * kSmallest))
    stopped_ = true;
  return after_bisection(parent, first, second);
}

Qags::Step Qags::after_bisection(const Interval& parent, const Interval& first, const Interval& second) {
  if (error_sum_ <= tolerated(area_)) return Step::sum_up;
  if (stopped_) return Step::finish;
  if (work_.count() == 2) {
    small_ = whole_.width() * 0.375;
    error_of_larger_ = error_sum_;
    larger_tolerated_ = tolerated(area_);
    table_.append(area_);
    return Step::next;
  }
  if (no_extrapolation_) return Step::next;
  error_of_larger_ -= parent.error;
  if (first.width() > small_) error_of_larger_ += first.error + second.error;
  if (!extrapolating_) {
    if (work_.next().width() > small_) return Step::next;
    extrapolating_ = true;
    work_.set_turn(1);
  }
  if (!roundoff_in_extrapolation_ && error_of_larger_ > larger_tolerated_ && larger_interval_is_next())
    return Step::next;
  return extrapolate();
}

// Before the smallest intervals are halved, the larger ones should be sure.
bool Qags::larger_interval_is_next() {
  for (const int ordered = work_.ordered(); work_.turn() < ordered; work_.set_turn(work_.turn() + 1)) {
    if (work_.next().width() > small_) return true;
  }
  return false;
}

Qags::Step Qags::extrapolate() {
  table_.append(area_);
  const Limit limit = table_.extrapolate();
  ++extrapolations_in_vain_;
  if (extrapolations_in_vain_ > 5 && extrapolated_.error < 1e-3 * error_sum_) diverges_ = true;
  if (limit.error < extrapolated_.error) {
    extrapolations_in_vain_ = 0;
    extrapolated_ = limit;
    correction_ = error_of_larger_;
    larger_tolerated_ = tolerated(limit.value);
    if (extrapolated_.error <= larger_tolerated_) return Step::finish;
  }
  if (table_.size() == 1) no_extrapolation_ = true;
  if (diverges_) return Step::finish;
  work_.set_turn(0);
  extrapolating_ = false;
  small_ *= 0.5;
  error_of_larger_ = error_sum_;
  return Step::next;
}

double Qags::summed_up() const {
  double sum = 0;
  for (const Interval& interval : work_.intervals()) sum += interval.integral;
  return sum;
}

bool Qags::extrapolated_is_better() {
  if (extrapolated_.error == kLargest) return false;
  if (!stopped_ && !diverges_ && !roundoff_in_extrapolation_) return true;
  if (roundoff_in_extrapolation_) extrapolated_.error += correction_;
  if (extrapolated_.value != 0 && area_ != 0)
    return extrapolated_.error / std::abs(extrapolated_.value) <= error_sum_ / std::abs(area_);
  return extrapolated_.error <= error_sum_;
}

double Qags::integrate() {
  const bool sure = whole_.error <= tolerated(whole_.integral);
  if (sure ? whole_.error != whole_.spread || whole_.error == 0 : whole_.error <= 100 * kEpsilon * whole_.absolute)
    return whole_.integral;
  Step step = Step::next;
  while (step == Step::next && work_.count() < kLimit) step = bisect();
  return step == Step::finish && extrapolated_is_better() ? extrapolated_.value : summed_up();
}

}  // namespace

double qags(const std::function<double(double)>& f, double begin, double end) {
  return Qags(f, gauss_kronrod(f, begin, end)).integrate();
}

}  // namespace twintrack

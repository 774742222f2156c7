#include "twintrack/evaluation/agreement_counts.hpp"

#include "twintrack/core/multiversion.hpp"
#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <numeric>

namespace twintrack {
namespace {

constexpr std::int64_t kGroup = BitMask::kWordBits;  // voxels of one word
constexpr std::int64_t kGroupsPerBlock = 1 << 12;
constexpr float kRounding = 1e-6F;
constexpr int kThresholds = static_cast<int>(kChallengeThresholds.size());

// Sums of every kLanes-th voxel: of fixed number, so that the result is the same for every instruction set.
constexpr int kLanes = 16;
using LaneSums = std::array<double, kLanes>;

// Adds a group to the sums; whether any of its voxels reaches the edge.
TWINTRACK_MULTIVERSION
bool add_group(const float* group, float edge, LaneSums& sums) {
  LaneSums own = sums;
  for (int i = 0; i < kGroup; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) own[lane] += static_cast<double>(group[i + lane]);
  }
  sums = own;
  int any = 0;
  for (int i = 0; i < kGroup; ++i) any |= group[i] >= edge ? 1 : 0;
  return any != 0;
}

std::vector<float> all_edges(int raters) {
  std::vector<float> edges;
  for (const double threshold : kChallengeThresholds) edges.push_back(first_float_above(threshold));
  for (int k = 1; k <= raters; ++k) edges.push_back(agreement_edge(k, raters));
  std::sort(edges.begin(), edges.end());
  edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
  return edges;
}

int level_of_edge(const std::vector<float>& edges, float edge) {
  return static_cast<int>(std::lower_bound(edges.begin(), edges.end(), edge) - edges.begin()) + 1;
}

void add(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
}

// Counts the groups of a block.
class GroupCounter {
 public:
  GroupCounter(AgreementCounts& counts, const RaterSet& raters) : counts_(counts), raters_(raters) {
    for (int t = 0; t < kThresholds; ++t)
      threshold_level_[t] = level_of_edge(counts.edges, first_float_above(kChallengeThresholds[t]));
  }

  void count(std::int64_t group, const float* p) {
    const bool reaches_edge = add_group(p, counts_.edges.front(), sums_);
    std::uint64_t marked = 0;
    for (const BitMask& mask : raters_.masks) marked |= mask.words()[group];
    if (marked == 0 && !reaches_edge) return;
    count_joint(group, p);
    if (marked != 0) count_pairs(group);
  }

  double probability_sum() const { return std::accumulate(sums_.begin(), sums_.end(), 0.0); }

 private:
  void count_joint(std::int64_t group, const float* p) {
    level_.fill(0);
    for (const float edge : counts_.edges) {
      for (int i = 0; i < kGroup; ++i) level_[i] = static_cast<std::uint8_t>(level_[i] + (p[i] >= edge ? 1 : 0));
    }
    std::array<std::uint8_t, kGroup> marked_by{};
    const std::int64_t begin = group * kGroup;
    const auto voxels = std::min(kGroup, raters_.geometry.voxel_count() - begin);
    rater_counts(raters_, begin, std::span(marked_by).first(static_cast<std::size_t>(voxels)));
    double product = 0;
    for (int i = 0; i < kGroup; ++i) {
      ++counts_.joint[level_[i] * (counts_.raters + 1) + marked_by[i]];
      product += static_cast<double>(p[i]) * marked_by[i];
    }
    counts_.probability_response_sum += product / counts_.raters;
  }

  void count_pairs(std::int64_t group) {
    for (int t = 0; t < kThresholds; ++t) {
      std::uint64_t above = 0;
      for (int i = 0; i < kGroup; ++i)
        above |= static_cast<std::uint64_t>(level_[i] >= threshold_level_[t] ? 1 : 0) << i;
      for (int k = 0; k < counts_.raters; ++k)
        counts_.map_rater[t * counts_.raters + k] += std::popcount(above & raters_.masks[k].words()[group]);
    }
    for (int k = 0; k < counts_.raters; ++k) {
      const std::uint64_t own = raters_.masks[k].words()[group];
      for (int l = 0; own != 0 && l < counts_.raters; ++l)
        counts_.rater_rater[k * counts_.raters + l] += std::popcount(own & raters_.masks[l].words()[group]);
    }
  }

  AgreementCounts& counts_;
  const RaterSet& raters_;
  LaneSums sums_{};
  std::array<int, kThresholds> threshold_level_{};
  std::array<std::uint8_t, kGroup> level_{};
};

AgreementCounts no_counts(int raters) {
  AgreementCounts counts;
  counts.raters = raters;
  counts.edges = all_edges(raters);
  counts.joint.assign((counts.edges.size() + 1) * (raters + 1), 0);
  counts.map_rater.assign(kThresholds * raters, 0);
  counts.rater_rater.assign(raters * raters, 0);
  return counts;
}

// 1 - intersection over union.
double distance(const Overlap& sets) { return 1 - intersection_over_union(sets); }

template <typename Distance>
double mean_over_pairs(int rows, int columns, const Distance& distance_of) {
  double sum = 0;
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) sum += distance_of(i, j);
  }
  return sum / (rows * columns);
}

}  // namespace

float agreement_edge(int k, int raters) { return static_cast<float>(k) / static_cast<float>(raters) - kRounding; }

Overlap AgreementCounts::at(float edge, int marked_by) const {
  const int level = level_of_edge(edges, edge);
  Overlap sets;
  for (int l = 0; l <= static_cast<int>(edges.size()); ++l) {
    for (int c = 0; c <= raters; ++c) {
      const std::int64_t voxels = joint[l * (raters + 1) + c];
      if (l >= level) sets.first += voxels;
      if (c >= marked_by) sets.second += voxels;
      if (l >= level && c >= marked_by) sets.both += voxels;
    }
  }
  return sets;
}

AgreementCounts count_agreement(std::span<const float> probability, const RaterSet& raters) {
  const auto voxels = static_cast<std::int64_t>(probability.size());
  const std::int64_t groups = (voxels + kGroup - 1) / kGroup;
  AgreementCounts total = no_counts(raters.size());
  std::vector<std::array<double, 2>> sums((groups + kGroupsPerBlock - 1) / kGroupsPerBlock);
  std::mutex mutex;
  parallel_for_blocks(groups, kGroupsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    AgreementCounts block = no_counts(raters.size());
    GroupCounter counter(block, raters);
    const std::int64_t whole = std::min(end, voxels / kGroup);
    for (std::int64_t group = begin; group < whole; ++group) counter.count(group, probability.data() + group * kGroup);
    if (whole < end) {
      std::array<float, kGroup> last{};
      std::copy(probability.begin() + whole * kGroup, probability.end(), last.begin());
      counter.count(whole, last.data());
    }
    sums[begin / kGroupsPerBlock] = {counter.probability_sum(), block.probability_response_sum};
    const std::lock_guard lock(mutex);
    add(total.joint, block.joint);
    add(total.map_rater, block.map_rater);
    add(total.rater_rater, block.rater_rater);
  });
  for (const auto& [probability_sum, product_sum] : sums) {
    total.probability_sum += probability_sum;
    total.probability_response_sum += product_sum;
  }
  total.joint[0] = 0;  // the voxels of skipped groups are not among them, those that fill up the last group are
  std::int64_t counted = 0;
  for (const std::int64_t count : total.joint) counted += count;
  total.joint[0] = voxels - counted;
  return total;
}

double thresholded_dice(const AgreementCounts& counts) {
  double sum = 0;
  for (const double threshold : kChallengeThresholds) {
    int marked_by = 0;
    while (static_cast<double>(marked_by) / counts.raters <= threshold) ++marked_by;
    sum += dice(counts.at(first_float_above(threshold), marked_by), kChallengeSmoothing);
  }
  return sum / kThresholds;
}

double soft_dice(const AgreementCounts& counts) {
  std::int64_t marks = 0;
  for (int k = 0; k < counts.raters; ++k) marks += counts.rater_rater[k * counts.raters + k];
  const double response_sum = static_cast<double>(marks) / counts.raters;
  const double sum = counts.probability_sum + response_sum;
  return sum == 0 ? 1.0 : 2 * counts.probability_response_sum / sum;
}

double generalized_energy_distance(const AgreementCounts& counts) {
  const int raters = counts.raters;
  const auto marked = [&](int k) { return counts.rater_rater[k * raters + k]; };
  std::array<std::int64_t, kThresholds> above{};
  for (int t = 0; t < kThresholds; ++t) above[t] = counts.at(first_float_above(kChallengeThresholds[t]), 0).first;
  const double between = mean_over_pairs(kThresholds, raters, [&](int t, int k) {
    return distance({counts.map_rater[t * raters + k], above[t], marked(k)});
  });
  const double between_raters = mean_over_pairs(raters, raters, [&](int k, int l) {
    return distance({counts.rater_rater[k * raters + l], marked(k), marked(l)});
  });
  const double between_maps = mean_over_pairs(kThresholds, kThresholds, [&](int s, int t) {
    return distance({std::min(above[s], above[t]), above[s], above[t]});  // the maps are nested
  });
  return 2 * between - between_raters - between_maps;
}

std::vector<AgreementLevel> agreement_levels(const AgreementCounts& counts, double voxel_volume_mm3) {
  std::vector<AgreementLevel> levels;
  for (int k = 1; k <= counts.raters; ++k) {
    const Overlap sets = counts.at(agreement_edge(k, counts.raters), k);
    levels.push_back({k, dice(sets), static_cast<double>(sets.first) * voxel_volume_mm3,
                      static_cast<double>(sets.second) * voxel_volume_mm3});
  }
  return levels;
}

}  // namespace twintrack

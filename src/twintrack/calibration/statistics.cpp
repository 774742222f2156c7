#include "twintrack/calibration/statistics.hpp"

#include "twintrack/calibration/voxel_counter.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <numeric>

namespace twintrack {
namespace {

constexpr std::int64_t kWordBits = BitMask::kWordBits;
constexpr std::int64_t kManyVoxels = std::int64_t{1} << 21;  // fewer are sorted sooner than a grid is gone through
constexpr int kMostCounters = 8;                             // bounds the memory: 34 MB each

using Classes = std::array<std::uint8_t, kWordBits>;

// Classes of the 64 voxels of a word; false when all are 0.
bool classes_of_word(const RaterSet& raters, const BitMask* binary, std::int64_t word, Classes& classes) {
  std::uint64_t any = binary != nullptr ? binary->words()[word] : 0;
  for (const BitMask& mask : raters.masks) any |= mask.words()[word];
  if (any == 0) return false;
  classes.fill(0);
  const auto mark = [&](std::uint64_t bits, int step) {
    for (; bits != 0; bits &= bits - 1) classes[std::countr_zero(bits)] += static_cast<std::uint8_t>(step);
  };
  for (const BitMask& mask : raters.masks) mark(mask.words()[word], 1);
  if (binary != nullptr) mark(binary->words()[word], raters.size() + 1);
  return true;
}

void check_probabilities(std::span<const float> run, const std::string& case_name) {
  const auto valid = [](float p) { return p >= 0.0F && p <= 1.0F; };
  int invalid = 0;
  for (const float p : run) invalid |= valid(p) ? 0 : 1;
  if (invalid == 0) return;
  throw InputError("case {}: {} is no probability, 0 to 1 is right", case_name, *std::ranges::find_if_not(run, valid));
}

// Counts the region's voxels among the words [begin, end).
void count_words(const CalibrationCase& item, const BitMask* binary, std::int64_t begin, std::int64_t end,
                 VoxelCounter& counter) {
  Classes classes{};
  std::array<float, kWordBits> chosen;
  for (std::int64_t word = begin; word < end; ++word) {
    std::uint64_t region = item.region.words()[word];
    if (region == 0) continue;
    const float* const p = item.probability.data() + word * kWordBits;
    const bool marked = classes_of_word(item.raters, binary, word, classes);
    std::size_t size = 0;
    const float* run = p;
    if (region == ~std::uint64_t{0}) {
      size = kWordBits;
    } else {
      run = chosen.data();
      for (; region != 0; region &= region - 1) {
        const int bit = std::countr_zero(region);
        classes[size] = classes[bit];
        chosen[size++] = p[bit];
      }
    }
    check_probabilities({run, size}, item.name);
    if (marked) {
      counter.add({run, size}, classes.data());
    } else {
      counter.add({run, size});
    }
  }
}

// One case's counters and what they add to.
struct Counted {
  std::vector<VoxelCounter>& counters;
  double voxel_weight;
  double divisor;                   // what a target of 1 counts as
  std::vector<std::uint64_t>& all;  // voxels of each of kCaseLevels
};

void drain_grid(const Counted& counted, LevelStatistics& levels) {
  for (VoxelCounter& counter : counted.counters) {
    if (!counter.on_grid()) counter.move_to_grid();
  }
  std::mutex mutex;
  levels.add_grid([&](std::size_t begin, std::span<double> weights, std::span<double> targets) {
    std::vector<std::uint64_t> voxels_of_level(kCaseLevels, 0);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      std::uint64_t voxels = 0;
      std::uint64_t target = 0;
      for (const VoxelCounter& counter : counted.counters) {
        voxels += counter.voxels_at(begin + i);
        target += counter.targets_at(begin + i);
      }
      if (voxels == 0) continue;
      weights[i] += counted.voxel_weight * static_cast<double>(voxels);
      targets[i] += counted.voxel_weight * static_cast<double>(target) / counted.divisor;
      voxels_of_level[case_level_of_step(begin + i)] += voxels;
    }
    const std::lock_guard lock(mutex);
    for (std::size_t level = 0; level < kCaseLevels; ++level) counted.all[level] += voxels_of_level[level];
  });
}

void drain_exact(const Counted& counted, LevelStatistics& levels) {
  LevelStatistics whole;  // numbers, so that the sums do not depend on how voxels are spread over counters
  for (const VoxelCounter& counter : counted.counters) {
    std::vector<Level> list;
    for (const auto& [bits, packed] : counter.exact()) {
      list.push_back(
          {std::bit_cast<float>(bits), static_cast<double>(packed >> 32), static_cast<double>(packed & 0xFFFFFFFFU)});
    }
    whole.add(list);
  }
  if (whole.on_grid()) return drain_grid(counted, levels);  // few in each counter, too many together
  std::vector<Level> list = whole.levels();
  for (Level& level : list) {
    counted.all[case_level(level.probability)] += static_cast<std::uint64_t>(level.weight);
    level.weight *= counted.voxel_weight;
    level.target_sum = counted.voxel_weight * level.target_sum / counted.divisor;
  }
  levels.add(list);
}

void drain(const Counted& counted, LevelStatistics& levels) {
  const bool on_grid = std::ranges::any_of(counted.counters, [](const VoxelCounter& c) { return c.on_grid(); });
  if (on_grid) {
    drain_grid(counted, levels);
  } else {
    drain_exact(counted, levels);
  }
}

std::vector<std::uint64_t> voxels_by_raters(const RaterSet& raters) {
  std::vector<std::uint64_t> voxels(raters.size() + 1, 0);
  for (const RaterPattern& p : rater_patterns(raters)) voxels[std::popcount(p.pattern)] += p.voxels;
  return voxels;
}

// The occupied levels: `all` voxels of each level, those of classes other than 0 in `marked`.
void collect(const std::vector<std::uint64_t>& all, std::vector<std::uint64_t>& marked, CaseLevels& item) {
  const int classes = item.classes();
  for (std::uint32_t level = 0; level < kCaseLevels; ++level) {
    if (all[level] == 0) continue;
    const auto row = marked.begin() + static_cast<std::ptrdiff_t>(level) * classes;
    *row = all[level] - std::accumulate(row + 1, row + classes, std::uint64_t{0});
    item.levels.push_back(level);
    item.counts.insert(item.counts.end(), row, row + classes);
    for (int c = 0; c < classes; ++c) item.outside[item.marked_by(c)] -= row[c];
  }
}

// The case of this name or made of these files, or nullptr.
const CaseLevels* find_case(const CalibrationStatistics& statistics, const std::string& name,
                            const std::string& identity) {
  const auto known = std::ranges::find_if(statistics.cases, [&](const CaseLevels& item) {
    return item.name == name || (!identity.empty() && item.identity == identity);
  });
  return known == statistics.cases.end() ? nullptr : &*known;
}

}  // namespace

void add_case(CalibrationStatistics& statistics, const CalibrationCase& item) {
  if (const CaseLevels* const known = find_case(statistics, item.name, item.identity)) {
    throw InputError("case {}: was added already (as {}) and would count twice", item.name, known->name);
  }
  const bool binary = statistics.target.kind != CalibrationTarget::Kind::mean_human_response;
  const BitMask target = binary ? binary_target(statistics.target, item.raters, item.name) : BitMask();
  const std::int64_t region_voxels = count(item.region);
  if (region_voxels == 0) throw InputError("case {}: the region of interest is empty", item.name);

  CaseLevels summary{item.name, item.identity, item.raters.size(), binary, 1.0, {}, {}, {}};
  if (statistics.case_weight == CaseWeight::equal) summary.voxel_weight = 1.0 / static_cast<double>(region_voxels);
  summary.outside = voxels_by_raters(item.raters);
  const int classes = summary.classes();
  const double divisor = binary ? 1.0 : item.raters.size();
  std::vector<std::uint8_t> targets;
  for (int c = 0; c < classes; ++c) targets.push_back(static_cast<std::uint8_t>(summary.target(c) * divisor + 0.5));

  const auto words = static_cast<std::int64_t>(item.region.words().size());
  const std::int64_t counters_used = std::clamp(thread_count(), 1, kMostCounters);
  // As many as one counter takes, so that where a large case is cut does not depend on the threads.
  const std::int64_t most_words = VoxelCounter::most_voxels(targets) / kWordBits;
  std::vector<std::uint64_t> all(kCaseLevels, 0);
  std::vector<std::uint64_t> marked(static_cast<std::size_t>(kCaseLevels) * classes, 0);
  for (std::int64_t begin = 0; begin < words; begin += most_words) {
    const std::int64_t end = std::min(words, begin + most_words);
    const std::int64_t piece = (end - begin + counters_used - 1) / counters_used;
    std::vector<VoxelCounter> counters(counters_used, VoxelCounter(targets, false));
    parallel_for(counters_used, [&](std::int64_t i) {
      if (statistics.levels.on_grid() && region_voxels >= kManyVoxels) counters[i].move_to_grid();
      count_words(item, binary ? &target : nullptr, std::min(end, begin + i * piece),
                  std::min(end, begin + (i + 1) * piece), counters[i]);
      counters[i].finish();
    });
    drain({counters, summary.voxel_weight, divisor, all}, statistics.levels);
    for (const VoxelCounter& counter : counters) {
      for (std::size_t i = 0; i < marked.size(); ++i) marked[i] += counter.marked_counts()[i];
    }
  }
  collect(all, marked, summary);
  statistics.cases.push_back(std::move(summary));
}

void merge(CalibrationStatistics& statistics, const CalibrationStatistics& other, const std::string& source) {
  if (!(statistics.target == other.target)) {
    throw InputError("{}: fitted to {}, the others to {}", source, to_string(other.target),
                     to_string(statistics.target));
  }
  if (statistics.case_weight != other.case_weight) {
    throw InputError("{}: --case-weight differs from the others'", source);
  }
  if (statistics.networks_sha256 != other.networks_sha256) {
    throw InputError("{}: its probabilities come from other networks than the others'", source);
  }
  for (const CaseLevels& item : other.cases) {
    if (const CaseLevels* const known = find_case(statistics, item.name, item.identity)) {
      throw InputError("{}: case {} is in another file too (as {}) and would count twice", source, item.name,
                       known->name);
    }
  }
  statistics.levels.add(other.levels);
  statistics.cases.insert(statistics.cases.end(), other.cases.begin(), other.cases.end());
}

}  // namespace twintrack

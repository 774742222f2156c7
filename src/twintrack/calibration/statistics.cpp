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

// Byte i of entry b is bit i of b.
constexpr std::array<std::uint64_t, 256> kBytesOfBits = [] {
  std::array<std::uint64_t, 256> bytes{};
  for (std::uint64_t b = 0; b < 256; ++b) {
    for (int i = 0; i < 8; ++i) bytes[b] |= (b >> i & 1) << (8 * i);
  }
  return bytes;
}();

// Adds `step` to the class of each voxel whose bit is set.
void mark(std::uint64_t bits, std::uint64_t step, std::array<std::uint64_t, 8>& classes) {
  for (std::uint64_t& eight : classes) {
    eight += step * kBytesOfBits[bits & 0xFF];
    bits >>= 8;
  }
}

// Classes of the 64 voxels of a word, and which of them are other than 0.
std::uint64_t classes_of_word(const RaterSet& raters, const BitMask* binary, std::int64_t word, Classes& classes) {
  std::uint64_t any = binary != nullptr ? binary->words()[word] : 0;
  for (const BitMask& mask : raters.masks) any |= mask.words()[word];
  if (any == 0) return 0;
  std::array<std::uint64_t, 8> eights{};
  for (const BitMask& mask : raters.masks) mark(mask.words()[word], 1, eights);
  if (binary != nullptr) mark(binary->words()[word], raters.size() + 1, eights);
  classes = std::bit_cast<Classes>(eights);
  return any;
}

void check_probabilities(std::span<const float> run, const std::string& case_name) {
  const auto valid = [](float p) { return p >= 0.0F && p <= 1.0F; };
  int invalid = 0;
  for (const float p : run) invalid |= valid(p) ? 0 : 1;
  if (invalid == 0) return;
  throw InputError("case {}: {} is no probability, 0 to 1 is right", case_name, *std::ranges::find_if_not(run, valid));
}

// What is counted of a part of a case.
struct Part {
  VoxelCounter counter;
  std::vector<std::uint64_t> outside;  // voxels outside the region by class, those of class 0 left out
};

// Counts the voxels of the words [begin, end).
void count_words(const CalibrationCase& item, const BitMask* binary, std::int64_t begin, std::int64_t end, Part& part) {
  Classes classes{};
  std::array<float, kWordBits> chosen;
  for (std::int64_t word = begin; word < end; ++word) {
    std::uint64_t region = item.region.words()[word];
    const std::uint64_t marked = classes_of_word(item.raters, binary, word, classes);
    for (std::uint64_t bits = marked & ~region; bits != 0; bits &= bits - 1)
      ++part.outside[classes[std::countr_zero(bits)]];
    if (region == 0) continue;
    const float* run = item.probability.data() + word * kWordBits;
    std::size_t size = kWordBits;
    if (region != ~std::uint64_t{0}) {
      size = 0;
      for (; region != 0; region &= region - 1) {
        const int bit = std::countr_zero(region);
        classes[size] = classes[bit];
        chosen[size++] = run[bit];
      }
      run = chosen.data();
    }
    check_probabilities({run, size}, item.name);
    if (marked != 0) {
      part.counter.add({run, size}, classes.data());
    } else {
      part.counter.add({run, size});
    }
  }
}

// One case's counters and what they add to.
struct Counted {
  std::vector<Part>& parts;
  double voxel_weight;
  double divisor;                   // what a target of 1 counts as
  std::vector<std::uint64_t>& all;  // voxels of each of kCaseLevels
};

void drain_grid(const Counted& counted, LevelStatistics& levels) {
  for (Part& part : counted.parts) {
    if (!part.counter.on_grid()) part.counter.move_to_grid();
  }
  std::mutex mutex;
  levels.add_grid([&](std::size_t begin, std::span<double> weights, std::span<double> targets) {
    std::vector<std::uint64_t> voxels_of_level(kCaseLevels, 0);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      std::uint64_t voxels = 0;
      std::uint64_t target = 0;
      for (const Part& part : counted.parts) {
        voxels += part.counter.voxels_at(begin + i);
        target += part.counter.targets_at(begin + i);
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

// All parts' exact counts: whole numbers, so that the sums do not depend on how voxels are spread over parts.
std::vector<VoxelCounter::Exact> merged_exact(const std::vector<Part>& parts) {
  std::vector<VoxelCounter::Exact> all;
  for (const Part& part : parts) {
    const auto middle = std::ssize(all);
    all.insert(all.end(), part.counter.exact().begin(), part.counter.exact().end());
    std::inplace_merge(all.begin(), all.begin() + middle, all.end(),
                       [](const auto& a, const auto& b) { return a.bits < b.bits; });
  }
  std::size_t used = 0;
  for (const VoxelCounter::Exact& level : all) {
    if (used > 0 && all[used - 1].bits == level.bits) {
      all[used - 1].packed += level.packed;
    } else {
      all[used++] = level;
    }
  }
  all.resize(used);
  return all;
}

void drain_exact(const Counted& counted, LevelStatistics& levels) {
  const std::vector<VoxelCounter::Exact> exact = merged_exact(counted.parts);
  if (exact.size() > kExactLevels) return drain_grid(counted, levels);  // few in each part, too many together
  std::vector<Level> list;
  list.reserve(exact.size());
  for (const auto& [bits, packed] : exact) {
    const auto probability = std::bit_cast<float>(bits);
    const std::uint64_t voxels = packed >> 32;
    counted.all[case_level(probability)] += voxels;
    list.push_back({probability, counted.voxel_weight * static_cast<double>(voxels),
                    counted.voxel_weight * static_cast<double>(packed & 0xFFFFFFFFU) / counted.divisor});
  }
  levels.add(std::move(list));
}

void drain(const Counted& counted, LevelStatistics& levels) {
  const bool on_grid = std::ranges::any_of(counted.parts, [](const Part& part) { return part.counter.on_grid(); });
  if (on_grid) {
    drain_grid(counted, levels);
  } else {
    drain_exact(counted, levels);
  }
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
  summary.outside.assign(item.raters.size() + 1, 0);
  summary.outside[0] = static_cast<std::uint64_t>(item.region.size() - region_voxels);
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
    std::vector<Part> parts(counters_used, {VoxelCounter(targets, false), std::vector<std::uint64_t>(classes, 0)});
    parallel_for(counters_used, [&](std::int64_t i) {
      if (statistics.levels.on_grid() && region_voxels >= kManyVoxels) parts[i].counter.move_to_grid();
      count_words(item, binary ? &target : nullptr, std::min(end, begin + i * piece),
                  std::min(end, begin + (i + 1) * piece), parts[i]);
      parts[i].counter.finish();
    });
    drain({parts, summary.voxel_weight, divisor, all}, statistics.levels);
    for (const Part& part : parts) {
      for (std::size_t i = 0; i < marked.size(); ++i) marked[i] += part.counter.marked_counts()[i];
      for (int c = 0; c < classes; ++c) {
        summary.outside[summary.marked_by(c)] += part.outside[c];
        summary.outside[0] -= part.outside[c];
      }
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
    throw InputError(
        "{}: its probabilities come from other networks than the others', or only one of both says from which", source);
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

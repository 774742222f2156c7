#include "twintrack/cohort/rater_set.hpp"

#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>

namespace twintrack {
namespace {

constexpr std::int64_t kWordBits = BitMask::kWordBits;
constexpr std::int64_t kWordsPerBlock = 1 << 12;

std::uint64_t any_of(const RaterSet& raters, std::int64_t word) {
  std::uint64_t any = 0;
  for (const BitMask& mask : raters.masks) any |= mask.words()[word];
  return any;
}

std::uint64_t pattern_at(const RaterSet& raters, std::int64_t word, int bit) {
  std::uint64_t pattern = 0;
  for (std::size_t k = 0; k < raters.masks.size(); ++k) pattern |= (raters.masks[k].words()[word] >> bit & 1) << k;
  return pattern;
}

}  // namespace

void rater_counts(const RaterSet& raters, std::int64_t begin, std::span<std::uint8_t> counts) {
  std::fill(counts.begin(), counts.end(), std::uint8_t{0});
  const auto size = static_cast<std::int64_t>(counts.size());
  for (const BitMask& mask : raters.masks) {
    for (std::int64_t i = 0; i < size; i += kWordBits) {
      std::uint64_t word = mask.words()[(begin + i) / kWordBits];
      if (size - i < kWordBits) word &= (std::uint64_t{1} << (size - i)) - 1;
      for (; word != 0; word &= word - 1) ++counts[i + std::countr_zero(word)];
    }
  }
}

Box3 bounding_box(const RaterSet& raters) {
  Box3 all;
  for (const BitMask& mask : raters.masks) all = union_of(all, bounding_box(mask));
  return all;
}

std::vector<RaterPattern> rater_patterns(const RaterSet& raters) {
  const std::int64_t words = static_cast<std::int64_t>(raters.masks.front().words().size());
  std::vector<std::unordered_map<std::uint64_t, std::int64_t>> found((words + kWordsPerBlock - 1) / kWordsPerBlock);
  parallel_for_blocks(words, kWordsPerBlock, [&](std::int64_t begin, std::int64_t end) {
    auto& patterns = found[begin / kWordsPerBlock];
    for (std::int64_t w = begin; w < end; ++w) {
      for (std::uint64_t any = any_of(raters, w); any != 0; any &= any - 1)
        ++patterns[pattern_at(raters, w, std::countr_zero(any))];
    }
  });
  std::map<std::uint64_t, std::int64_t> all;
  std::int64_t marked = 0;
  for (const auto& patterns : found) {
    for (const auto& [pattern, voxels] : patterns) {
      all[pattern] += voxels;
      marked += voxels;
    }
  }
  if (const std::int64_t rest = raters.geometry.voxel_count() - marked; rest > 0) all[0] = rest;
  std::vector<RaterPattern> list;
  for (const auto& [pattern, voxels] : all) list.push_back({pattern, voxels});
  return list;
}

BitMask voxels_with(const RaterSet& raters, std::span<const RaterPattern> patterns, const std::vector<bool>& chosen) {
  BitMask result(raters.geometry.shape());
  const std::span<std::uint64_t> words = result.words();
  const bool rest = patterns.front().pattern == 0 && chosen.front();
  parallel_for_blocks(
      static_cast<std::int64_t>(words.size()), kWordsPerBlock, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t w = begin; w < end; ++w) {
          const std::uint64_t any = any_of(raters, w);
          for (std::uint64_t bits = any; bits != 0; bits &= bits - 1) {
            const int bit = std::countr_zero(bits);
            const auto place = std::lower_bound(
                patterns.begin(), patterns.end(), pattern_at(raters, w, bit),
                [](const RaterPattern& known, std::uint64_t pattern) { return known.pattern < pattern; });
            if (chosen[place - patterns.begin()]) words[w] |= std::uint64_t{1} << bit;
          }
          if (rest) words[w] |= ~any;
        }
      });
  if (const std::int64_t last = result.size() % kWordBits; rest && last != 0)
    words.back() &= (std::uint64_t{1} << last) - 1;
  return result;
}

BitMask majority(const RaterSet& raters) {
  const std::vector<RaterPattern> patterns = rater_patterns(raters);
  std::vector<bool> chosen;
  for (const RaterPattern& p : patterns) chosen.push_back(2 * std::popcount(p.pattern) > raters.size());
  return voxels_with(raters, patterns, chosen);
}

}  // namespace twintrack

#include "twintrack/training/foreground_voxels.hpp"

#include "twintrack/core/parallel.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace twintrack {
namespace {

constexpr std::int64_t kFewest = 10'000;
constexpr std::int64_t kOneIn = 100;
constexpr std::int64_t kBlock = 1 << 18;

// `count` different numbers of [0, total), ascending; every subset is as likely as any other (Floyd's algorithm).
std::vector<std::int64_t> draw_ranks(std::int64_t total, std::int64_t count, Random& random) {
  std::vector<std::int64_t> ranks(count);
  if (count == total) {
    std::iota(ranks.begin(), ranks.end(), std::int64_t{0});
    return ranks;
  }
  std::unordered_set<std::int64_t> drawn;
  for (std::int64_t i = total - count; i < total; ++i) {
    const std::int64_t rank = random.below(i + 1);
    drawn.insert(drawn.contains(rank) ? i : rank);
  }
  std::copy(drawn.begin(), drawn.end(), ranks.begin());
  std::sort(ranks.begin(), ranks.end());
  return ranks;
}

}  // namespace

std::vector<std::int64_t> sample_voxels(std::span<const std::int16_t> labels, const LabelSet& chosen, Random& random) {
  const std::vector<std::uint8_t> is_chosen(chosen.begin(), chosen.end());
  const std::int64_t blocks = (std::ssize(labels) + kBlock - 1) / kBlock;
  std::vector<std::int64_t> before(blocks + 1);  // how many chosen voxels lie before each block
  parallel_for_blocks(std::ssize(labels), kBlock, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t count = 0;
    for (std::int64_t i = begin; i < end; ++i) count += is_chosen[labels[i]];
    before[begin / kBlock + 1] = count;
  });
  std::partial_sum(before.begin(), before.end(), before.begin());
  const std::int64_t total = before.back();
  const std::int64_t wanted = std::min(total, std::max(kFewest, (total + kOneIn - 1) / kOneIn));
  const std::vector<std::int64_t> ranks = draw_ranks(total, wanted, random);
  std::vector<std::int64_t> voxels(ranks.size());
  parallel_for_blocks(std::ssize(labels), kBlock, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t rank = before[begin / kBlock];
    auto next = std::lower_bound(ranks.begin(), ranks.end(), rank);
    for (std::int64_t i = begin; i < end && next != ranks.end(); ++i) {
      if (is_chosen[labels[i]] == 0 || rank++ != *next) continue;
      voxels[next - ranks.begin()] = i;
      ++next;
    }
  });
  return voxels;
}

}  // namespace twintrack

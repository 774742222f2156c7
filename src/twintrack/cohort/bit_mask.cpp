#include "twintrack/cohort/bit_mask.hpp"

#include <algorithm>
#include <bit>

namespace twintrack {
namespace {

constexpr std::int64_t kWordBits = BitMask::kWordBits;

// The bits [first, last) of a word.
std::uint64_t bits_between(std::int64_t first, std::int64_t last) {
  const std::uint64_t below_last = last == kWordBits ? ~std::uint64_t{0} : (std::uint64_t{1} << last) - 1;
  return below_last & ~((std::uint64_t{1} << first) - 1);
}

// Calls visit(index of the word, those of its bits) for each word that holds some of the voxels [begin, end).
template <typename Visit>
void visit_words(std::span<const std::uint64_t> words, std::int64_t begin, std::int64_t end, Visit&& visit) {
  for (std::int64_t w = begin / kWordBits; w * kWordBits < end; ++w) {
    const std::int64_t first = std::max(begin - w * kWordBits, std::int64_t{0});
    const std::int64_t last = std::min(end - w * kWordBits, kWordBits);
    visit(w, words[w] & bits_between(first, last));
  }
}

}  // namespace

std::int64_t count(const BitMask& mask) {
  std::int64_t set = 0;
  for (const std::uint64_t word : mask.words()) set += std::popcount(word);
  return set;
}

std::int64_t count_of_both(const BitMask& a, const BitMask& b) {
  std::int64_t set = 0;
  for (std::size_t w = 0; w < a.words().size(); ++w) set += std::popcount(a.words()[w] & b.words()[w]);
  return set;
}

Box3 bounding_box(const BitMask& mask) {
  const auto [nz, ny, nx] = mask.shape();
  Box3 box{mask.shape(), {}};
  for (std::int64_t row = 0; row < nz * ny; ++row) {
    std::int64_t first = nx;
    std::int64_t last = -1;
    visit_words(mask.words(), row * nx, (row + 1) * nx, [&, nx = nx](std::int64_t w, std::uint64_t bits) {
      if (bits == 0) return;
      first = std::min(first, w * kWordBits + std::countr_zero(bits) - row * nx);
      last = w * kWordBits + (kWordBits - 1 - std::countl_zero(bits)) - row * nx;
    });
    if (last < 0) continue;
    const Shape3 low{row / ny, row % ny, first};
    const Shape3 high{row / ny + 1, row % ny + 1, last + 1};
    for (int axis = 0; axis < 3; ++axis) {
      box.begin[axis] = std::min(box.begin[axis], low[axis]);
      box.end[axis] = std::max(box.end[axis], high[axis]);
    }
  }
  return box.empty() ? Box3{} : box;
}

std::vector<std::uint8_t> unpack(const BitMask& mask, const Box3& box) {
  const auto [nz, ny, nx] = mask.shape();
  const auto [bz, by, bx] = box.shape();
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(voxel_count(box.shape())), 0);
  for (std::int64_t z = 0; z < bz; ++z) {
    for (std::int64_t y = 0; y < by; ++y) {
      const std::int64_t begin = ((box.begin[0] + z) * ny + box.begin[1] + y) * nx + box.begin[2];
      std::uint8_t* const row = bytes.data() + (z * by + y) * bx;
      visit_words(mask.words(), begin, begin + bx, [&](std::int64_t w, std::uint64_t bits) {
        for (; bits != 0; bits &= bits - 1) row[w * kWordBits + std::countr_zero(bits) - begin] = 1;
      });
    }
  }
  return bytes;
}

}  // namespace twintrack

#include "twintrack/volume/dicom_slice_reader.hpp"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <tuple>

#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack::volume_io {
namespace {

// Of one decoder: enough that starting its process does not count.
constexpr std::size_t slices_per_block = 16;

std::vector<const Slice*> compressed_of(const std::vector<const Slice*>& slices) {
  std::vector<const Slice*> compressed;
  std::ranges::copy_if(slices, std::back_inserter(compressed), [](const Slice* s) { return s->pixels.compressed; });
  return compressed;
}

}  // namespace

SliceReader::SliceReader(std::vector<const Slice*> slices) : slices_(std::move(slices)) {
  if (const auto compressed = compressed_of(slices_); !compressed.empty()) decoder_.emplace(compressed);
}

std::int64_t SliceReader::next(std::span<float> pixels) {
  throw_if_interrupted();
  const Slice& slice = *slices_[next_++];
  if (!slice.pixels.compressed) return read_pixels(slice.file, slice.pixels, pixels);
  stored_.resize(slice.pixels.stored_bytes());
  decoder_->next(stored_);
  return convert_pixels(stored_, slice.pixels, pixels);
}

std::int64_t read_slices(const std::vector<Slice>& slices, std::span<float> voxels) {
  const std::size_t pixel_count = voxels.size() / slices.size();
  const std::size_t blocks = (slices.size() + slices_per_block - 1) / slices_per_block;
  std::atomic<std::int64_t> padded = 0;
  parallel_for(static_cast<std::int64_t>(blocks), [&](std::int64_t block) {
    const std::size_t begin = static_cast<std::size_t>(block) * slices_per_block;
    const std::size_t end = std::min(begin + slices_per_block, slices.size());
    std::vector<const Slice*> part;
    for (std::size_t i = begin; i < end; ++i) part.push_back(&slices[i]);
    SliceReader reader(part);
    for (std::size_t i = begin; i < end; ++i) padded += reader.next(voxels.subspan(i * pixel_count, pixel_count));
  });
  return padded;
}

bool have_same_pixels(const Slice& a, const Slice& b) {
  const auto count = static_cast<std::size_t>(a.pixels.rows * a.pixels.columns);
  std::vector<float> first(count);
  std::vector<float> second(count);
  SliceReader reader({&a, &b});
  reader.next(first);
  reader.next(second);
  return first == second;
}

}  // namespace twintrack::volume_io

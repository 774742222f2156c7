// The pixels of slices, whatever their transfer syntax. Internal to this module.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "twintrack/volume/dicom_slice.hpp"
#include "twintrack/volume/gdcm_decoder.hpp"

namespace twintrack::volume_io {

// One slice after the other.
class SliceReader {
 public:
  // `slices` must outlive it.
  explicit SliceReader(std::vector<const Slice*> slices);

  // Rescaled pixels of the next slice, x fastest; returns how many were padding. Throws InputError when they are
  // damaged.
  std::int64_t next(std::span<float> pixels);

 private:
  std::vector<const Slice*> slices_;
  std::size_t next_ = 0;
  std::optional<GdcmDecoder> decoder_;
  std::vector<std::byte> stored_;
};

// All of them side by side, spread over the threads; returns how many were padding.
std::int64_t read_slices(const std::vector<Slice>& slices, std::span<float> voxels);

bool have_same_pixels(const Slice& a, const Slice& b);

}  // namespace twintrack::volume_io

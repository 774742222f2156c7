// Compressed DICOM pixels, by GDCM's codecs. Internal to this module.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "twintrack/volume/dicom_slice.hpp"

namespace twintrack::volume_io {

// Decodes one slice after the other, in a child process: damaged compressed data make codecs write out of bounds or
// abort, which then is an InputError like any other. The codecs get the bytes of a frame, never a file.
class GdcmDecoder {
 public:
  // `slices` must outlive it, all of them compressed.
  explicit GdcmDecoder(const std::vector<const Slice*>& slices);
  ~GdcmDecoder();
  GdcmDecoder(const GdcmDecoder&) = delete;
  GdcmDecoder& operator=(const GdcmDecoder&) = delete;

  // Of the next slice: its pixels as they are stored uncompressed, in little endian.
  void next(std::span<std::byte> stored);

 private:
  std::vector<const Slice*> slices_;
  std::size_t next_ = 0;
  int process_ = -1;
  int input_ = -1;
};

}  // namespace twintrack::volume_io

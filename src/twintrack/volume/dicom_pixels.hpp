// The pixels of one DICOM frame. Internal to this module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "twintrack/volume/dicom_instance.hpp"

namespace twintrack::volume_io {

// What voxels hold that no ray has passed: outside a slice, and in place of padding.
constexpr float air_hu = -1024;

struct Padding {  // stored values, both included
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
};

// How the pixels of one frame are stored (PS3.5, 8.1).
struct PixelLayout {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::string transfer_syntax;
  bool compressed = false;  // by a codec that GDCM knows; its bytes are `fragments`
  bool big_endian = false;
  std::uint64_t deflated_offset = 0;  // as in DicomHeader
  std::uint64_t offset = 0;           // of the frame's first pixel
  std::vector<PixelFragment> fragments;
  std::shared_ptr<const std::vector<std::byte>> inflated;  // where many frames share one deflated stream: all of them
  int bytes_allocated = 2;
  int bits_stored = 16;
  int high_bit = 15;
  bool is_signed = false;
  double slope = 1;
  double intercept = 0;
  std::optional<Padding> padding;        // becomes air_hu
  std::optional<double> padding_tissue;  // HU of a Pixel Padding Value that tissue has too; it is no padding then

  std::size_t stored_bytes() const { return static_cast<std::size_t>(rows * columns * bytes_allocated); }
};

// Of a frame (attributes that hold for it, DicomInstance::frame) of an image: frame `index` of `count`. Throws
// InputError for colour, transfer syntaxes that cannot be read, impossible sizes and bits, and too few pixel data.
PixelLayout pixel_layout(const DicomInstance& image, const DicomInstance& frame, std::size_t index, std::size_t count);

// The Pixel Data of a deflated image.
std::shared_ptr<const std::vector<std::byte>> inflated_pixels(const DicomInstance& image);

// slope * stored + intercept; returns how many were padding.
std::int64_t convert_pixels(std::span<const std::byte> stored, const PixelLayout& layout, std::span<float> pixels);

// The same for pixels that are not compressed. Throws InputError when the file breaks off.
std::int64_t read_pixels(const std::filesystem::path& file, const PixelLayout& layout, std::span<float> pixels);

}  // namespace twintrack::volume_io

// The structure of a DICOM file (PS3.5, PS3.10). Internal to this module.
//
// Every file is walked through to its last byte: lengths, sequences and fragments of pixel data are sound when this has
// passed, and codecs see nothing but the bytes of one frame.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "twintrack/volume/dicom_attributes.hpp"

namespace twintrack::volume_io {

// Values as the file holds them.
using DicomValues = std::map<DicomTag, std::string>;

struct PixelFragment {
  std::uint64_t offset = 0;  // of its first byte in the file
  std::uint32_t bytes = 0;
};

struct DicomHeader {
  std::filesystem::path file;
  DicomValues values;  // attribute::of_image, each of at most 1 KiB
  // attribute::of_frame in the functional groups of a multi-frame image: those of all frames, those of each.
  DicomValues shared;
  std::vector<DicomValues> per_frame;

  bool big_endian = false;
  bool has_pixel_data = false;
  std::uint64_t pixel_offset = 0;  // of the value of Pixel Data in the file, or in what a deflated data set inflates to
  std::uint64_t pixel_bytes = 0;
  std::uint64_t deflated_offset = 0;  // where a deflated data set begins in the file; 0: it is not deflated
  // Of encapsulated pixel data (PS3.5, A.4); none when they are native.
  std::string offset_table;
  std::vector<PixelFragment> fragments;
};

// `head` is the beginning of a DICOM file ("DICM" behind 128 bytes).
bool is_dicom(std::string_view head);
constexpr std::size_t dicom_preamble_bytes = 132;

// Throws InputError when the file is damaged or truncated.
DicomHeader read_dicom_header(const std::filesystem::path& file);

}  // namespace twintrack::volume_io

// The attributes of one DICOM image by name. Internal to this module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twintrack/volume/dicom_attributes.hpp"
#include "twintrack/volume/dicom_header.hpp"

namespace twintrack::volume_io {

class DicomInstance {
 public:
  explicit DicomInstance(DicomHeader header) : header_(std::move(header)) {}

  const std::filesystem::path& file() const { return header_.file; }
  const DicomHeader& header() const { return header_; }

  bool has(const DicomAttribute& attribute) const { return header_.values.contains(attribute.tag); }
  // Without padding, white space between several values; empty where the file has none.
  std::string text(const DicomAttribute& attribute) const;
  // Decimal strings. Throws InputError unless there are `count`, all of them finite.
  std::vector<double> numbers(const DicomAttribute& attribute, std::size_t count) const;
  double number_or(const DicomAttribute& attribute, double otherwise) const;
  // A binary number of 16 bits (VR US), `otherwise` where the file has none.
  std::int64_t unsigned_short_or(const DicomAttribute& attribute, std::int64_t otherwise) const;

  // A binary number of 32 bits (VR UL) as text; empty where the file has none.
  std::string unsigned_long_text(const DicomAttribute& attribute) const;

  // Number of Frames, 1 where the file has none. Throws InputError when it is no number from 1 to 2^31 - 1.
  std::int64_t frame_count() const;
  // Its frames have functional groups of their own (PS3.3, C.7.6.16).
  bool is_enhanced() const { return !header_.per_frame.empty(); }
  // The attributes that hold for a frame of an enhanced image; without pixel data.
  DicomInstance frame(std::size_t index) const;

 private:
  DicomHeader header_;
};

}  // namespace twintrack::volume_io

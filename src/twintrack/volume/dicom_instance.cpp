#include "twintrack/volume/dicom_instance.hpp"

#include <array>
#include <cmath>
#include <limits>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/text_fields.hpp"

namespace twintrack::volume_io {

std::string DicomInstance::text(const DicomAttribute& attribute) const {
  const auto found = header_.values.find(attribute.tag);
  if (found == header_.values.end()) return {};
  std::string value = found->second;
  for (char& c : value) c = c == '\\' || c == '\0' ? ' ' : c;
  return std::string(trimmed(value));
}

std::vector<double> DicomInstance::numbers(const DicomAttribute& attribute, std::size_t count) const {
  std::string value = text(attribute);
  if (value.empty()) throw InputError("{}: the DICOM file has no {}", file().string(), attribute.name);
  for (std::size_t i = 0; i < value.size(); ++i) {  // a decimal string may say +1
    if (value[i] == '+' && (i == 0 || value[i - 1] == ' ')) value[i] = ' ';
  }
  const std::vector<double> parsed = parse_numbers(value, count, {file(), attribute.name});
  for (const double number : parsed) {
    if (!std::isfinite(number))
      throw InputError("{}: {}: {} is no finite number", file().string(), attribute.name, number);
  }
  return parsed;
}

double DicomInstance::number_or(const DicomAttribute& attribute, double otherwise) const {
  return text(attribute).empty() ? otherwise : numbers(attribute, 1).front();
}

std::int64_t DicomInstance::unsigned_short_or(const DicomAttribute& attribute, std::int64_t otherwise) const {
  const auto found = header_.values.find(attribute.tag);
  if (found == header_.values.end() || found->second.empty()) return otherwise;
  if (found->second.size() != 2) throw InputError("{}: {} is no 16-bit number", file().string(), attribute.name);
  const std::array raw = {static_cast<unsigned char>(found->second[0]), static_cast<unsigned char>(found->second[1])};
  return header_.big_endian ? raw[0] << 8 | raw[1] : raw[1] << 8 | raw[0];
}

std::string DicomInstance::unsigned_long_text(const DicomAttribute& attribute) const {
  const auto found = header_.values.find(attribute.tag);
  if (found == header_.values.end() || found->second.size() != 4) return {};
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value |= std::uint32_t{static_cast<unsigned char>(found->second[i])} << 8 * (header_.big_endian ? 3 - i : i);
  return std::to_string(value);
}

std::int64_t DicomInstance::frame_count() const {
  const double count = number_or(attribute::frames, 1);
  if (!(count >= 1 && count <= std::numeric_limits<std::int32_t>::max()) || count != std::floor(count))
    throw InputError("{}: {} is {}, expected a whole number from 1", file().string(), attribute::frames.name, count);
  return static_cast<std::int64_t>(count);
}

DicomInstance DicomInstance::frame(std::size_t index) const {
  DicomHeader header;
  header.file = header_.file;
  header.big_endian = header_.big_endian;
  header.values = header_.per_frame[index];
  header.values.insert(header_.shared.begin(), header_.shared.end());
  for (const auto& [tag, value] : header_.values) {
    // Position and the like hold for a frame only where its functional groups say so.
    bool of_frame = false;
    for (const DicomAttribute& attribute : attribute::of_frame) of_frame |= attribute.tag == tag;
    if (!of_frame) header.values.emplace(tag, value);
  }
  return DicomInstance(std::move(header));
}

}  // namespace twintrack::volume_io

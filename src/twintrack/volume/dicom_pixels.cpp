#include "twintrack/volume/dicom_pixels.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/byte_stream.hpp"
#include "twintrack/volume/dicom_fragments.hpp"
#include "twintrack/volume/transfer_syntax.hpp"

namespace twintrack::volume_io {
namespace {

// Of pixel bytes to one compressed byte: a slice of nothing but air needs few.
constexpr std::uint64_t largest_compression = 1 << 16;
// A Pixel Padding Value above stands for what a CT may measure; below is air.
constexpr double highest_air_hu = -900;

void check_scalar(const DicomInstance& image) {
  const std::string file = image.file().string();
  if (const auto count = image.unsigned_short_or(attribute::samples, 1); count != 1)
    throw InputError("{}: an RGB image ({} samples per pixel), scalar pixels are needed", file, count);
  const std::string meaning = image.text(attribute::photometric_interpretation);
  if (!meaning.empty() && !meaning.starts_with("MONOCHROME"))
    throw InputError("{}: a colour image ({} {}), MONOCHROME1 or MONOCHROME2 is needed", file,
                     attribute::photometric_interpretation.name, meaning.substr(0, 32));
}

void read_bits(const DicomInstance& image, PixelLayout& layout) {
  const std::int64_t allocated = image.unsigned_short_or(attribute::bits_allocated, 0);
  const std::int64_t stored = image.unsigned_short_or(attribute::bits_stored, allocated);
  const std::int64_t high_bit = image.unsigned_short_or(attribute::high_bit, stored - 1);
  const std::int64_t representation = image.unsigned_short_or(attribute::pixel_representation, 0);
  if ((allocated != 8 && allocated != 16 && allocated != 32) || stored < 1 || stored > allocated ||
      high_bit >= allocated || high_bit < stored - 1)
    throw InputError("{}: pixels of {} bits (high bit {}) in {} are not supported", image.file().string(), stored,
                     high_bit, allocated);
  if (representation > 1)
    throw InputError("{}: {} is {}, expected 0 (unsigned) or 1 (signed)", image.file().string(),
                     attribute::pixel_representation.name, representation);
  layout.bytes_allocated = static_cast<int>(allocated / 8);
  layout.bits_stored = static_cast<int>(stored);
  layout.high_bit = static_cast<int>(high_bit);
  layout.is_signed = representation == 1;
}

void read_rescale(const DicomInstance& frame, PixelLayout& layout) {
  layout.slope = frame.number_or(attribute::rescale_slope, 1);
  layout.intercept = frame.number_or(attribute::rescale_intercept, 0);
  if (layout.slope == 0) throw InputError("{}: Rescale Slope 0, another number is needed", frame.file().string());
}

// Padding is honoured in a CT and below air only: some files name a value as padding that tissue has too.
void read_padding(const DicomInstance& image, PixelLayout& layout) {
  if (image.text(attribute::modality) != "CT" || !image.has(attribute::pixel_padding)) return;
  const auto stored = [&](const DicomAttribute& attribute, std::int64_t otherwise) {
    const std::int64_t value = image.unsigned_short_or(attribute, otherwise);
    return layout.is_signed ? std::int64_t{static_cast<std::int16_t>(value)} : value;
  };
  const std::int64_t value = stored(attribute::pixel_padding, 0);
  const std::int64_t limit =
      image.has(attribute::pixel_padding_limit) ? stored(attribute::pixel_padding_limit, 0) : value;
  const Padding padding{std::min(value, limit), std::max(value, limit)};
  const double highest_hu = std::max(static_cast<double>(padding.lowest) * layout.slope,
                                     static_cast<double>(padding.highest) * layout.slope) +
                            layout.intercept;
  if (highest_hu < air_hu) layout.padding = padding;
  if (highest_hu > highest_air_hu) layout.padding_tissue = highest_hu;
}

void check_length(const DicomInstance& image, const PixelLayout& layout, std::size_t count) {
  const std::string file = image.file().string();
  if (layout.compressed && image.header().fragments.empty())
    throw InputError("{}: Pixel Data are not encapsulated, as Transfer Syntax UID {} needs them to be", file,
                     layout.transfer_syntax);
  if (!layout.compressed && !image.header().fragments.empty())
    throw InputError("{}: Pixel Data are encapsulated, which Transfer Syntax UID {} does not allow", file,
                     layout.transfer_syntax);
  const std::uint64_t found = image.header().pixel_bytes;
  const std::uint64_t needed = layout.stored_bytes() * count;
  if (needed / (layout.compressed ? largest_compression : 1) > found)
    throw InputError("{}: truncated, {} bytes of pixel data cannot hold {} x {} pixels{}", file, found, layout.columns,
                     layout.rows, count > 1 ? fmt::format(" in {} frames", count) : "");
  if (layout.big_endian && layout.bytes_allocated == 1)
    throw InputError("{}: 8-bit pixels in a big endian data set are not supported", file);
}

template <typename T>
T load(const std::byte* bytes, bool big_endian) {
  std::array<std::byte, sizeof(T)> raw;
  std::memcpy(raw.data(), bytes, sizeof(T));
  if (big_endian) std::ranges::reverse(raw);
  return std::bit_cast<T>(raw);
}

// Bits above and below those stored may hold anything (overlays, in old files).
template <typename T, bool big_endian>
std::int64_t convert(std::span<const std::byte> bytes, const PixelLayout& layout, std::span<float> pixels) {
  using Wide = std::conditional_t<sizeof(T) == 4, std::int64_t, std::int32_t>;
  const int shift = layout.high_bit + 1 - layout.bits_stored;
  const auto mask = static_cast<Wide>((std::uint64_t{1} << layout.bits_stored) - 1);
  const Wide sign = layout.is_signed ? static_cast<Wide>(Wide{1} << (layout.bits_stored - 1)) : 0;
  const Padding none{1, 0};
  const Padding padding = layout.padding.value_or(none);
  std::int64_t padded = 0;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const Wide kept = (static_cast<Wide>(load<T>(&bytes[i * sizeof(T)], big_endian)) >> shift) & mask;
    const Wide stored = (kept ^ sign) - sign;
    const bool is_padding = stored >= padding.lowest && stored <= padding.highest;
    pixels[i] = is_padding ? air_hu : static_cast<float>(static_cast<double>(stored) * layout.slope + layout.intercept);
    padded += is_padding ? 1 : 0;
  }
  return padded;
}

}  // namespace

PixelLayout pixel_layout(const DicomInstance& image, const DicomInstance& frame, std::size_t index, std::size_t count) {
  const std::string file = image.file().string();
  check_scalar(image);
  PixelLayout layout;
  layout.rows = image.unsigned_short_or(attribute::rows, 0);
  layout.columns = image.unsigned_short_or(attribute::columns, 0);
  if (layout.rows < 1 || layout.columns < 1)
    throw InputError("{}: empty, {} x {} pixels", file, layout.columns, layout.rows);
  read_bits(image, layout);
  read_rescale(frame, layout);
  read_padding(image, layout);
  layout.transfer_syntax = image.text(attribute::transfer_syntax);
  layout.compressed = is_compressed(layout.transfer_syntax, image.file());
  if (!image.header().has_pixel_data) throw InputError("{}: the DICOM file has no Pixel Data (of whole numbers)", file);
  layout.big_endian = image.header().big_endian;
  layout.deflated_offset = image.header().deflated_offset;
  check_length(image, layout, count);
  if (layout.compressed) {
    layout.fragments = fragments_of_frame(image.header(), index, count);
  } else {
    layout.offset = image.header().pixel_offset + index * layout.stored_bytes();
  }
  return layout;
}

std::int64_t convert_pixels(std::span<const std::byte> stored, const PixelLayout& layout, std::span<float> pixels) {
  if (layout.bytes_allocated == 1) return convert<std::uint8_t, false>(stored, layout, pixels);
  if (layout.bytes_allocated == 2)
    return layout.big_endian ? convert<std::uint16_t, true>(stored, layout, pixels)
                             : convert<std::uint16_t, false>(stored, layout, pixels);
  return layout.big_endian ? convert<std::uint32_t, true>(stored, layout, pixels)
                           : convert<std::uint32_t, false>(stored, layout, pixels);
}

std::shared_ptr<const std::vector<std::byte>> inflated_pixels(const DicomInstance& image) {
  const DicomHeader& header = image.header();
  auto bytes = std::make_shared<std::vector<std::byte>>(header.pixel_bytes);
  ByteStream stream(header.file, header.deflated_offset, Coding::deflate);
  stream.skip(header.pixel_offset);
  if (stream.read(*bytes) != bytes->size())
    throw InputError("{}: truncated, its pixels break off", header.file.string());
  return bytes;
}

std::int64_t read_pixels(const std::filesystem::path& file, const PixelLayout& layout, std::span<float> pixels) {
  const std::size_t size = layout.stored_bytes();
  if (layout.inflated) return convert_pixels(std::span(*layout.inflated).subspan(layout.offset, size), layout, pixels);
  std::vector<std::byte> bytes(size);
  const bool deflated = layout.deflated_offset != 0;
  ByteStream stream(file, deflated ? layout.deflated_offset : layout.offset, deflated ? Coding::deflate : Coding::none);
  if (deflated) stream.skip(layout.offset);
  if (stream.read(bytes) != bytes.size()) throw InputError("{}: truncated, its pixels break off", file.string());
  return convert_pixels(bytes, layout, pixels);
}

}  // namespace twintrack::volume_io

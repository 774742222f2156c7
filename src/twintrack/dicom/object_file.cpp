#include "twintrack/dicom/object_file.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcwcache.h>

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/output_file.hpp"

namespace twintrack::dicom_objects {
namespace {

static_assert(std::endian::native == std::endian::little, "pixels are written as they lie in memory");

constexpr E_TransferSyntax syntax = EXS_LittleEndianExplicit;
constexpr std::uint64_t most_pixel_bytes = std::numeric_limits<std::uint32_t>::max() - 1;  // the length field's largest

// Meta information and data set.
std::string encoded(DcmFileFormat& object, const std::filesystem::path& file) {
  OFCondition condition = object.validateMetaInfo(syntax);
  std::vector<char> buffer(std::size_t{1} << 16);
  DcmOutputBufferStream stream(buffer.data(), static_cast<offile_off_t>(buffer.size()));
  DcmWriteCache cache;
  std::string bytes;
  object.transferInit();
  do {
    if (condition.good() || condition == EC_StreamNotifyClient)
      condition = object.write(stream, syntax, EET_ExplicitLength, &cache, EGL_recalcGL, EPD_withoutPadding);
    void* written = nullptr;
    offile_off_t count = 0;
    stream.flushBuffer(written, count);
    bytes.append(static_cast<const char*>(written), static_cast<std::size_t>(count));
  } while (condition == EC_StreamNotifyClient);
  object.transferEnd();
  if (condition.bad()) throw ResourceError("cannot write {}: {}", file.string(), condition.text());
  return bytes;
}

template <typename T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

void write_pixels(volume_io::OutputFile& out, const Pixels& pixels) {
  constexpr std::uint16_t group = 0x7fe0;
  constexpr std::uint16_t reserved = 0;
  const bool odd = pixels.bytes % 2 != 0;
  out.write(bytes_of(group));
  out.write(bytes_of(pixels.element));
  out.write(std::string_view(pixels.representation, 2));
  out.write(bytes_of(reserved));
  out.write(bytes_of(static_cast<std::uint32_t>(pixels.bytes + (odd ? 1 : 0))));
  pixels.write([&](std::string_view bytes) { out.write(bytes); });
  if (odd) out.write(std::string_view("\0", 1));
}

}  // namespace

void write_object(const std::filesystem::path& file, DcmFileFormat& object, const Pixels* pixels) {
  if (pixels != nullptr && pixels->bytes > most_pixel_bytes)
    throw ResourceError("cannot write {}: a DICOM object holds at most {} bytes of pixels, these are {}", file.string(),
                        most_pixel_bytes, pixels->bytes);
  const std::string head = encoded(object, file);
  volume_io::OutputFile out(file);
  out.write(head);
  if (pixels != nullptr) write_pixels(out, *pixels);
  out.commit();
}

}  // namespace twintrack::dicom_objects

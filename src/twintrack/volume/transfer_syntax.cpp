#include "twintrack/volume/transfer_syntax.hpp"

#include <algorithm>

#include "twintrack/core/error.hpp"

namespace twintrack::volume_io {
namespace {

// Implicit, explicit and deflated little endian, explicit big endian.
constexpr std::string_view uncompressed[] = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99",
                                             "1.2.840.10008.1.2.2"};

// RLE; JPEG baseline, extended, lossless, lossless first-order; JPEG-LS lossless, near-lossless; JPEG 2000 lossless,
// any.
constexpr std::string_view compressed[] = {
    "1.2.840.10008.1.2.5",    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"};

struct Name {
  std::string_view uid;
  std::string_view name;
};
constexpr Name unsupported[] = {{"1.2.840.10008.1.2.1.98", "encapsulated uncompressed"},
                                {"1.2.840.10008.1.2.4.92", "JPEG 2000 multi-component"},
                                {"1.2.840.10008.1.2.4.93", "JPEG 2000 multi-component"},
                                {"1.2.840.10008.1.2.4.94", "JPIP"},
                                {"1.2.840.10008.1.2.4.95", "JPIP"},
                                {"1.2.840.10008.1.2.4.100", "MPEG-2"},
                                {"1.2.840.10008.1.2.4.101", "MPEG-2"},
                                {"1.2.840.10008.1.2.4.102", "MPEG-4"},
                                {"1.2.840.10008.1.2.4.103", "MPEG-4"},
                                {"1.2.840.10008.1.2.4.104", "MPEG-4"},
                                {"1.2.840.10008.1.2.4.105", "MPEG-4"},
                                {"1.2.840.10008.1.2.4.106", "MPEG-4"},
                                {"1.2.840.10008.1.2.4.107", "HEVC"},
                                {"1.2.840.10008.1.2.4.108", "HEVC"},
                                {"1.2.840.10008.1.2.4.110", "JPEG XL"},
                                {"1.2.840.10008.1.2.4.111", "JPEG XL"},
                                {"1.2.840.10008.1.2.4.112", "JPEG XL"},
                                {"1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000"},
                                {"1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000"},
                                {"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"}};

}  // namespace

bool is_compressed(std::string_view uid, const std::filesystem::path& file) {
  if (std::ranges::find(uncompressed, uid) != std::end(uncompressed)) return false;
  if (std::ranges::find(compressed, uid) != std::end(compressed)) return true;
  const auto known = std::ranges::find(unsupported, uid, &Name::uid);
  throw InputError(
      "{}: Transfer Syntax UID {}{} is not supported; convert the file to an uncompressed one or to JPEG, "
      "JPEG-LS, JPEG 2000 or RLE",
      file.string(), uid.substr(0, 64), known == std::end(unsupported) ? "" : fmt::format(" ({})", known->name));
}

}  // namespace twintrack::volume_io

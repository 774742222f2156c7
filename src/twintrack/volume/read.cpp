#include <spdlog/spdlog.h>

#include <algorithm>
#include <new>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/byte_stream.hpp"
#include "twintrack/volume/dicom_header.hpp"
#include "twintrack/volume/dicom_input.hpp"
#include "twintrack/volume/dicom_source.hpp"
#include "twintrack/volume/dicom_volume.hpp"
#include "twintrack/volume/file_format.hpp"
#include "twintrack/volume/io.hpp"
#include "twintrack/volume/meta_image.hpp"
#include "twintrack/volume/nifti.hpp"
#include "twintrack/volume/nrrd.hpp"
#include "twintrack/volume/read_geometry.hpp"
#include "twintrack/volume/text_fields.hpp"
#include "twintrack/volume/voxel_reader.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using namespace volume_io;

constexpr std::string_view gzip_magic = "\x1f\x8b";

std::string inflated_head(const fs::path& file) {
  std::string head(nifti_header_bytes, '\0');
  ByteStream stream(file, 0, Coding::gzip_or_zlib);
  head.resize(stream.read(std::as_writable_bytes(std::span(head))));
  return head;
}

// The content decides on the format, whatever the name says.
RawImage parse_header(const fs::path& file) {
  const std::string stored = read_head(file, nifti_header_bytes);
  if (stored.empty()) throw InputError("{}: the file is empty (0 bytes)", file.string());
  const bool compressed = stored.starts_with(gzip_magic);
  const std::string head = compressed ? inflated_head(file) : stored;
  if (is_nifti(head)) return parse_nifti(head, compressed, file);
  if (!compressed && is_nrrd(head)) return parse_nrrd(file);
  if (!compressed && is_meta_image(head)) return parse_meta_image(file);
  throw InputError("{}: no image, its content is neither NIfTI, MetaImage, NRRD nor DICOM", file.string());
}

bool is_folder(const fs::path& path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    if (has_volume_extension(path))
      throw InputError("{}: a folder with the name of a volume file, a file is needed", path.string());
    return true;
  }
  if (!fs::exists(status)) throw InputError("{}: no such file or folder", path.string());
  if (!fs::is_regular_file(status)) throw InputError("{}: neither a regular file nor a folder", path.string());
  return false;
}

// A folder, a list of files, or a file that begins as DICOM files do.
bool means_dicom(const fs::path& path) {
  return is_folder(path) || is_file_list(path) || is_dicom(read_head(path, dicom_preamble_bytes));
}

RawImage checked_header(const fs::path& file) {
  RawImage image = parse_header(file);
  check_geometry(image.geometry, file);
  return image;
}

void refuse_series_of_a_file(const fs::path& path, const std::optional<std::string>& series_uid) {
  if (series_uid)
    throw InputError("{}: series {} can be chosen from a DICOM folder only, this is a file", path.string(),
                     *series_uid);
}

Volume<float> read_any(const fs::path& path, const std::optional<std::string>& series_uid,
                       std::vector<std::string>& warnings) {
  if (means_dicom(path)) return read_dicom(path, series_uid, warnings);
  refuse_series_of_a_file(path, series_uid);
  const RawImage image = checked_header(path);
  return {image.geometry, read_voxels(image, path)};
}

// What goes wrong with memory and the file system, as errors of ours.
template <typename Read>
auto reading(const fs::path& path, Read&& read) {
  try {
    return read();
  } catch (const std::bad_alloc&) {
    throw ResourceError("{}: not enough memory for its voxels", path.string());
  } catch (const fs::filesystem_error& error) {
    throw InputError("{}: cannot be read: {}", path.string(), error.code().message());
  }
}

constexpr float kLargestLabel = 65535;

std::uint16_t nearest_label(float value) {
  return static_cast<std::uint16_t>(static_cast<std::int32_t>(std::clamp(value, 0.0F, kLargestLabel)));
}

// The index of the first finite value that is no label; values.size() when all are.
std::size_t convert_to_labels(std::span<const float> values, std::span<std::uint16_t> labels) {
  int bad = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    labels[i] = nearest_label(values[i]);
    bad |= static_cast<float>(labels[i]) != values[i] ? 1 : 0;
  }
  if (bad == 0) return values.size();
  const auto first = std::ranges::find_if(values, [](float v) { return static_cast<float>(nearest_label(v)) != v; });
  return static_cast<std::size_t>(first - values.begin());
}

}  // namespace

std::string voxel_name(std::int64_t index, const Geometry& geometry) {
  const auto& size = geometry.size;
  return fmt::format("x={}, y={}, z={}", index % size[0], index / size[0] % size[1], index / (size[0] * size[1]));
}

Volume<float> read_volume(const fs::path& path, const std::optional<std::string>& series_uid,
                          std::vector<std::string>& warnings) {
  return reading(path, [&] {
    Volume<float> volume = read_any(path, series_uid, warnings);
    check_finite(volume, path);
    return volume;
  });
}

Volume<float> read_volume(const fs::path& path, const std::optional<std::string>& series_uid) {
  std::vector<std::string> warnings;
  Volume<float> volume = read_volume(path, series_uid, warnings);
  for (const std::string& warning : warnings) spdlog::warn("{}: {}", path.string(), warning);
  return volume;
}

Geometry read_geometry(const fs::path& path, const std::optional<std::string>& series_uid) {
  return reading(path, [&] {
    if (means_dicom(path)) return geometry_of_dicom(path, series_uid);
    refuse_series_of_a_file(path, series_uid);
    return checked_header(path).geometry;
  });
}

std::optional<DicomSource> dicom_source(const fs::path& path, const std::optional<std::string>& series_uid) {
  return reading(path, [&]() -> std::optional<DicomSource> {
    if (!means_dicom(path)) return {};
    return source_of(path, series_uid);
  });
}

Geometry read_blocks(const fs::path& path, const std::function<void(const Geometry&)>& start, const VoxelBlock& take) {
  return reading(path, [&] {
    if (means_dicom(path)) {
      const Volume<float> volume = read_volume(path);
      start(volume.geometry);
      take(0, volume.voxels);
      return volume.geometry;
    }
    const RawImage image = checked_header(path);
    start(image.geometry);
    read_voxel_blocks(image, path, take);
    return image.geometry;
  });
}

Geometry read_label_blocks(const fs::path& path, const std::function<void(const Geometry&)>& start,
                           const LabelBlock& take) {
  Geometry geometry;
  std::vector<std::uint16_t> labels;
  return read_blocks(
      path,
      [&](const Geometry& found) {
        geometry = found;
        start(found);
      },
      [&](std::int64_t begin, std::span<const float> voxels) {
        labels.resize(voxels.size());
        if (const std::size_t bad = convert_to_labels(voxels, labels); bad < voxels.size()) {
          throw InputError("{}: {} at {} is no label, whole numbers from 0 to 65535 are", path.string(), voxels[bad],
                           voxel_name(begin + static_cast<std::int64_t>(bad), geometry));
        }
        take(begin, labels);
      });
}

Volume<std::uint16_t> read_labels(const fs::path& path) {
  Volume<std::uint16_t> labels;
  read_label_blocks(
      path, [&](const Geometry& geometry) { labels.geometry = geometry; },
      [&](std::int64_t begin, std::span<const std::uint16_t> block) {
        if (begin == 0) {
          check_memory(labels.geometry.voxel_count(), path);
          labels.voxels.resize(static_cast<std::size_t>(labels.geometry.voxel_count()));
        }
        std::copy(block.begin(), block.end(), labels.voxels.begin() + begin);
      });
  return labels;
}

}  // namespace twintrack

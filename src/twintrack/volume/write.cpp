#include <stdexcept>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/deflate_writer.hpp"
#include "twintrack/volume/file_format.hpp"
#include "twintrack/volume/io.hpp"
#include "twintrack/volume/meta_image.hpp"
#include "twintrack/volume/nifti.hpp"
#include "twintrack/volume/nrrd.hpp"
#include "twintrack/volume/output_file.hpp"
#include "twintrack/volume/raw_image.hpp"

namespace twintrack {
namespace {

namespace fs = std::filesystem;
using namespace volume_io;

struct Image {
  const Geometry& geometry;
  std::int64_t channel_count;
  ScalarType type;
  std::span<const std::byte> voxels;
};

void write_nifti(const fs::path& path, const Image& image, bool compressed) {
  const std::string header = nifti_header(image.geometry, image.channel_count, image.type, path);
  OutputFile file(path);
  if (compressed) {
    DeflateWriter stream(file, StreamFormat::gzip);
    stream.write(std::as_bytes(std::span(header)));
    stream.write(image.voxels);
    stream.finish();
  } else {
    file.write(header);
    file.write(image.voxels);
  }
  file.commit();
}

std::string padded(std::uint64_t bytes) { return fmt::format("{:0{}}", bytes, meta_image_size_digits); }

std::uint64_t write_compressed(OutputFile& file, const Image& image, StreamFormat format) {
  DeflateWriter stream(file, format);
  stream.write(image.voxels);
  return stream.finish();
}

void write_mha(const fs::path& path, const Image& image) {
  const auto header = meta_image_header(image.geometry, image.channel_count, image.type, "LOCAL");
  OutputFile file(path);
  file.write(header.text);
  file.overwrite(header.size_position, padded(write_compressed(file, image, StreamFormat::zlib)));
  file.commit();
}

// The header appears last: a .mhd file always has its voxels beside it.
void write_mhd(const fs::path& path, const Image& image) {
  const fs::path data_path = fs::path(path).replace_filename(volume_stem(path) + ".zraw");
  auto header = meta_image_header(image.geometry, image.channel_count, image.type, data_path.filename().string());
  OutputFile data(data_path);
  const std::string size = padded(write_compressed(data, image, StreamFormat::zlib));
  header.text.replace(header.size_position, size.size(), size);
  OutputFile file(path);
  file.write(header.text);
  data.commit();
  file.commit();
}

void write_nrrd(const fs::path& path, const Image& image) {
  OutputFile file(path);
  file.write(nrrd_header(image.geometry, image.channel_count, image.type));
  write_compressed(file, image, StreamFormat::gzip);
  file.commit();
}

void write_image(const fs::path& path, const Image& image) {
  const auto ending = ending_of(path);
  if (!ending)
    throw UsageError("{}: the ending of a volume file must be .nii, .nii.gz, .mha, .mhd or .nrrd", path.string());
  check_geometry(image.geometry, path);
  const auto expected =
      static_cast<std::size_t>(image.geometry.voxel_count() * image.channel_count) * bytes_of(image.type);
  if (image.channel_count < 1 || image.voxels.size() != expected)
    throw std::invalid_argument("the number of voxels does not fit the geometry");
  switch (ending->format) {
    case FileFormat::nifti:
      return write_nifti(path, image, false);
    case FileFormat::nifti_gz:
      return write_nifti(path, image, true);
    case FileFormat::mha:
      return write_mha(path, image);
    case FileFormat::mhd:
      return write_mhd(path, image);
    case FileFormat::nrrd:
      return write_nrrd(path, image);
  }
}

}  // namespace

void write_volume(const fs::path& path, const Volume<float>& volume) {
  write_image(path, {volume.geometry, 1, ScalarType::float32, std::as_bytes(std::span(volume.voxels))});
}

void write_volume(const fs::path& path, const Volume<std::uint8_t>& volume) {
  write_image(path, {volume.geometry, 1, ScalarType::uint8, std::as_bytes(std::span(volume.voxels))});
}

void write_volume(const fs::path& path, const Volume<std::uint16_t>& volume) {
  write_image(path, {volume.geometry, 1, ScalarType::uint16, std::as_bytes(std::span(volume.voxels))});
}

void write_volume(const fs::path& path, const Volume<std::int16_t>& volume) {
  write_image(path, {volume.geometry, 1, ScalarType::int16, std::as_bytes(std::span(volume.voxels))});
}

void write_channels(const fs::path& path, const Geometry& geometry, std::int64_t channel_count,
                    const std::vector<float>& channels) {
  write_image(path, {geometry, channel_count, ScalarType::float32, std::as_bytes(std::span(channels))});
}

}  // namespace twintrack

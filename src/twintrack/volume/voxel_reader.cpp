#include "twintrack/volume/voxel_reader.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/volume/byte_stream.hpp"

namespace twintrack::volume_io {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::int64_t chunk_bytes = std::int64_t{1} << 20;
constexpr std::int64_t voxels_per_block = std::int64_t{1} << 18;

template <typename T, bool big_endian>
T load(const std::byte* bytes) {
  std::array<std::byte, sizeof(T)> raw;
  for (std::size_t i = 0; i < sizeof(T); ++i) raw[i] = bytes[big_endian ? sizeof(T) - 1 - i : i];
  return std::bit_cast<T>(raw);
}

template <typename T, bool big_endian>
void convert(std::span<const std::byte> bytes, double slope, double intercept, float* voxels) {
  const std::size_t count = bytes.size() / sizeof(T);
  if (slope == 1 && intercept == 0) {
    for (std::size_t i = 0; i < count; ++i) voxels[i] = static_cast<float>(load<T, big_endian>(&bytes[i * sizeof(T)]));
    return;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const double stored = static_cast<double>(load<T, big_endian>(&bytes[i * sizeof(T)]));
    voxels[i] = static_cast<float>(stored * slope + intercept);
  }
}

template <typename T>
void convert(std::span<const std::byte> bytes, const RawImage& image, float* voxels) {
  if (image.big_endian) {
    convert<T, true>(bytes, image.slope, image.intercept, voxels);
  } else {
    convert<T, false>(bytes, image.slope, image.intercept, voxels);
  }
}

void convert(std::span<const std::byte> bytes, const RawImage& image, float* voxels) {
  switch (image.type) {
    case ScalarType::int8:
      return convert<std::int8_t>(bytes, image, voxels);
    case ScalarType::uint8:
      return convert<std::uint8_t>(bytes, image, voxels);
    case ScalarType::int16:
      return convert<std::int16_t>(bytes, image, voxels);
    case ScalarType::uint16:
      return convert<std::uint16_t>(bytes, image, voxels);
    case ScalarType::int32:
      return convert<std::int32_t>(bytes, image, voxels);
    case ScalarType::uint32:
      return convert<std::uint32_t>(bytes, image, voxels);
    case ScalarType::int64:
      return convert<std::int64_t>(bytes, image, voxels);
    case ScalarType::uint64:
      return convert<std::uint64_t>(bytes, image, voxels);
    case ScalarType::float32:
      return convert<float>(bytes, image, voxels);
    case ScalarType::float64:
      return convert<double>(bytes, image, voxels);
  }
}

[[noreturn]] void throw_truncated(const RawImage& image, const std::filesystem::path& file, std::uint64_t found) {
  const std::uint64_t expected = static_cast<std::uint64_t>(image.geometry.voxel_count()) * bytes_of(image.type);
  throw InputError("{}: truncated, {} holds {} of the {} bytes of voxels that the header announces", file.string(),
                   image.data_file.filename().string(), found, expected);
}

void check_file_length(const RawImage& image, const std::filesystem::path& file) {
  const std::uint64_t length = std::filesystem::file_size(image.data_file);
  const std::uint64_t stored = length > image.stream_offset ? length - image.stream_offset : 0;
  const std::uint64_t needed =
      image.voxel_offset + static_cast<std::uint64_t>(image.geometry.voxel_count()) * bytes_of(image.type);
  if (!image.compressed && stored < needed) throw_truncated(image, file, stored - std::min(stored, image.voxel_offset));
  if (image.compressed && needed / largest_inflation > stored)
    throw InputError("{}: the header announces {} bytes, more than {} compressed bytes can hold", file.string(), needed,
                     stored);
}

void stream_voxels(const RawImage& image, const std::filesystem::path& file,
                   const std::function<void(std::int64_t begin, std::span<const std::byte> bytes)>& take) {
  check_file_length(image, file);
  const std::int64_t count = image.geometry.voxel_count();
  const std::int64_t bytes_per_voxel = static_cast<std::int64_t>(bytes_of(image.type));
  const std::int64_t voxels_per_chunk = chunk_bytes / bytes_per_voxel;

  ByteStream stream(image.data_file, image.stream_offset, image.compressed ? Coding::gzip_or_zlib : Coding::none);
  stream.skip(image.voxel_offset);
  std::vector<std::byte> chunk(static_cast<std::size_t>(std::min(count, voxels_per_chunk) * bytes_per_voxel));
  for (std::int64_t begin = 0; begin < count; begin += voxels_per_chunk) {
    throw_if_interrupted();
    const std::int64_t wanted = std::min(voxels_per_chunk, count - begin) * bytes_per_voxel;
    const auto bytes = std::span(chunk).first(static_cast<std::size_t>(wanted));
    const std::size_t got = stream.read(bytes);
    if (got < bytes.size()) throw_truncated(image, file, static_cast<std::uint64_t>(begin * bytes_per_voxel) + got);
    take(begin, bytes);
  }
  stream.finish();
}

}  // namespace

void check_memory(std::int64_t voxel_count, const std::filesystem::path& file) {
  const double installed = static_cast<double>(installed_memory_bytes());
  const double needed = static_cast<double>(voxel_count) * sizeof(float);
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  if (needed > installed)
    throw ResourceError("{}: {:.1f} GiB of voxels, this machine has {:.1f} GiB of memory", file.string(), needed / gib,
                        installed / gib);
}

std::vector<float> read_voxels(const RawImage& image, const std::filesystem::path& file) {
  std::vector<float> voxels;
  stream_voxels(image, file, [&](std::int64_t begin, std::span<const std::byte> bytes) {
    if (begin == 0) {
      check_memory(image.geometry.voxel_count(), file);
      voxels.resize(static_cast<std::size_t>(image.geometry.voxel_count()));
    }
    convert(bytes, image, voxels.data() + begin);
  });
  return voxels;
}

void read_voxel_blocks(const RawImage& image, const std::filesystem::path& file, const VoxelBlock& take) {
  std::vector<float> block;
  stream_voxels(image, file, [&](std::int64_t begin, std::span<const std::byte> bytes) {
    block.resize(bytes.size() / bytes_of(image.type));
    convert(bytes, image, block.data());
    const auto bad = std::find_if(block.begin(), block.end(), [](float v) { return !std::isfinite(v); });
    if (bad != block.end()) {
      throw InputError("{}: NaN or infinite voxel at {}", file.string(),
                       voxel_name(begin + (bad - block.begin()), image.geometry));
    }
    take(begin, block);
  });
}

void check_finite(const Volume<float>& volume, const std::filesystem::path& file) {
  const std::int64_t count = static_cast<std::int64_t>(volume.voxels.size());
  std::vector<std::int64_t> bad(static_cast<std::size_t>((count + voxels_per_block - 1) / voxels_per_block));
  parallel_for_blocks(count, voxels_per_block, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t found = 0;
    for (std::int64_t i = begin; i < end; ++i)
      found += std::isfinite(volume.voxels[static_cast<std::size_t>(i)]) ? 0 : 1;
    bad[static_cast<std::size_t>(begin / voxels_per_block)] = found;
  });
  std::int64_t total = 0;
  for (const std::int64_t found : bad) total += found;
  if (total == 0) return;
  const auto first =
      std::find_if(volume.voxels.begin(), volume.voxels.end(), [](float v) { return !std::isfinite(v); });
  throw InputError("{}: {} NaN or infinite voxel{}, the first at {}", file.string(), total, total == 1 ? "" : "s",
                   voxel_name(first - volume.voxels.begin(), volume.geometry));
}

}  // namespace twintrack::volume_io

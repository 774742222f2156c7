#include "twintrack/volume/deflate_writer.hpp"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <vector>

#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"

namespace twintrack::volume_io {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 19;
// igzip falls back to stored blocks: 5 bytes for each 65535, and a few for the flush.
constexpr std::size_t largest_compressed_chunk = chunk_bytes + chunk_bytes / 1024 + 1024;
constexpr std::size_t chunks_per_round = 32;

constexpr std::array<unsigned char, 10> gzip_header = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255};
constexpr std::array<unsigned char, 2> zlib_header = {0x78, 0x01};
constexpr std::array<unsigned char, 2> last_empty_block = {0x03, 0x00};

struct Chunk {
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size = 0;
  std::size_t bytes_in = 0;
  std::uint32_t checksum = 0;
};

std::uint32_t first_checksum(StreamFormat format) { return format == StreamFormat::gzip ? 0 : 1; }

// Deflates `bytes` into blocks that end on a byte and look back at nothing before them.
void compress(std::span<const std::byte> bytes, StreamFormat format, Chunk& chunk) {
  // Zeroed, as the stream: igzip looks for matches where its tables point to, and does not clear them first.
  const auto working_memory = std::make_unique<std::uint8_t[]>(ISAL_DEF_LVL1_DEFAULT);
  if (!chunk.bytes) chunk.bytes = std::make_unique_for_overwrite<std::byte[]>(largest_compressed_chunk);
  // igzip only reads through this pointer.
  auto* const input = const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(bytes.data()));
  isal_zstream stream{};
  isal_deflate_stateless_init(&stream);
  stream.level = 1;
  stream.level_buf = working_memory.get();
  stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
  stream.flush = FULL_FLUSH;
  stream.end_of_stream = 0;
  stream.next_in = input;
  stream.avail_in = static_cast<std::uint32_t>(bytes.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(chunk.bytes.get());
  stream.avail_out = largest_compressed_chunk;
  if (isal_deflate_stateless(&stream) != COMP_OK || stream.avail_in != 0)
    throw std::logic_error("igzip did not compress a chunk");
  chunk.size = stream.total_out;
  chunk.bytes_in = bytes.size();
  chunk.checksum =
      format == StreamFormat::gzip ? crc32_gzip_refl(0, input, bytes.size()) : isal_adler32(1, input, bytes.size());
}

std::uint32_t combine(StreamFormat format, std::uint32_t before, const Chunk& chunk) {
  const auto length = static_cast<z_off_t>(chunk.bytes_in);
  return static_cast<std::uint32_t>(format == StreamFormat::gzip ? crc32_combine(before, chunk.checksum, length)
                                                                 : adler32_combine(before, chunk.checksum, length));
}

template <std::size_t N>
std::span<const std::byte> bytes_of(const std::array<unsigned char, N>& values) {
  return std::as_bytes(std::span(values));
}

void put_little_endian(unsigned char* bytes, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[i] = static_cast<unsigned char>(value >> (8 * i));
}

}  // namespace

DeflateWriter::DeflateWriter(OutputFile& file, StreamFormat format)
    : file_(file), format_(format), checksum_(first_checksum(format)) {
  emit(format == StreamFormat::gzip ? bytes_of(gzip_header) : bytes_of(zlib_header));
}

void DeflateWriter::write(std::span<const std::byte> bytes) {
  std::vector<Chunk> chunks(chunks_per_round);
  while (!bytes.empty()) {
    throw_if_interrupted();
    const auto round = bytes.first(std::min(bytes.size(), chunks_per_round * chunk_bytes));
    const std::size_t count = (round.size() + chunk_bytes - 1) / chunk_bytes;
    parallel_for(static_cast<std::int64_t>(count), [&](std::int64_t i) {
      const auto rest = round.subspan(static_cast<std::size_t>(i) * chunk_bytes);
      compress(rest.first(std::min(rest.size(), chunk_bytes)), format_, chunks[static_cast<std::size_t>(i)]);
    });
    for (std::size_t i = 0; i < count; ++i) {
      emit(std::span(chunks[i].bytes.get(), chunks[i].size));
      checksum_ = combine(format_, checksum_, chunks[i]);
    }
    bytes_in_ += round.size();
    bytes = bytes.subspan(round.size());
  }
}

std::uint64_t DeflateWriter::finish() {
  emit(bytes_of(last_empty_block));
  if (format_ == StreamFormat::gzip) {
    std::array<unsigned char, 8> trailer;
    put_little_endian(trailer.data(), checksum_);
    put_little_endian(trailer.data() + 4, static_cast<std::uint32_t>(bytes_in_));
    emit(bytes_of(trailer));
  } else {
    std::array<unsigned char, 4> trailer;
    put_little_endian(trailer.data(), __builtin_bswap32(checksum_));
    emit(bytes_of(trailer));
  }
  return bytes_out_;
}

void DeflateWriter::emit(std::span<const std::byte> bytes) {
  file_.write(bytes);
  bytes_out_ += bytes.size();
}

}  // namespace twintrack::volume_io

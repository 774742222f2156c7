#include "twintrack/tensor/zip_writer.hpp"

#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace twintrack {
namespace {

constexpr std::uint64_t alignment = 64;
constexpr std::size_t local_bytes = 30;
constexpr std::size_t extra_header_bytes = 4;
constexpr std::uint64_t saturated = 0xffffffff;
constexpr std::uint16_t version = 20;
constexpr std::uint16_t zip64_version = 45;
constexpr std::uint16_t utf8_names = 0x0800;
constexpr std::uint16_t stored = 0;
constexpr std::uint16_t zip64_field = 1;
constexpr std::uint32_t midnight_of_1980_01_01 = 0x00210000;  // the same bytes whenever it is written
constexpr std::uint64_t most_narrow_entries = 0xfffe;

template <typename... T>
std::string record(T... values) {
  std::string bytes;
  const auto append = [&bytes](const auto& value) {
    char raw[sizeof value];
    std::memcpy(raw, &value, sizeof value);
    bytes.append(raw, sizeof value);
  };
  (append(values), ...);
  return bytes;
}

std::uint16_t u16(std::uint64_t value) { return static_cast<std::uint16_t>(value); }

// A field that readers pass over, so long that the data behind it begin at a multiple of `alignment`.
std::string padding(std::uint64_t position) {
  const std::uint64_t begin = position + extra_header_bytes;
  const std::uint64_t length = (alignment - begin % alignment) % alignment;
  return record(std::uint16_t{0x4246}, u16(length)) + std::string(static_cast<std::size_t>(length), 'Z');  // "FB"
}

}  // namespace

std::string ZipWriter::narrow(std::uint64_t value) const {
  return record(static_cast<std::uint32_t>(value < wide_from_ ? value : saturated));
}

void ZipWriter::put(std::string_view bytes) {
  out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  position_ += bytes.size();
}

void ZipWriter::add(std::string_view name, std::span<const std::byte> contents) {
  const std::string_view bytes(reinterpret_cast<const char*>(contents.data()), contents.size());    // NOLINT
  const auto crc = ::crc32_z(0, reinterpret_cast<const Bytef*>(contents.data()), contents.size());  // NOLINT
  const Member member{std::string(name), static_cast<std::uint32_t>(crc), contents.size(), position_};
  const bool wide = member.size >= wide_from_;
  std::string extra = wide ? record(zip64_field, std::uint16_t{16}, member.size, member.size) : "";
  extra += padding(position_ + local_bytes + name.size() + extra.size());
  put(record(std::uint32_t{0x04034b50}, wide ? zip64_version : version, utf8_names, stored, midnight_of_1980_01_01,
             member.crc32) +
      narrow(member.size) + narrow(member.size) + record(u16(name.size()), u16(extra.size())) + member.name + extra);
  put(bytes);
  members_.push_back(member);
}

std::string ZipWriter::directory() const {
  std::string entries;
  for (const Member& member : members_) {
    std::string wide;
    if (member.size >= wide_from_) wide += record(member.size, member.size);
    if (member.header_offset >= wide_from_) wide += record(member.header_offset);
    const std::uint16_t needed = wide.empty() ? version : zip64_version;
    if (!wide.empty()) wide.insert(0, record(zip64_field, u16(wide.size())));
    entries +=
        record(std::uint32_t{0x02014b50}, needed, needed, utf8_names, stored, midnight_of_1980_01_01, member.crc32) +
        narrow(member.size) + narrow(member.size) +
        record(u16(member.name.size()), u16(wide.size()), std::uint16_t{0}, std::uint16_t{0}, std::uint16_t{0},
               std::uint32_t{0}) +
        narrow(member.header_offset) + member.name + wide;
  }
  return entries;
}

std::string ZipWriter::end_records(std::uint64_t directory_bytes) const {
  const std::uint64_t entries = members_.size();
  const bool wide = entries > most_narrow_entries || directory_bytes >= wide_from_ || position_ >= wide_from_;
  const std::uint16_t narrow_entries = u16(std::min<std::uint64_t>(entries, 0xffff));
  std::string records;
  if (wide) {
    constexpr std::uint64_t bytes_that_follow = 44;
    const std::uint64_t end_record = position_ + directory_bytes;
    records = record(std::uint32_t{0x06064b50}, bytes_that_follow, zip64_version, zip64_version, std::uint32_t{0},
                     std::uint32_t{0}, entries, entries, directory_bytes, position_);
    records += record(std::uint32_t{0x07064b50}, std::uint32_t{0}, end_record, std::uint32_t{1});
  }
  return records +
         record(std::uint32_t{0x06054b50}, std::uint16_t{0}, std::uint16_t{0}, narrow_entries, narrow_entries) +
         narrow(directory_bytes) + narrow(position_) + record(std::uint16_t{0});
}

void ZipWriter::finish() {
  const std::string entries = directory();
  put(entries + end_records(entries.size()));
  out_.flush();
}

}  // namespace twintrack

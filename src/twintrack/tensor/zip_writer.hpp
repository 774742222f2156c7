// Writes zip archives as torch.save does: members are stored, their data aligned to 64 bytes, and what does not fit 32
// bits is in zip64 fields. Source: PKWARE APPNOTE 6.3.10; alignment: caffe2/serialize/inline_container.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twintrack {

class ZipWriter {
 public:
  // Writes to `out`, which stands at its beginning and must outlive it; after each call `out` says whether it
  // succeeded. Sizes and offsets from `wide_from` on take zip64 fields; a small one makes them testable with small
  // files.
  explicit ZipWriter(std::ostream& out, std::uint64_t wide_from = 0xffffffff) : out_(out), wide_from_(wide_from) {}

  void add(std::string_view name, std::span<const std::byte> contents);

  // The directory; nothing can be added after it.
  void finish();

 private:
  struct Member {
    std::string name;
    std::uint32_t crc32;
    std::uint64_t size;
    std::uint64_t header_offset;
  };

  void put(std::string_view bytes);
  std::string directory() const;
  std::string end_records(std::uint64_t directory_bytes) const;
  std::string narrow(std::uint64_t value) const;

  std::ostream& out_;
  std::uint64_t wide_from_;
  std::uint64_t position_ = 0;
  std::vector<Member> members_;
};

}  // namespace twintrack

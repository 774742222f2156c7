#include "twintrack/volume/dicom_fragments.hpp"

#include <algorithm>

#include "twintrack/core/error.hpp"

namespace twintrack::volume_io {
namespace {

constexpr std::size_t entry_bytes = 4;

// From the first byte behind the table, which is little endian as all encapsulated data.
std::uint64_t table_entry(const DicomHeader& header, std::size_t index) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < entry_bytes; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(header.offset_table[index * entry_bytes + i])} << 8 * i;
  return value;
}

// The fragment that begins where the table says that frame `index` does.
std::size_t first_fragment(const DicomHeader& header, std::size_t index) {
  const std::uint64_t offset = table_entry(header, index);
  const std::uint64_t wanted = header.fragments.front().offset + offset;
  const auto found = std::ranges::lower_bound(header.fragments, wanted, {}, &PixelFragment::offset);
  if (found == header.fragments.end() || found->offset != wanted)
    throw InputError("{}: damaged, the offset table of its Pixel Data says {} for frame {}, where no fragment begins",
                     header.file.string(), offset, index + 1);
  return static_cast<std::size_t>(found - header.fragments.begin());
}

}  // namespace

std::vector<PixelFragment> fragments_of_frame(const DicomHeader& header, std::size_t index, std::size_t count) {
  const std::vector<PixelFragment>& all = header.fragments;
  if (count == 1) return all;
  if (header.offset_table.empty()) {
    if (all.size() == count) return {all[index]};
    throw InputError("{}: {} frames in {} fragments of Pixel Data without an offset table", header.file.string(), count,
                     all.size());
  }
  if (header.offset_table.size() != count * entry_bytes)
    throw InputError("{}: damaged, the offset table of its Pixel Data has {} bytes, {} frames need {}",
                     header.file.string(), header.offset_table.size(), count, count * entry_bytes);
  const std::size_t begin = first_fragment(header, index);
  const std::size_t end = index + 1 == count ? all.size() : first_fragment(header, index + 1);
  if (begin >= end || (index == 0 && begin != 0))
    throw InputError("{}: damaged, the offset table of its Pixel Data leaves nothing for frame {}",
                     header.file.string(), index + 1);
  return {all.begin() + static_cast<std::ptrdiff_t>(begin), all.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace twintrack::volume_io

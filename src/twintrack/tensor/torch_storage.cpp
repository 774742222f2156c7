// Reads the views of storages that tensors are.
#include <algorithm>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/elements.hpp"
#include "twintrack/tensor/torch_tensor.hpp"

namespace twintrack {
namespace {

constexpr std::int64_t largest_block = std::int64_t{1} << 20;  // elements of storage held at a time

struct Axis {
  std::int64_t extent;
  std::int64_t stored;  // stride in the storage
  std::int64_t placed;  // stride in the row-major result
};

bool is_row_major(const TorchTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
    if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];
  }
  return true;
}

// The axes longer than one, the largest stride in the storage first.
std::vector<Axis> storage_order(const TorchTensor& tensor) {
  std::vector<Axis> axes;
  std::int64_t placed = 1;
  for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
    if (tensor.shape[axis] != 1) axes.push_back({tensor.shape[axis], tensor.strides[axis], placed});
    placed *= tensor.shape[axis];
  }
  std::ranges::stable_sort(axes, std::greater{}, &Axis::stored);
  return axes;
}

// Copies a strided view piece by piece: views that span more storage than a block are cut along their largest stride.
class Gather {
 public:
  Gather(const ByteSource& source, std::uint64_t data_offset, DType type, std::span<float> out)
      : source_(source), data_offset_(data_offset), type_(type), out_(out) {}

  void copy(std::span<const Axis> axes, std::int64_t stored, std::int64_t placed) {
    std::int64_t span = 1;
    for (const Axis& axis : axes) span += (axis.extent - 1) * axis.stored;
    if (span <= largest_block) {
      block_.resize(static_cast<std::size_t>(span));
      read_elements(source_, data_offset_ + static_cast<std::uint64_t>(stored) * byte_size(type_), type_, block_);
      scatter(axes, 0, placed);
      return;
    }
    for (std::int64_t i = 0; i < axes[0].extent; ++i) {
      copy(axes.subspan(1), stored + i * axes[0].stored, placed + i * axes[0].placed);
    }
  }

 private:
  void scatter(std::span<const Axis> axes, std::int64_t stored, std::int64_t placed) {
    if (axes.empty()) {
      out_[static_cast<std::size_t>(placed)] = block_[static_cast<std::size_t>(stored)];
      return;
    }
    for (std::int64_t i = 0; i < axes[0].extent; ++i) {
      scatter(axes.subspan(1), stored + i * axes[0].stored, placed + i * axes[0].placed);
    }
  }

  const ByteSource& source_;
  std::uint64_t data_offset_;
  DType type_;
  std::span<float> out_;
  std::vector<float> block_;
};

const ZipMember& find_storage(const ZipArchive& archive, const std::string& root, const TorchTensor& tensor,
                              const std::string& place) {
  const std::string& file = archive.source().name();
  const ZipMember* member = archive.find(root + "data/" + tensor.storage_key);
  if (member == nullptr) {
    throw InputError("{}: {}: its storage {} is missing in the archive", file, place,
                     in_quotes("data/" + tensor.storage_key));
  }
  const auto elements = static_cast<std::uint64_t>(tensor.storage_elements);
  const std::size_t width = byte_size(*tensor.type);
  if (member->size % width != 0 || member->size / width != elements) {
    throw InputError("{}: {}: its storage {} holds {} bytes instead of {} elements of {}", file, place,
                     in_quotes(member->name), member->size, elements, name_of(*tensor.type));
  }
  return *member;
}

}  // namespace

Tensor load_tensor(const ZipArchive& archive, const std::string& root, const TorchTensor& tensor,
                   const std::string& place) {
  const ByteSource& source = archive.source();
  const std::int64_t count = checked_element_count(tensor, source.name(), place);
  Tensor loaded{tensor.shape, std::vector<float>(static_cast<std::size_t>(count))};
  if (count == 0) return loaded;
  const ZipMember& member = find_storage(archive, root, tensor, place);
  const std::uint64_t data = archive.stored_offset(member);
  if (is_row_major(tensor)) {
    const std::uint64_t begin = data + static_cast<std::uint64_t>(tensor.offset) * byte_size(*tensor.type);
    const std::uint32_t crc = read_elements(source, begin, *tensor.type, loaded.values);
    if (count == tensor.storage_elements) archive.verify_crc32(member, crc);
  } else {
    Gather(source, data, *tensor.type, loaded.values).copy(storage_order(tensor), tensor.offset, 0);
  }
  if (const std::int64_t wrong = count_non_finite(loaded.values); wrong > 0) {
    throw InputError("{}: {}: {} of {} values are not finite in float32", source.name(), place, wrong, count);
  }
  return loaded;
}

}  // namespace twintrack

#include "twintrack/tensor/torch_archive.hpp"

#include <algorithm>

#include "twintrack/core/error.hpp"
#include "twintrack/tensor/torch_tensor.hpp"

namespace twintrack {
namespace {

// Says what a file is that is no zip archive.
void check_is_zip(const ByteSource& source) {
  using namespace std::string_view_literals;
  constexpr std::size_t tar_magic_offset = 257;
  const std::string begin = source.read_text(0, static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), 512)));
  if (begin.empty()) throw InputError("{}: is empty; expected a checkpoint written by torch.save", source.name());
  if (begin.starts_with("PK\x03\x04"sv)) return;
  if (begin.starts_with("version https://git-lfs"sv)) {
    throw InputError("{}: is a Git LFS pointer, not the checkpoint itself; fetch it with 'git lfs pull'",
                     source.name());
  }
  const bool tar = begin.size() > tar_magic_offset && begin.substr(tar_magic_offset).starts_with("ustar"sv);
  if (begin[0] == '\x80' || tar) {
    throw InputError(
        "{}: is in the format of PyTorch before 1.6; convert it in Python: "
        "torch.save(torch.load(OLD, map_location='cpu', weights_only=False), NEW)",
        source.name());
  }
  throw InputError("{}: is no PyTorch checkpoint: it does not begin as a zip archive", source.name());
}

// The folder in the archive that holds data.pkl, with its slash.
std::string find_root(const ZipArchive& archive) {
  constexpr std::string_view pickle_name = "data.pkl";
  const std::string& file = archive.source().name();
  const ZipMember* found = nullptr;
  for (const ZipMember& member : archive.members()) {
    const std::string_view name = member.name;
    if (name != pickle_name && !(name.ends_with(pickle_name) && name[name.size() - pickle_name.size() - 1] == '/')) {
      continue;
    }
    if (found != nullptr) {
      throw InputError("{}: holds two pickles, {} and {}", file, in_quotes(found->name), in_quotes(name));
    }
    found = &member;
  }
  if (found == nullptr) {
    throw InputError("{}: is a zip archive but no PyTorch checkpoint: it has no data.pkl", file);
  }
  return found->name.substr(0, found->name.size() - pickle_name.size());
}

void check_kind_of_archive(const ZipArchive& archive, const std::string& root) {
  const std::string& file = archive.source().name();
  const bool has_code = std::ranges::any_of(
      archive.members(), [&](const ZipMember& member) { return member.name.starts_with(root + "code/"); });
  if (has_code || archive.find(root + "constants.pkl") != nullptr) {
    throw InputError("{}: is a TorchScript program (torch.jit.save); expected an nnU-Net checkpoint", file);
  }
  if (const ZipMember* order = archive.find(root + "byteorder")) {
    if (const std::string value = archive.read(*order, 64); value != "little") {
      throw InputError("{}: byteorder is {}; only 'little' is supported: save it on a little-endian machine", file,
                       in_quotes(value));
    }
  }
}

const ByteSource& checked(const ByteSource& source) {
  check_is_zip(source);
  return source;
}

pickle::Document read_pickle(const ZipArchive& archive, const std::string& root) {
  check_kind_of_archive(archive, root);
  return pickle::interpret(archive.read(*archive.find(root + "data.pkl"), pickle::largest_pickle_bytes),
                           archive.source().name());
}

}  // namespace

TorchArchive::TorchArchive(const ByteSource& source)
    : zip_(checked(source)),
      root_(find_root(zip_)),
      document_(read_pickle(zip_, root_)),
      bytes_left_(8 * source.size() + (std::uint64_t{1} << 20)) {}

std::optional<Tensor> TorchArchive::load(pickle::Id value, const std::string& place) {
  const TorchTensor tensor = describe_tensor(document_, value, file(), place);
  if (!tensor.type) return std::nullopt;
  const auto count = static_cast<std::uint64_t>(checked_element_count(tensor, file(), place));
  if (count > bytes_left_ / sizeof(float)) {
    throw InputError("{}: {}: shape {} needs more memory than a file of {} bytes can justify", file(), place,
                     to_string(tensor.shape), size());
  }
  bytes_left_ -= count * sizeof(float);
  return load_tensor(zip_, root_, tensor, place);
}

}  // namespace twintrack

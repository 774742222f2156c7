#include "twintrack/training/case_file.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/random.hpp"
#include "twintrack/core/shape_json.hpp"
#include "twintrack/nnunet/preprocessing.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>

namespace twintrack {
namespace {

constexpr std::string_view kMagic = "TWTRCASE";
constexpr std::uint32_t kVersion = 1;
constexpr std::int64_t kAlignment = 64;
constexpr std::uint32_t kMaximalHeaderBytes = 1 << 20;
constexpr std::int64_t kMaximalExtent = std::int64_t{1} << 31;
constexpr std::int64_t kMaximalChannels = 64;

struct FixedHeader {
  std::array<char, 8> magic{};
  std::uint32_t version = 0;
  std::uint32_t json_bytes = 0;
};

// What the header says that the rest of the file follows from.
struct Header {
  std::string name;
  std::string identity;
  Shape3 shape{};
  std::int64_t channels = 1;
  bool soft = false;
  std::vector<std::int64_t> foreground;  // positions of each class
  std::int64_t annotated = 0;
};

class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : value_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }
  bool close() { return ::close(std::exchange(value_, -1)) == 0; }

 private:
  int value_;
};

void write_bytes(const Descriptor& file, std::span<const std::byte> bytes, const std::filesystem::path& final_path) {
  constexpr std::size_t most_bytes_a_call = std::size_t{1} << 26;
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.get(), bytes.data(), std::min(bytes.size(), most_bytes_a_call));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_cannot_write(final_path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

// `bytes` and zeros up to the alignment.
void write_section(const Descriptor& file, std::span<const std::byte> bytes, const std::filesystem::path& final_path) {
  constexpr std::array<std::byte, kAlignment> zeros{};
  write_bytes(file, bytes, final_path);
  write_bytes(file, std::span(zeros).first((kAlignment - bytes.size() % kAlignment) % kAlignment), final_path);
}

// Of whole 64-bit words. Any change of a single word changes the result; blocks are mixed side by side.
std::uint64_t checksum_of(std::span<const std::byte> bytes) {
  constexpr std::int64_t block = 1 << 20;
  constexpr std::size_t lanes = 4;
  std::vector<std::uint64_t> sums((bytes.size() + block - 1) / block);
  parallel_for_blocks(std::ssize(bytes), block, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::uint64_t, lanes> sum{1, 2, 3, 4};
    for (std::int64_t i = begin; i < end; i += sizeof sum) {
      std::array<std::uint64_t, lanes> words{};
      std::memcpy(words.data(), bytes.data() + i, std::min<std::size_t>(sizeof words, end - i));
      for (std::size_t l = 0; l < lanes; ++l) sum[l] = std::rotl((sum[l] ^ words[l]) * 0x9e3779b97f4a7c15ULL, 29);
    }
    for (const std::uint64_t lane : sum) sums[begin / block] = combine_bits(sums[begin / block], lane);
  });
  std::uint64_t total = bytes.size();
  for (const std::uint64_t sum : sums) total = combine_bits(total, sum);
  return total;
}

std::string header_text(const CaseContents& contents) {
  std::vector<std::size_t> foreground;
  for (const auto& voxels : contents.foreground) foreground.push_back(voxels.size());
  return to_text(Json{{"case", contents.name},
                      {"identity", contents.identity},
                      {"shape", contents.shape},
                      {"channels", contents.channels},
                      {"spacing_mm", contents.spacing_mm},
                      {"box", to_json(contents.box)},
                      {"soft", !contents.soft.empty()},
                      {"classes", contents.classes},
                      {"foreground", foreground},
                      {"annotated", contents.annotated.size()}});
}

Header parse_header(const JsonView& view) {
  Header header;
  header.name = view.at("case").as_string();
  header.identity = view.at("identity").as_string();
  const auto extents = view.at("shape").elements();
  if (extents.size() != header.shape.size()) view.at("shape").fail("expected 3 extents");
  std::int64_t voxels = 1;
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    header.shape[axis] = extents[axis].as_integer(1, kMaximalExtent);
    if (header.shape[axis] > kMaximalVoxels / voxels) view.at("shape").fail("too many voxels");
    voxels *= header.shape[axis];
  }
  header.channels = view.at("channels").as_integer(1, kMaximalChannels);
  header.soft = view.at("soft").as_bool();
  for (const JsonView& count : view.at("foreground").elements())
    header.foreground.push_back(count.as_integer(0, voxels));
  header.annotated = view.at("annotated").as_integer(0, voxels);
  return header;
}

// Takes a file apart, section after section. What would lie beyond its end is an InputError.
class Sections {
 public:
  Sections(std::span<const std::byte> bytes, const std::filesystem::path& path) : rest_(bytes), path_(path) {}

  template <typename T>
  std::span<const T> take(std::int64_t count) {
    const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(T);
    const std::size_t padded = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    if (rest_.size() < padded) throw InputError("{}: is damaged: it ends too early", path_.string());
    const std::byte* const first = rest_.data();
    rest_ = rest_.subspan(padded);
    return {reinterpret_cast<const T*>(first), static_cast<std::size_t>(count)};  // NOLINT(*-reinterpret-cast)
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
  const std::filesystem::path& path_;
};

std::span<const std::int64_t> take_positions(Sections& sections, std::int64_t count, const Shape3& shape,
                                             const std::filesystem::path& path) {
  const auto positions = sections.take<std::int64_t>(count);
  for (const std::int64_t voxel : positions) {
    if (voxel < 0 || voxel >= voxel_count(shape)) {
      throw InputError("{}: is damaged: position {} of {} voxels", path.string(), voxel, voxel_count(shape));
    }
  }
  return positions;
}

CachedCase view_case(Sections& sections, const Header& header, const std::filesystem::path& path) {
  const std::int64_t voxels = voxel_count(header.shape);
  CachedCase item;
  item.name = header.name;
  item.shape = header.shape;
  item.channels = header.channels;
  item.image = sections.take<float>(header.channels * voxels);
  item.labels = sections.take<std::int16_t>(voxels);
  if (header.soft) item.soft = sections.take<float>(voxels);
  for (const std::int64_t count : header.foreground)
    item.foreground.push_back(take_positions(sections, count, header.shape, path));
  item.annotated = take_positions(sections, header.annotated, header.shape, path);
  if (!sections.at_end()) throw InputError("{}: is damaged: it goes on after its end", path.string());
  return item;
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(path, O_RDONLY);
  struct stat facts {};
  if (file.get() < 0 || ::fstat(file.get(), &facts) != 0) {
    throw InputError("{}: cannot be read: {}", path.string(), std::generic_category().message(errno));
  }
  if (facts.st_size == 0) return;
  const auto size = static_cast<std::size_t>(facts.st_size);
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (address == MAP_FAILED) {
    throw InputError("{}: cannot be mapped into memory: {}", path.string(), std::generic_category().message(errno));
  }
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());  // NOLINT(*-const-cast)
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

void write_case_file(const std::filesystem::path& path, const CaseContents& contents) {
  const std::string json = header_text(contents);
  FixedHeader fixed{{}, kVersion, static_cast<std::uint32_t>(json.size())};
  std::copy(kMagic.begin(), kMagic.end(), fixed.magic.begin());
  std::string head(sizeof fixed, '\0');
  std::memcpy(head.data(), &fixed, sizeof fixed);
  head += json;

  AtomicFile target(path);
  Descriptor file(target.path(), O_WRONLY | O_CREAT | O_TRUNC);
  if (file.get() < 0) throw_cannot_write(path, errno);
  const auto section = [&](const auto& values) { write_section(file, std::as_bytes(std::span(values)), path); };
  section(head);
  section(contents.image);
  section(contents.labels);
  section(contents.soft);
  for (const auto& voxels : contents.foreground) section(voxels);
  section(contents.annotated);
  const std::array checksum{checksum_of(MappedFile(target.path()).bytes())};
  write_bytes(file, std::as_bytes(std::span(checksum)), path);
  if (!file.close()) throw_cannot_write(path, errno);
  target.commit();
}

std::optional<OpenedCase> open_case_file(const std::filesystem::path& path, const std::string& identity) {
  if (!std::filesystem::exists(path)) return {};
  OpenedCase opened{MappedFile(path), {}};
  std::span<const std::byte> bytes = opened.file.bytes();
  FixedHeader fixed;
  std::uint64_t checksum = 0;
  if (bytes.size() < sizeof fixed + sizeof checksum) throw InputError("{}: is damaged: too short", path.string());
  std::memcpy(&fixed, bytes.data(), sizeof fixed);
  std::memcpy(&checksum, bytes.data() + bytes.size() - sizeof checksum, sizeof checksum);
  bytes = bytes.first(bytes.size() - sizeof checksum);
  if (std::string_view(fixed.magic.data(), fixed.magic.size()) != kMagic) {
    throw InputError("{}: is damaged: it does not begin with {}", path.string(), kMagic);
  }
  if (fixed.version != kVersion) return {};
  if (fixed.json_bytes > kMaximalHeaderBytes) throw InputError("{}: is damaged: too long a header", path.string());

  Sections sections(bytes, path);
  const auto head = sections.take<char>(static_cast<std::int64_t>(sizeof fixed) + fixed.json_bytes);
  const Json json = parse_json({head.data() + sizeof fixed, fixed.json_bytes}, path.string());
  const Header header = parse_header(JsonView(json, path.string()));
  if (header.identity != identity) return {};
  if (checksum_of(bytes) != checksum) throw InputError("{}: is damaged: its checksum is another", path.string());
  opened.item = view_case(sections, header, path);
  return opened;
}

}  // namespace twintrack

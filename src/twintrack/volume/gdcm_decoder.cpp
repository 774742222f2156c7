#include "twintrack/volume/gdcm_decoder.hpp"

#include <fcntl.h>
#include <gdcmBitmap.h>
#include <gdcmSequenceOfFragments.h>
#include <gdcmTrace.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <mutex>
#include <string>

#include "twintrack/core/error.hpp"

namespace twintrack::volume_io {
namespace {

// What the child sends: a kind, the number of bytes, the bytes.
enum class Kind : std::uint32_t { pixels, error };
struct MessageHead {
  Kind kind;
  std::uint64_t bytes;
};
constexpr std::size_t longest_text = 1024;
// What a codec may need: some memory, and a slice several times.
constexpr std::size_t decoder_bytes = std::size_t{1} << 29;
constexpr std::size_t decoder_copies = 32;

bool send_all(int descriptor, const void* data, std::size_t size) {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t sent = ::write(descriptor, bytes, size);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

bool receive_all(int descriptor, void* data, std::size_t size) {
  char* bytes = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t got = ::read(descriptor, bytes, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

void send_message(int descriptor, Kind kind, const void* data, std::size_t size) {
  const MessageHead head{kind, size};
  if (!send_all(descriptor, &head, sizeof(head)) || !send_all(descriptor, data, size)) ::_exit(1);
}

gdcm::DataElement encapsulated(const Slice& slice) {
  const auto sequence = gdcm::SequenceOfFragments::New();
  std::ifstream file(slice.file, std::ios::binary);
  std::string bytes;
  for (const PixelFragment& part : slice.pixels.fragments) {
    bytes.resize(part.bytes);
    file.seekg(static_cast<std::streamoff>(part.offset));
    if (!file.read(bytes.data(), part.bytes)) throw std::runtime_error("the file breaks off");
    gdcm::Fragment fragment;
    fragment.SetByteValue(bytes.data(), part.bytes);
    sequence->AddFragment(fragment);
  }
  gdcm::DataElement element(gdcm::Tag(0x7fe0, 0x0010));
  element.SetVR(gdcm::VR::OB);
  element.SetValue(*sequence);
  return element;
}

void decode(const Slice& slice, std::vector<char>& pixels) {
  const PixelLayout& layout = slice.pixels;
  gdcm::Bitmap image;
  image.SetNumberOfDimensions(2);
  image.SetColumns(static_cast<unsigned>(layout.columns));
  image.SetRows(static_cast<unsigned>(layout.rows));
  image.SetPixelFormat(gdcm::PixelFormat(1, static_cast<unsigned short>(8 * layout.bytes_allocated),
                                         static_cast<unsigned short>(layout.bits_stored),
                                         static_cast<unsigned short>(layout.high_bit), layout.is_signed ? 1 : 0));
  image.SetPhotometricInterpretation(gdcm::PhotometricInterpretation::MONOCHROME2);
  image.SetTransferSyntax(gdcm::TransferSyntax::GetTSType(layout.transfer_syntax.c_str()));
  image.SetDataElement(encapsulated(slice));
  pixels.resize(layout.stored_bytes());
  if (image.GetBufferLength() != pixels.size()) throw std::runtime_error("they have another size than the header says");
  if (!image.GetBuffer(pixels.data())) throw std::runtime_error("the codec failed on them");
  const gdcm::PixelFormat& found = image.GetPixelFormat();
  if (found.GetSamplesPerPixel() != 1 || found.GetBitsAllocated() != 8 * layout.bytes_allocated)
    throw std::runtime_error("they are not what the header says");
}

// Codecs print to stderr, and a crash that is expected here needs no core file.
void be_quiet() {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(nowhere, STDOUT_FILENO);
  ::dup2(nowhere, STDERR_FILENO);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  gdcm::Trace::DebugOff();
  gdcm::Trace::WarningOff();
  gdcm::Trace::ErrorOff();
}

// Some codecs allocate what damaged data announce.
void limit_memory(const std::vector<const Slice*>& slices) {
  std::size_t largest = 0;
  for (const Slice* slice : slices) largest = std::max(largest, slice->pixels.stored_bytes());
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const rlim_t limit =
      pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + decoder_bytes + decoder_copies * largest;
  const rlimit memory{limit, limit};
  if (pages > 0) ::setrlimit(RLIMIT_AS, &memory);
}

[[noreturn]] void run_child(const std::vector<const Slice*>& slices, int descriptor) {
  be_quiet();
  limit_memory(slices);
  try {
    std::vector<char> pixels;
    for (const Slice* slice : slices) {
      decode(*slice, pixels);
      send_message(descriptor, Kind::pixels, pixels.data(), pixels.size());
    }
  } catch (const std::exception& error) {
    const std::string text(error.what());
    send_message(descriptor, Kind::error, text.data(), std::min(text.size(), longest_text));
  }
  ::_exit(0);
}

[[noreturn]] void throw_damaged(const Slice& slice, std::string_view why) {
  throw InputError("{}: damaged, its compressed pixels {}cannot be decoded: {}", slice.file.string(),
                   slice.frame == 0 ? "" : fmt::format("of frame {} ", slice.frame), why);
}

}  // namespace

GdcmDecoder::GdcmDecoder(const std::vector<const Slice*>& slices) : slices_(slices) {
  // One at a time: a child must not inherit another's pipe, and handlers that libraries run before a fork (ITK's
  // threads) may not be able to run twice at once.
  static std::mutex starting;
  const std::lock_guard lock(starting);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw ResourceError("no pipe to decode DICOM pixels");
  process_ = ::fork();
  if (process_ == 0) {
    ::close(ends[0]);
    run_child(slices_, ends[1]);
  }
  ::close(ends[1]);
  input_ = ends[0];
  if (process_ < 0) {
    ::close(input_);
    throw ResourceError("no process to decode DICOM pixels");
  }
}

GdcmDecoder::~GdcmDecoder() {
  ::close(input_);
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void GdcmDecoder::next(std::span<std::byte> stored) {
  const Slice& slice = *slices_[next_++];
  MessageHead head{};
  if (!receive_all(input_, &head, sizeof(head))) throw_damaged(slice, "the decoder failed on them");
  if (head.kind == Kind::pixels && head.bytes == stored.size_bytes() &&
      receive_all(input_, stored.data(), stored.size_bytes()))
    return;
  std::string text(std::min<std::size_t>(head.bytes, longest_text), '\0');
  if (head.kind != Kind::error || !receive_all(input_, text.data(), text.size()))
    throw_damaged(slice, "the decoder failed on them");
  throw_damaged(slice, text);
}

}  // namespace twintrack::volume_io

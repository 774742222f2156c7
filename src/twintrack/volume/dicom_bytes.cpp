#include "twintrack/volume/dicom_bytes.hpp"

#include <algorithm>
#include <span>

#include "twintrack/core/error.hpp"

namespace twintrack::volume_io {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 13;
constexpr std::size_t inflated_buffer_bytes = std::size_t{1} << 16;

}  // namespace

DicomBytes::DicomBytes(const std::filesystem::path& file)
    : file_name_(file), file_(file, std::ios::binary), end_(std::filesystem::file_size(file)), buffer_(buffer_bytes) {
  if (!file_) throw InputError("{}: cannot be read", file.string());
}

void DicomBytes::fail(std::string_view what) const {
  throw InputError("{}: damaged or truncated DICOM file, {} at byte {}{}", file_name_.string(), what, position_,
                   inflated_ ? " of the inflated data set" : "");
}

bool DicomBytes::refill() {
  used_ = 0;
  if (inflated_) {
    filled_ = inflated_->read(std::as_writable_bytes(std::span(buffer_)));
  } else {
    file_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    filled_ = static_cast<std::size_t>(file_.gcount());
    file_.clear(file_.rdstate() & std::ios::badbit);
  }
  return filled_ > 0;
}

void DicomBytes::require(std::uint64_t bytes) const {
  if (left() < bytes) fail(inflated_ ? "more than a deflated file of its size can hold" : "a value breaks off");
}

bool DicomBytes::at_end() {
  if (!inflated_) return position_ >= end_;
  require(1);
  return used_ == filled_ && !refill();
}

std::string DicomBytes::text(std::uint64_t bytes) {
  require(bytes);
  std::string value;
  while (value.size() < bytes) {
    if (used_ == filled_ && !refill()) fail("a value breaks off");
    const std::size_t count = std::min<std::size_t>(filled_ - used_, bytes - value.size());
    value.append(&buffer_[used_], count);
    used_ += count;
    position_ += count;
  }
  return value;
}

std::uint32_t DicomBytes::number(std::size_t bytes, bool big_endian) {
  const std::string raw = text(bytes);
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < bytes; ++i)
    value |= std::uint32_t{static_cast<unsigned char>(raw[i])} << 8 * (big_endian ? bytes - 1 - i : i);
  return value;
}

void DicomBytes::pass(std::uint64_t bytes) {
  require(bytes);
  while (bytes > filled_ - used_) {
    const std::size_t count = filled_ - used_;
    bytes -= count;
    position_ += count;
    used_ = filled_ = 0;
    if (!inflated_ && bytes > buffer_.size()) {
      position_ += bytes;
      file_.seekg(static_cast<std::streamoff>(position_));
      return;
    }
    if (!refill()) fail("a value breaks off");
  }
  used_ += bytes;
  position_ += bytes;
}

void DicomBytes::inflate_rest() {
  inflated_ = std::make_unique<ByteStream>(file_name_, position_, Coding::deflate);
  end_ = std::min(largest_inflated_bytes, end_ * inflated_times_file + inflated_bytes_besides);
  position_ = 0;
  used_ = filled_ = 0;
  buffer_.resize(inflated_buffer_bytes);
}

}  // namespace twintrack::volume_io

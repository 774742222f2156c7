// DICOM files byte by byte, right and wrong (PS3.5, PS3.10): no library of DICOM has a part in them.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace twintrack::test {

constexpr std::string_view explicit_little_endian = "1.2.840.10008.1.2.1";
constexpr std::uint32_t undefined_length = 0xffffffff;

template <typename T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

inline std::string raw_tag(std::uint32_t tag) {
  return raw(static_cast<std::uint16_t>(tag >> 16)) + raw(static_cast<std::uint16_t>(tag));
}

inline bool has_long_length(std::string_view vr) {
  return vr == "OB" || vr == "OW" || vr == "SQ" || vr == "UN" || vr == "OF" || vr == "OD" || vr == "UT";
}

// Explicit little endian; `length` is said instead of the value's own.
inline std::string element(std::uint32_t tag, std::string_view vr, std::string value,
                           std::optional<std::uint32_t> length = {}) {
  if (value.size() % 2 != 0) value += vr == "UI" ? '\0' : ' ';
  const std::uint32_t said = length.value_or(static_cast<std::uint32_t>(value.size()));
  std::string head = raw_tag(tag) + std::string(vr);
  head += has_long_length(vr) ? std::string(2, '\0') + raw(said) : raw(static_cast<std::uint16_t>(said));
  return head + value;
}

inline std::string us(std::uint32_t tag, int value) {
  return element(tag, "US", raw(static_cast<std::uint16_t>(value)));
}

inline std::string item(const std::string& content, bool defined = true) {
  if (defined) return raw_tag(0xfffee000) + raw(static_cast<std::uint32_t>(content.size())) + content;
  return raw_tag(0xfffee000) + raw(undefined_length) + content + raw_tag(0xfffee00d) + raw(std::uint32_t{0});
}

inline std::string sequence(std::uint32_t tag, const std::string& items, bool defined = true) {
  if (defined) return element(tag, "SQ", items);
  return element(tag, "SQ", items, undefined_length) + raw_tag(0xfffee0dd) + raw(std::uint32_t{0});
}

inline std::string part10(const std::string& data_set, std::string_view transfer_syntax = explicit_little_endian) {
  const std::string meta = transfer_syntax.empty() ? "" : element(0x00020010, "UI", std::string(transfer_syntax));
  return std::string(128, '\0') + "DICM" + element(0x00020000, "UL", raw(static_cast<std::uint32_t>(meta.size()))) +
         meta + data_set;
}

struct EnhancedFrame {
  std::string position;  // "x\\y\\z"
  std::string slope;     // empty: that of all frames
  std::string intercept;
  std::string stack;
  int time = 0;
  std::vector<std::int16_t> pixels;
};

// An enhanced CT (SOP class 1.2.840.10008.5.1.4.1.1.2.1).
struct EnhancedCt {
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.2.1";
  std::string sop_instance = "1.2.826.0.1.3680043.9.77";
  std::string orientation = "1\\0\\0\\0\\1\\0";
  std::string pixel_spacing = "0.75\\0.5";
  std::string slope = "1";
  std::string intercept = "-1024";
  std::string number_of_frames;  // empty: as many as there are
  int rows = 3;
  int columns = 4;
  bool defined_lengths = true;
  std::vector<EnhancedFrame> frames;
};

inline std::string functional_groups(const EnhancedCt& ct, const EnhancedFrame* frame) {
  const auto group = [&](std::uint32_t tag, const std::string& content) {
    return sequence(tag, item(content, ct.defined_lengths), ct.defined_lengths);
  };
  if (frame == nullptr)
    return group(0x00209116, element(0x00200037, "DS", ct.orientation)) +
           group(0x00289110, element(0x00180050, "DS", "2.5") + element(0x00280030, "DS", ct.pixel_spacing)) +
           group(0x00289145, element(0x00281052, "DS", ct.intercept) + element(0x00281053, "DS", ct.slope));
  std::string content;
  if (!frame->stack.empty() || frame->time > 0) {
    content =
        group(0x00209111, (frame->stack.empty() ? "" : element(0x00209056, "SH", frame->stack)) +
                              (frame->time == 0 ? "" : element(0x00209128, "UL", raw(std::uint32_t(frame->time)))));
  }
  if (!frame->position.empty()) content += group(0x00209113, element(0x00200032, "DS", frame->position));
  if (!frame->slope.empty())
    content += group(0x00289145, element(0x00281052, "DS", frame->intercept) + element(0x00281053, "DS", frame->slope));
  return content;
}

// The data set up to Pixel Data.
inline std::string enhanced_header(const EnhancedCt& ct) {
  std::string per_frame;
  for (const EnhancedFrame& frame : ct.frames) per_frame += item(functional_groups(ct, &frame), ct.defined_lengths);
  return element(0x00080008, "CS", "ORIGINAL\\PRIMARY\\VOLUME\\NONE") + element(0x00080016, "UI", ct.sop_class) +
         element(0x00080018, "UI", ct.sop_instance) + element(0x00080060, "CS", "CT") +
         element(0x0020000d, "UI", "1.2.826.0.1.3680043.9.2") + element(0x0020000e, "UI", "1.2.826.0.1.3680043.9.1") +
         us(0x00280002, 1) + element(0x00280004, "CS", "MONOCHROME2") +
         element(0x00280008, "IS",
                 ct.number_of_frames.empty() ? std::to_string(ct.frames.size()) : ct.number_of_frames) +
         us(0x00280010, ct.rows) + us(0x00280011, ct.columns) + us(0x00280100, 16) + us(0x00280101, 16) +
         us(0x00280102, 15) + us(0x00280103, 1) +
         sequence(0x52009229, item(functional_groups(ct, nullptr), ct.defined_lengths), ct.defined_lengths) +
         sequence(0x52009230, per_frame, ct.defined_lengths);
}

inline std::string pixel_bytes(const EnhancedCt& ct) {
  std::string bytes;
  for (const EnhancedFrame& frame : ct.frames)
    bytes.append(reinterpret_cast<const char*>(frame.pixels.data()), frame.pixels.size() * sizeof(std::int16_t));
  return bytes;
}

inline std::string enhanced_data_set(const EnhancedCt& ct) {
  return enhanced_header(ct) + element(0x7fe00010, "OW", pixel_bytes(ct));
}

// `count` frames at z = -300 + 2.5 k, in the order of their positions, of pixels 100 k + i.
inline EnhancedCt numbered_enhanced(int count) {
  EnhancedCt ct;
  for (int k = 0; k < count; ++k) {
    EnhancedFrame frame;
    frame.position = fmt::format("-100.5\\20.25\\{}", -300 + 2.5 * k);
    for (int i = 0; i < ct.rows * ct.columns; ++i) frame.pixels.push_back(static_cast<std::int16_t>(100 * k + i));
    ct.frames.push_back(frame);
  }
  return ct;
}

}  // namespace twintrack::test

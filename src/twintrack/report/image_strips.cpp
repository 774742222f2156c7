#include "twintrack/report/image_strips.hpp"

#include "twintrack/core/parallel.hpp"
#include "twintrack/report/png.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace twintrack {

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(bytes.size() - i, 3);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < count ? static_cast<std::uint8_t>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) text += j <= count ? digits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string strips_html(std::string_view layer, std::span<const std::uint8_t> bytes,
                        const std::array<std::int64_t, 3>& size) {
  constexpr std::int64_t strip_bytes = 1 << 20;
  const std::int64_t slice = size[0] * size[1];
  const std::int64_t slices_per_strip = std::max<std::int64_t>(strip_bytes / slice, 1);
  const std::int64_t count = (size[2] + slices_per_strip - 1) / slices_per_strip;
  std::vector<std::string> strips(count);
  parallel_for(count, [&](std::int64_t i) {
    const std::int64_t begin = i * slices_per_strip;
    const std::int64_t slices = std::min(slices_per_strip, size[2] - begin);
    strips[i] =
        base64(encode_png(bytes.subspan(begin * slice, slices * slice), size[0], size[1] * slices, PngColour::grey));
  });
  std::string html;
  for (std::string& strip : strips) {
    html += fmt::format("<script type=\"image/png;base64\" data-layer=\"{}\">", layer) + strip + "</script>\n";
    strip = {};
  }
  return html;
}

}  // namespace twintrack

// Volumes of bytes inside an HTML page.
#pragma once

#include "twintrack/report/display_grid.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace twintrack {

// RFC 4648, with padding.
std::string base64(std::string_view bytes);

// Script elements of type image/png;base64 and attribute data-layer=`layer` (a plain word), each a grey PNG with whole
// slices below one another, about a mebibyte of voxels. In this order they are the volume (`size`: x fastest).
//
// The page's script inflates them itself (DecompressionStream): drawing them as <img> and reading the canvas back would
// not give the same bytes in browsers that blur such reads against fingerprinting, and takes four times the memory.
std::string strips_html(std::string_view layer, std::span<const std::uint8_t> bytes,
                        const std::array<std::int64_t, 3>& size);

}  // namespace twintrack

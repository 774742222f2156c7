// PNG files of 8-bit samples (ISO/IEC 15948), by zlib.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace twintrack {

enum class PngColour : int { grey = 1, rgb = 3 };  // samples of a pixel

// The file's bytes. `samples`: rows from the top, pixels from the left; width * height * samples of a pixel of them.
// Every row is filtered by Paeth's predictor. Grey samples are compressed without a search for repetitions, which on CT
// gives files as small at ten times the speed; coloured pictures, which are drawn, with it. Throws InputError for an
// empty picture, or one of another size than its samples.
std::string encode_png(std::span<const std::uint8_t> samples, std::int64_t width, std::int64_t height,
                       PngColour colour);

}  // namespace twintrack

// CalibrationStatistics as a file, so that cohorts on several machines make one calibrator without moving images.
#pragma once

#include "twintrack/calibration/statistics.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace twintrack {

// Format "twintrack-statistics/1", see docs/formats.md. Written complete or not at all. Throws ResourceError.
void write_statistics(const std::filesystem::path& path, const CalibrationStatistics& statistics);

// Throws InputError naming file and field for anything else than what write_statistics writes; memory stays within
// a small multiple of the file's size and 70 MB.
CalibrationStatistics read_statistics(const std::filesystem::path& path);
CalibrationStatistics parse_statistics(std::string_view bytes, const std::string& file);

}  // namespace twintrack

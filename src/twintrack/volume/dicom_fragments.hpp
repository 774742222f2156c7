// Which fragments of encapsulated pixel data make up a frame (PS3.5, A.4). Internal to this module.
#pragma once

#include <cstddef>
#include <vector>

#include "twintrack/volume/dicom_header.hpp"

namespace twintrack::volume_io {

// Of frame `index` of `count`: all of a single frame; else one fragment a frame, or those that the offset table says.
// Throws InputError when the table does not fit to the fragments, or there is none where one is needed.
std::vector<PixelFragment> fragments_of_frame(const DicomHeader& header, std::size_t index, std::size_t count);

}  // namespace twintrack::volume_io

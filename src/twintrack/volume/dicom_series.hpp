// The series that a volume is made from. Internal to this module.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "twintrack/volume/dicom_instance.hpp"

namespace twintrack::volume_io {

struct Series {
  std::string uid;
  std::vector<DicomInstance> images;
};

// Of the files that `path` means (dicom_input): the series `series_uid`, or the axial CT series with most voxels; of a
// list or a single file, their own. Objects that are no images of a volume (PS3.4, B.5: reports, segmentations,
// secondary captures, dose) are passed over, and so are localizers where a series has other images; `warnings` says
// what was left out of the series, and which other series there are. Throws InputError when there is no such series,
// when a list names other objects or images of several series, and when any file is damaged.
Series choose_series(const std::filesystem::path& path, const std::optional<std::string>& series_uid,
                     std::vector<std::string>& warnings);

}  // namespace twintrack::volume_io

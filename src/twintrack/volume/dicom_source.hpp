// The files that a volume is made of, for those who refer back to them (DICOM objects that are written).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct DicomSource {
  std::string series_uid;
  // Of the series that read_volume makes its volume of: one a slice, in the order of their positions along the normal
  // (first = z index 0); one file only for an enhanced multi-frame object.
  std::vector<std::filesystem::path> files;
  // The volume's slices are those of the files. False where it was resampled (gantry tilt, mixed slice spacing) or an
  // enhanced object comes in parts (a concatenation), so that slices and files do not correspond one to one.
  bool slices_are_source_slices = true;
};

// Nothing when the input is not DICOM. `path` and `series_uid` as read_volume takes them; throws what it throws for a
// series that it refuses for its headers. Pixels are read only where two slices are at one position.
std::optional<DicomSource> dicom_source(const std::filesystem::path& path,
                                        const std::optional<std::string>& series_uid = {});

// Where the DICOM files in `folder` lie, known by their content, at most 8 folders deep: `folder` itself when it has
// some or all folders in it have those of one study (by the first file of each); else the folders in it that this holds
// for, in name order. Nothing when there are none.
std::vector<std::filesystem::path> dicom_study_folders(const std::filesystem::path& folder);

}  // namespace twintrack

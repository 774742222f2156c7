// Which files a path means: a folder, a list of files, one file. Internal to this module.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack::volume_io {

struct DicomInput {
  std::vector<std::filesystem::path> files;           // DICOM files, in name order
  bool listed = false;                                // by the user one by one: all must be images of one series
  std::optional<std::filesystem::path> of_series_of;  // the series of this file is meant
};

constexpr int deepest_folder = 8;

// A folder: its DICOM files, or those of the folders in it (deepest_folder, 100 000 files; links to folders are not
// followed) where it has none itself; a DICOMDIR is passed over. A text file ending in .txt: one path a line, relative
// to it, empty lines and those that begin with # left out. Any other file: it and the DICOM files beside it. Throws
// InputError where nothing is found, and for lines of a list that are no DICOM files or stand there twice.
DicomInput dicom_input(const std::filesystem::path& path);

// By content, not by name; but a DICOMDIR, which lists other files, is none.
bool is_dicom_file(const std::filesystem::path& path);

// The name ends in .txt: a list of files.
bool is_file_list(const std::filesystem::path& path);

}  // namespace twintrack::volume_io

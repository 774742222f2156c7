// Reading and writing volumes: NIfTI-1, MetaImage, NRRD, DICOM series.
//
// Files are streamed: reading needs memory for the float32 volume and a few MiB besides (DICOM: a slice a thread),
// writing a few tens of MiB besides what is written. Geometry is kept to the bit from reading to writing to reading
// again; MetaImage and NRRD hold any geometry exactly, NIfTI holds float32.
#pragma once

#include "twintrack/volume/volume.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace twintrack {

// A CT in HU (or any scalar image): rescale slope and intercept applied, float32, checked. `path` is a file, whose
// content decides on its format, or DICOM: a folder (its files, or those of the folders in it where it has none), a
// list of the files of one series (a path a line, relative to the list, its name ending in .txt), an enhanced
// multi-frame file, or one slice, which means its series in the same folder. Of several series in a folder the largest
// axial CT one is taken, or the one named by `series_uid`. DICOM slices are sorted by position; a tilted gantry and
// mixed slice distances are resampled to an upright grid, Pixel Padding becomes -1024 HU. Throws InputError (naming
// file and reason) for everything that is not one finite, non-empty scalar 3-D image with plausible spacing and an
// orthonormal direction, and ResourceError when it is larger than memory. What a person should know of a volume that is
// read all the same (a resampled series, a slice left out) is put into `warnings`, a sentence each; without it, it is
// logged as a warning.
Volume<float> read_volume(const std::filesystem::path& path, const std::optional<std::string>& series_uid = {});
Volume<float> read_volume(const std::filesystem::path& path, const std::optional<std::string>& series_uid,
                          std::vector<std::string>& warnings);

// The same in blocks, for those who do not keep the voxels: calls take(first voxel, voxels) in file order, the first
// voxel of each block a multiple of 64. Needs a few MiB for a file (a DICOM series is read whole).
using VoxelBlock = std::function<void(std::int64_t begin, std::span<const float> voxels)>;
Geometry read_blocks(const std::filesystem::path& path, const std::function<void(const Geometry&)>& start,
                     const VoxelBlock& take);

// The same for label maps: whole numbers in [0, 65535].
using LabelBlock = std::function<void(std::int64_t begin, std::span<const std::uint16_t> labels)>;
Geometry read_label_blocks(const std::filesystem::path& path, const std::function<void(const Geometry&)>& start,
                           const LabelBlock& take);
Volume<std::uint16_t> read_labels(const std::filesystem::path& path);

// "x=1, y=2, z=3" of the voxel with this index: how messages name it.
std::string voxel_name(std::int64_t index, const Geometry& geometry);

// One of the endings a volume file may have (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd").
bool has_volume_extension(const std::filesystem::path& path);

// `path` without folder and volume ending: "/a/case.nii.gz" -> "case".
std::string volume_stem(const std::filesystem::path& path);

// Writes (compressed when the ending allows) to `path`, complete or not at all; the ending chooses the format.
// .mhd writes its voxels beside it, as .zraw. Throws ResourceError when the file cannot be written, UsageError for
// another ending, and InputError for what the format cannot hold (NIfTI-1: more than 32767 voxels along an axis).
void write_volume(const std::filesystem::path& path, const Volume<float>& volume);
void write_volume(const std::filesystem::path& path, const Volume<std::uint8_t>& volume);
void write_volume(const std::filesystem::path& path, const Volume<std::uint16_t>& volume);
void write_volume(const std::filesystem::path& path, const Volume<std::int16_t>& volume);

// A 4-D file (x, y, z, class), float32. `channels` holds channel_count volumes of geometry.voxel_count() voxels in a
// row.
void write_channels(const std::filesystem::path& path, const Geometry& geometry, std::int64_t channel_count,
                    const std::vector<float>& channels);

}  // namespace twintrack

// Voxels of any scalar type from a file into float32. Internal to this module.
#pragma once

#include <filesystem>
#include <vector>

#include "twintrack/volume/io.hpp"
#include "twintrack/volume/raw_image.hpp"

namespace twintrack::volume_io {

// Deflate expands its input at most 1032 times; a header that promises more than this is lying.
constexpr std::uint64_t largest_inflation = 1100;

// slope * voxel + intercept, x fastest. Needs memory for the result and 1 MiB besides. Throws InputError when the file
// holds fewer voxels than `image` says (before anything is allocated, where the file's length tells) or is damaged, and
// ResourceError when the result is larger than this machine's memory. `file` is the one that messages name.
std::vector<float> read_voxels(const RawImage& image, const std::filesystem::path& file);

// The same in blocks, in file order; `begin` is a multiple of 64. Throws InputError for NaN and infinite voxels too.
void read_voxel_blocks(const RawImage& image, const std::filesystem::path& file, const VoxelBlock& take);

// Throws InputError that counts NaN and infinite voxels and names the first.
void check_finite(const Volume<float>& volume, const std::filesystem::path& file);

// Throws ResourceError when a volume of `voxel_count` float32 voxels is larger than this machine's memory.
void check_memory(std::int64_t voxel_count, const std::filesystem::path& file);

}  // namespace twintrack::volume_io

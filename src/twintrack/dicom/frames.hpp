// Frames in the patient: the functional groups of multi-frame images (PS3.3, C.7.6.16). Internal to this module.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "twintrack/dicom/data_set.hpp"
#include "twintrack/volume/volume.hpp"

namespace twintrack::dicom_objects {

// Slices that become frames: those with a voxel for which `is_set`, or the first where there is none, since an object
// needs a frame.
std::vector<std::int64_t> frames_where(const Geometry& geometry, const std::function<bool(std::int64_t voxel)>& is_set);

// Rows, Columns, Number of Frames, and how pixels are stored.
struct PixelFormat {
  std::uint16_t bits = 1;  // allocated and stored
  bool is_float = false;
};
void put_pixel_format(DcmItem& object, const Geometry& geometry, std::size_t frames, const PixelFormat& format);

// Image Pixel's neighbour modules: Multi-frame Dimension and the functional groups that place every frame and name the
// images it comes from. With `segment`, frames are of that segment, the first dimension.
struct FrameGroups {
  const Geometry& geometry;
  const SourceStudy& source;
  const std::vector<std::int64_t>& slices;
  std::uint16_t segment = 0;
};
void put_frame_groups(DcmItem& object, const FrameGroups& frames, const std::string& dimension_uid);

// The item of Shared Functional Groups Sequence, for more groups.
DcmItem& shared_groups(DcmItem& object);

// Lossy Image Compression and its ratio and method, as the source says.
void put_lossy_compression(DcmItem& object, const SourceStudy& source);

}  // namespace twintrack::dicom_objects

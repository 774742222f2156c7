#include "twintrack/volume/dicom_volume.hpp"

#include <algorithm>
#include <set>

#include "twintrack/core/error.hpp"
#include "twintrack/volume/dicom_resample.hpp"
#include "twintrack/volume/dicom_series.hpp"
#include "twintrack/volume/dicom_slice_reader.hpp"
#include "twintrack/volume/dicom_stack.hpp"
#include "twintrack/volume/raw_image.hpp"
#include "twintrack/volume/voxel_reader.hpp"

namespace twintrack::volume_io {
namespace {

namespace fs = std::filesystem;

struct StackedSeries {
  std::string uid;
  std::string modality;
  Stack stack;
};

StackedSeries stacked_series(const fs::path& path, const std::optional<std::string>& series_uid,
                             std::vector<std::string>& warnings) {
  const Series series = choose_series(path, series_uid, warnings);
  std::vector<Slice> slices;
  for (const DicomInstance& image : series.images) std::ranges::move(slices_of(image), std::back_inserter(slices));
  StackedSeries stacked{series.uid, series.images.front().text(attribute::modality), {}};
  stacked.stack = stack_of(std::move(slices), path, have_same_pixels, warnings);
  check_geometry(stacked.stack.geometry, path);
  return stacked;
}

void warn_of_padding(const std::vector<Slice>& slices, std::int64_t padded, std::vector<std::string>& warnings) {
  const auto tissue = std::ranges::find_if(slices, [](const Slice& s) { return s.pixels.padding_tissue.has_value(); });
  if (tissue != slices.end())
    warnings.push_back(
        fmt::format("{} stands for {:g} HU in {}, which tissue has too: pixels of it are left as they are",
                    attribute::pixel_padding.name, *tissue->pixels.padding_tissue, name_of(*tissue)));
  if (padded > 0)
    warnings.push_back(
        fmt::format("{} pixels are padding (below {:g} HU), they are set to {:g} HU", padded, air_hu, air_hu));
}

}  // namespace

Volume<float> read_dicom(const fs::path& path, const std::optional<std::string>& series_uid,
                         std::vector<std::string>& warnings) {
  const StackedSeries series = stacked_series(path, series_uid, warnings);
  const Stack& stack = series.stack;
  Volume<float> volume{stack.geometry, {}};
  check_memory(volume.geometry.voxel_count(), path);
  volume.voxels.resize(static_cast<std::size_t>(volume.geometry.voxel_count()));
  std::int64_t padded = 0;
  if (stack.places.empty()) {
    padded = read_slices(stack.slices, volume.voxels);
  } else {
    std::vector<const Slice*> slices;
    for (const Slice& slice : stack.slices) slices.push_back(&slice);
    SliceReader reader(std::move(slices));
    resample_stack(
        stack, [&](std::span<float> pixels) { padded += reader.next(pixels); }, series.modality == "CT" ? air_hu : 0.0F,
        volume.voxels);
  }
  warn_of_padding(stack.slices, padded, warnings);
  return volume;
}

Geometry geometry_of_dicom(const fs::path& path, const std::optional<std::string>& series_uid) {
  std::vector<std::string> ignored;
  return stacked_series(path, series_uid, ignored).stack.geometry;
}

DicomSource source_of(const fs::path& path, const std::optional<std::string>& series_uid) {
  std::vector<std::string> ignored;
  const StackedSeries series = stacked_series(path, series_uid, ignored);
  const std::vector<Slice>& slices = series.stack.slices;
  DicomSource source{series.uid, {}, series.stack.places.empty()};
  std::set<fs::path> named;
  for (const Slice& slice : slices) {
    if (named.insert(slice.file).second) source.files.push_back(slice.file);
  }
  // The parts of a concatenation have frames of several slices each.
  if (source.files.size() > 1 && source.files.size() != slices.size()) source.slices_are_source_slices = false;
  return source;
}

}  // namespace twintrack::volume_io

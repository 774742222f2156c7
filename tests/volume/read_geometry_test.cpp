#include "twintrack/volume/read_geometry.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/temporary_folder.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/volume/io.hpp"
#include "volume/dicom_series.hpp"

namespace twintrack::test {
namespace {

namespace fs = std::filesystem;

Volume<float> oblique() {
  Volume<float> volume{{{7, 5, 4}, {0.5, 0.75, 2.5}, {-10.5, 20.25, 300}, {0, -1, 0, 1, 0, 0, 0, 0, 1}}, {}};
  volume.voxels.assign(static_cast<std::size_t>(volume.geometry.voxel_count()), 3.0F);
  return volume;
}

TEST(ReadGeometry, of_files_is_that_of_the_volume) {
  const TemporaryFolder folder;
  for (const char* const name : {"a.nii", "a.nii.gz", "a.mha", "a.mhd", "a.nrrd"}) {
    write_volume(folder / name, oblique());
    EXPECT_EQ(read_geometry(folder / name), read_volume(folder / name).geometry) << name;
  }
}

TEST(ReadGeometry, needs_no_voxels) {
  const TemporaryFolder folder;
  write_volume(folder / "a.nii", oblique());
  fs::resize_file(folder / "a.nii", 352);
  EXPECT_EQ(read_geometry(folder / "a.nii").size, oblique().geometry.size);
  EXPECT_THROW(read_volume(folder / "a.nii"), InputError);
}

TEST(ReadGeometry, of_a_dicom_series_is_that_of_the_volume) {
  const TemporaryFolder folder;
  write_series(folder.path(), 4);
  EXPECT_EQ(read_geometry(folder.path()), read_volume(folder.path()).geometry);
}

TEST(ReadGeometry, refuses_what_read_volume_refuses) {
  const TemporaryFolder folder;
  write_volume(folder / "a.nii", oblique());
  EXPECT_THROW(read_geometry(folder / "absent.nii"), InputError);
  EXPECT_THROW(read_geometry(folder.path()), InputError) << "no DICOM in it";
  EXPECT_THROW(read_geometry(folder / "a.nii", "1.2.3"), InputError) << "a series of a file";
}

}  // namespace
}  // namespace twintrack::test

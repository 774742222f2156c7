// Files are complete or absent, the same for any number of threads, and readable by anyone.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "support/small_disk.hpp"
#include "twintrack/core/parallel.hpp"
#include "volume/support.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* names[] = {"case.nii", "case.nii.gz", "case.mha", "case.mhd", "case.nrrd"};

Volume<float> several_rounds_of_chunks() {
  Geometry geometry = small_geometry();
  geometry.size = {256, 256, 96};
  Volume<float> volume = random_volume(geometry);
  std::fill(volume.voxels.begin(), volume.voxels.begin() + 2'000'000, 0.0F);
  return volume;
}

TEST(Write, a_gzip_file_is_one_member_that_zlib_inflates_to_header_and_voxels) {
  const TemporaryFolder folder;
  const Volume<float> volume = several_rounds_of_chunks();
  write_volume(folder / "case.nii.gz", volume);
  write_volume(folder / "case.nii", volume);
  std::string packed = get_file(folder / "case.nii.gz");
  const std::string plain = get_file(folder / "case.nii");
  EXPECT_LT(packed.size(), plain.size() * 3 / 4);
  std::string inflated(plain.size() + 1, '\0');
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(inflated.data());
  stream.avail_out = static_cast<uInt>(inflated.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  EXPECT_EQ(stream.total_out, plain.size());
  inflateEnd(&stream);
  inflated.resize(plain.size());
  EXPECT_EQ(inflated, plain);
}

TEST(Write, bytes_do_not_depend_on_the_number_of_threads) {
  const TemporaryFolder folder;
  const Volume<float> volume = several_rounds_of_chunks();
  const int usual = thread_count();
  for (const char* name : {"case.nii.gz", "case.mha", "case.nrrd"}) {
    set_thread_count(1);
    write_volume(folder / name, volume);
    const std::string alone = get_file(folder / name);
    set_thread_count(4);
    write_volume(folder / name, volume);
    EXPECT_EQ(get_file(folder / name), alone) << name;
    EXPECT_EQ(read_volume(folder / name).voxels, volume.voxels);
  }
  set_thread_count(usual);
}

TEST(Write, incompressible_voxels_are_kept) {
  const TemporaryFolder folder;
  std::mt19937 random(3);
  Geometry geometry = small_geometry();
  geometry.size = {200, 200, 30};
  Volume<std::uint16_t> volume{geometry, std::vector<std::uint16_t>(1'200'000)};
  for (auto& voxel : volume.voxels) voxel = static_cast<std::uint16_t>(random());
  write_volume(folder / "case.nii.gz", volume);
  EXPECT_EQ(read_labels(folder / "case.nii.gz").voxels, volume.voxels);
  EXPECT_LT(fs::file_size(folder / "case.nii.gz"), 2'400'000u + 20'000u);
}

TEST(Write, a_gzip_file_of_several_members_is_read_whole) {
  const TemporaryFolder folder;
  const Volume<float> volume = random_volume(small_geometry());
  write_volume(folder / "case.nii", volume);
  const std::string plain = get_file(folder / "case.nii");
  const gzFile first = gzopen((folder / "case.nii.gz").c_str(), "wb");
  gzwrite(first, plain.data(), 400);
  gzclose(first);
  const gzFile second = gzopen((folder / "case.nii.gz").c_str(), "ab");
  gzwrite(second, plain.data() + 400, static_cast<unsigned>(plain.size() - 400));
  gzclose(second);
  EXPECT_EQ(read_volume(folder / "case.nii.gz").voxels, volume.voxels);
}

TEST(Write, leaves_the_files_of_the_format_and_nothing_else) {
  for (const char* name : names) {
    const TemporaryFolder folder;
    write_volume(folder / name, random_volume(small_geometry()));
    EXPECT_EQ(folder.entries(), std::string_view(name).ends_with(".mhd") ? 2u : 1u) << name;
  }
}

TEST(Write, a_full_disk_is_a_resource_error_and_leaves_nothing) {
  const Volume<float> volume = several_rounds_of_chunks();
  for (const char* name : names) {
    for (const rlim_t bytes : {rlim_t{0}, rlim_t{100}, rlim_t{100'000}}) {
      const TemporaryFolder folder;
      const test::SmallDisk disk(bytes);
      EXPECT_THAT(error_of([&] { write_volume(folder / name, volume); }, ExitStatus::out_of_resources),
                  HasSubstr(folder.path().string()));
      EXPECT_EQ(folder.entries(), 0u) << name << " with room for " << bytes;
    }
  }
}

TEST(Write, a_failure_keeps_the_file_that_was_there) {
  const TemporaryFolder folder;
  const Volume<float> before = random_volume(small_geometry());
  write_volume(folder / "case.nii.gz", before);
  {
    const test::SmallDisk disk(1000);
    EXPECT_THROW(write_volume(folder / "case.nii.gz", several_rounds_of_chunks()), ResourceError);
  }
  EXPECT_EQ(read_volume(folder / "case.nii.gz").voxels, before.voxels);
}

TEST(Write, a_place_that_cannot_be_written_to_is_a_resource_error) {
  const TemporaryFolder folder;
  const Volume<float> volume = random_volume(small_geometry());
  EXPECT_THAT(error_of([&] { write_volume(folder / "absent/case.nii", volume); }, ExitStatus::out_of_resources),
              HasSubstr("folder does not exist"));
  fs::create_directory(folder / "case.mha");
  EXPECT_THAT(error_of([&] { write_volume(folder / "case.mha", volume); }, ExitStatus::out_of_resources),
              HasSubstr("folder"));
}

TEST(Write, an_unknown_ending_is_wrong_usage) {
  const TemporaryFolder folder;
  EXPECT_THAT(
      error_of([&] { write_volume(folder / "case.png", random_volume(small_geometry())); }, ExitStatus::wrong_usage),
      HasSubstr(".nii.gz"));
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(Write, an_extent_beyond_nifti_names_the_formats_that_hold_it) {
  const TemporaryFolder folder;
  Geometry geometry = small_geometry();
  geometry.size = {40000, 1, 1};
  const Volume<float> volume = random_volume(geometry);
  EXPECT_THAT(error_of([&] { write_volume(folder / "case.nii.gz", volume); }, ExitStatus::bad_input),
              HasSubstr(".mha"));
  write_volume(folder / "case.mha", volume);
  EXPECT_EQ(read_volume(folder / "case.mha").geometry, geometry);
}

TEST(Write, one_channel_is_a_volume) {
  const TemporaryFolder folder;
  const Volume<float> volume = random_volume(small_geometry());
  for (const char* name : names) {
    write_channels(folder / name, volume.geometry, 1, volume.voxels);
    EXPECT_EQ(read_volume(folder / name).voxels, volume.voxels) << name;
  }
}

TEST(Write, a_count_of_voxels_that_does_not_fit_is_a_programming_error) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_channels(folder / "case.nii", small_geometry(), 2, std::vector<float>(60)), std::invalid_argument);
  EXPECT_THROW(write_volume(folder / "case.nii", Volume<float>{small_geometry(), {}}), std::invalid_argument);
}

}  // namespace
}  // namespace twintrack

// Reading in blocks gives what reading whole gives, in order, without keeping it.
#include "volume/support.hpp"

#include <limits>

namespace twintrack {
namespace {

using namespace test;
using testing::AllOf;
using testing::HasSubstr;

constexpr const char* kEndings[] = {".nii", ".nii.gz", ".mha", ".mhd", ".nrrd"};

Geometry large_geometry() {
  Geometry geometry = small_geometry();
  geometry.size = {131, 117, 89};  // 5 MiB of float32, several blocks, no multiple of 64
  return geometry;
}

class Blocks : public testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path path() const { return folder_ / (std::string("case") + GetParam()); }
  TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(formats, Blocks, testing::ValuesIn(kEndings), [](const auto& row) {
  return std::string(row.param).substr(1, 3) + std::to_string(row.index);
});

TEST_P(Blocks, AreTheVolumeInOrder) {
  const Volume<float> volume = random_volume(large_geometry());
  write_volume(path(), volume);
  const Volume<float> whole = read_volume(path());
  std::vector<float> voxels;
  int starts = 0;
  int blocks = 0;
  Geometry announced;
  const Geometry geometry = read_blocks(
      path(),
      [&](const Geometry& g) {
        ++starts;
        announced = g;
        EXPECT_TRUE(voxels.empty());
      },
      [&](std::int64_t begin, std::span<const float> block) {
        ++blocks;
        EXPECT_EQ(begin, static_cast<std::int64_t>(voxels.size()));
        EXPECT_EQ(begin % 64, 0);
        EXPECT_FALSE(block.empty());
        voxels.insert(voxels.end(), block.begin(), block.end());
      });
  EXPECT_EQ(starts, 1);
  EXPECT_GT(blocks, 1);
  EXPECT_EQ(geometry, whole.geometry);
  EXPECT_EQ(announced, whole.geometry);
  EXPECT_EQ(voxels, whole.voxels);
}

TEST_P(Blocks, OfLabelsAreTheLabels) {
  Volume<std::uint16_t> labels{large_geometry(), {}};
  for (std::int64_t i = 0; i < labels.geometry.voxel_count(); ++i)
    labels.voxels.push_back(static_cast<std::uint16_t>(i * 2654435761U >> 5));
  write_volume(path(), labels);
  std::vector<std::uint16_t> voxels;
  read_label_blocks(
      path(), [](const Geometry&) {},
      [&](std::int64_t begin, std::span<const std::uint16_t> block) {
        EXPECT_EQ(begin, static_cast<std::int64_t>(voxels.size()));
        voxels.insert(voxels.end(), block.begin(), block.end());
      });
  EXPECT_EQ(voxels, labels.voxels);
  EXPECT_EQ(read_labels(path()).voxels, labels.voxels);
}

TEST_P(Blocks, NameTheVoxelThatIsNotFinite) {
  Volume<float> volume = random_volume(large_geometry());
  volume.voxels[(static_cast<std::size_t>(80) * 117 + 100) * 131 + 7] = std::numeric_limits<float>::infinity();
  write_volume(path(), volume);
  const std::string message = error_of(
      [&] {
        read_blocks(
            path(), [](const Geometry&) {}, [](std::int64_t, std::span<const float>) {});
      },
      ExitStatus::bad_input);
  EXPECT_THAT(message, AllOf(HasSubstr("NaN or infinite voxel"), HasSubstr("x=7, y=100, z=80")));
}

TEST_P(Blocks, NameTheVoxelThatIsNoLabel) {
  Volume<float> volume = random_volume(large_geometry());
  for (float& v : volume.voxels) v = 3;
  for (const float wrong : {0.5F, -1.0F, 65536.0F}) {
    volume.voxels[(static_cast<std::size_t>(88) * 117 + 1) * 131 + 130] = wrong;
    write_volume(path(), volume);
    const std::string message = error_of(
        [&] {
          read_label_blocks(
              path(), [](const Geometry&) {}, [](std::int64_t, std::span<const std::uint16_t>) {});
        },
        ExitStatus::bad_input);
    EXPECT_THAT(message, AllOf(HasSubstr("x=130, y=1, z=88 is no label"), HasSubstr("0 to 65535")));
  }
}

TEST(BlocksOfFiles, ThatAreTruncatedOrAbsentAreRefused) {
  const TemporaryFolder folder;
  write_volume(folder / "a.nii", random_volume(large_geometry()));
  const std::string bytes = get_file(folder / "a.nii");
  put_file(folder / "b.nii", std::string_view(bytes).substr(0, bytes.size() / 2));
  const auto read = [&](const char* name) {
    return error_of(
        [&] {
          read_blocks(
              folder / name, [](const Geometry&) {}, [](auto, auto) {});
        },
        ExitStatus::bad_input);
  };
  EXPECT_THAT(read("b.nii"), HasSubstr("b.nii"));
  EXPECT_THAT(read("none.nii"), HasSubstr("no such file"));
}

TEST(VoxelName, IsThePlaceOnTheGrid) {
  const Geometry geometry = small_geometry();  // 5 x 4 x 3
  EXPECT_EQ(voxel_name(0, geometry), "x=0, y=0, z=0");
  EXPECT_EQ(voxel_name(5 * 4 * 2 + 5 * 3 + 4, geometry), "x=4, y=3, z=2");
}

}  // namespace
}  // namespace twintrack

// What is written is what is read: voxels to the bit, geometry to what the format's header can hold.
#include "support/golden.hpp"
#include "volume/support.hpp"

namespace twintrack {
namespace {

using namespace test;

constexpr const char* all_endings[] = {".nii", ".nii.gz", ".mha", ".mhd", ".nrrd"};
constexpr double float32_precision = 1e-6;
// Near a half turn a float32 quaternion's first component, sqrt(1 - b^2 - c^2 - d^2), is uncertain by this much.
constexpr double quaternion_precision = 5e-4;

class RoundTrip : public testing::TestWithParam<const char*> {
 protected:
  Volume<float> after_writing(const Volume<float>& volume) {
    write_volume(folder_ / (std::string("case") + GetParam()), volume);
    return read_volume(folder_ / (std::string("case") + GetParam()));
  }
  bool holds_float32_only() const { return std::string(GetParam()).starts_with(".nii"); }
  TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(formats, RoundTrip, testing::ValuesIn(all_endings),
                         [](const auto& each) { return std::string("format_") + std::to_string(each.index); });

TEST_P(RoundTrip, keeps_all_48_axis_orientations_exactly) {
  for (const auto& direction : axis_directions()) {
    Volume<float> volume = random_volume(small_geometry());
    volume.geometry.direction = direction;
    const Volume<float> result = after_writing(volume);
    ASSERT_EQ(result.geometry, volume.geometry) << testing::PrintToString(direction);
    ASSERT_EQ(result.voxels, volume.voxels);
  }
}

TEST_P(RoundTrip, keeps_what_it_read_to_the_bit_for_oblique_directions_and_odd_spacings) {
  for (const auto& direction : oblique_directions()) {
    Volume<float> volume = random_volume(small_geometry());
    volume.geometry.direction = direction;
    volume.geometry.spacing_mm = {0.7, 0.6835937499, 1.0 / 3};
    volume.geometry.origin_mm = {-171.3, 0.1, 1e-7};
    const Volume<float> first = after_writing(volume);
    const Volume<float> second = after_writing(first);
    ASSERT_EQ(second.geometry, first.geometry) << testing::PrintToString(direction);
    if (holds_float32_only()) {
      ASSERT_LT(largest_difference(first.geometry, volume.geometry), float32_precision);
    } else {
      ASSERT_EQ(first.geometry, volume.geometry) << testing::PrintToString(direction);
    }
  }
}

TEST_P(RoundTrip, keeps_awkward_extents_and_single_slices) {
  for (const std::array<std::int64_t, 3> size :
       {std::array<std::int64_t, 3>{1, 1, 1}, {7, 5, 1}, {1, 300, 2}, {131, 97, 90}}) {
    Geometry geometry = small_geometry();
    geometry.size = size;
    const Volume<float> volume = random_volume(geometry);
    const Volume<float> result = after_writing(volume);
    ASSERT_EQ(result.geometry, geometry);
    ASSERT_EQ(result.voxels, volume.voxels);
  }
}

TEST_P(RoundTrip, keeps_labels_of_8_and_16_bits) {
  const std::filesystem::path path = folder_ / (std::string("labels") + GetParam());
  const auto small = numbered_volume<std::uint8_t>(small_geometry());
  write_volume(path, small);
  EXPECT_EQ(read_labels(path).voxels, std::vector<std::uint16_t>(small.voxels.begin(), small.voxels.end()));
  auto large = numbered_volume<std::uint16_t>(small_geometry());
  large.voxels[17] = 65535;
  write_volume(path, large);
  EXPECT_EQ(read_labels(path).voxels, large.voxels);
  EXPECT_EQ(read_labels(path).geometry, large.geometry);
}

TEST_P(RoundTrip, keeps_signed_16_bits) {
  const std::filesystem::path path = folder_ / (std::string("ct") + GetParam());
  auto ct = numbered_volume<std::int16_t>(small_geometry());
  for (std::int16_t& hu : ct.voxels) hu = static_cast<std::int16_t>(hu - 1024);
  ct.voxels[3] = -32768;
  ct.voxels[4] = 32767;
  write_volume(path, ct);
  const Volume<float> read = read_volume(path);
  EXPECT_EQ(read.voxels, std::vector<float>(ct.voxels.begin(), ct.voxels.end()));
  EXPECT_EQ(read.geometry, ct.geometry);
}

TEST_P(RoundTrip, gives_every_format_the_geometry_of_a_nifti_file) {
  Volume<float> volume = random_volume(small_geometry());
  volume.geometry.direction = rotation(0.3, 0.2, 0.1);
  volume.geometry.spacing_mm = {0.7, 0.7, 1.1};
  write_volume(folder_ / "source.nii.gz", volume);
  const Volume<float> source = read_volume(folder_ / "source.nii.gz");
  EXPECT_EQ(after_writing(source).geometry, source.geometry);
}

TEST_P(RoundTrip, keeps_a_real_ct_and_its_geometry) {
  TWINTRACK_REQUIRE_GOLDEN();
  const Volume<float> torso = read_volume(golden_folder() / "ct" / "torso.nii.gz");
  ASSERT_EQ(torso.geometry.size, (std::array<std::int64_t, 3>{122, 101, 112}));
  const Volume<float> result = after_writing(torso);
  EXPECT_EQ(result.geometry, torso.geometry);
  EXPECT_EQ(result.voxels, torso.voxels);
}

TEST(RoundTrip, qform_and_sform_of_a_nifti_file_say_the_same) {
  const TemporaryFolder folder;
  auto directions = axis_directions();
  std::ranges::copy(oblique_directions(), std::back_inserter(directions));
  for (const auto& direction : directions) {
    Volume<float> volume = random_volume(small_geometry());
    volume.geometry.direction = direction;
    write_volume(folder / "both.nii", volume);
    std::string bytes = get_file(folder / "both.nii");
    patch<std::int16_t>(bytes, 254, 0);
    put_file(folder / "qform.nii", bytes);
    patch<std::int16_t>(bytes, 254, 1);
    patch<std::int16_t>(bytes, 252, 0);
    put_file(folder / "sform.nii", bytes);
    const Geometry both = read_volume(folder / "both.nii").geometry;
    ASSERT_EQ(read_volume(folder / "sform.nii").geometry, both);
    ASSERT_LT(largest_difference(read_volume(folder / "qform.nii").geometry, both), quaternion_precision);
  }
}

TEST(RoundTrip, a_qform_alone_is_kept_to_the_bit) {
  const TemporaryFolder folder;
  for (const auto& direction : oblique_directions()) {
    Volume<float> volume = random_volume(small_geometry());
    volume.geometry.direction = direction;
    volume.geometry.spacing_mm = {0.7, 1.0 / 3, 1.1};
    write_volume(folder / "case.nii", volume);
    std::string bytes = get_file(folder / "case.nii");
    patch<std::int16_t>(bytes, 254, 0);
    put_file(folder / "case.nii", bytes);
    const Volume<float> first = read_volume(folder / "case.nii");
    write_volume(folder / "again.nii.gz", first);
    ASSERT_EQ(read_volume(folder / "again.nii.gz").geometry, first.geometry);
  }
}

TEST(RoundTrip, an_nrrd_file_whose_vectors_were_changed_is_read_by_its_vectors) {
  const TemporaryFolder folder;
  write_volume(folder / "case.nrrd", random_volume(small_geometry()));
  std::string bytes = get_file(folder / "case.nrrd");
  const std::string before = "(0.75,0,0)";
  ASSERT_NE(bytes.find(before), std::string::npos);
  bytes.replace(bytes.find(before), before.size(), "(0,-0.5,0)");
  const std::string other = "(0,1.5,0)";
  bytes.replace(bytes.find(other), other.size(), "(1.5,0,0)");
  put_file(folder / "case.nrrd", bytes);
  const Geometry geometry = read_volume(folder / "case.nrrd").geometry;
  EXPECT_EQ(geometry.spacing_mm, (std::array<double, 3>{0.5, 1.5, 2.5}));
  EXPECT_EQ(geometry.direction, (std::array<double, 9>{0, 1, 0, -1, 0, 0, 0, 0, 1}));
}

}  // namespace
}  // namespace twintrack

// DICOM series folders.
#include <itkGDCMImageIO.h>
#include <itkImageSeriesReader.h>

#include "support/golden.hpp"
#include "volume/dicom_series.hpp"
#include "volume/support.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

TEST(Dicom, a_series_is_stacked_by_position_and_rescaled) {
  const TemporaryFolder folder;
  write_series(folder.path(), 6);
  const Volume<float> volume = read_volume(folder.path());
  EXPECT_EQ(volume.geometry.size, (std::array<std::int64_t, 3>{4, 3, 6}));
  EXPECT_EQ(volume.geometry.spacing_mm, (std::array<double, 3>{0.5, 0.75, 2.5}));
  EXPECT_EQ(volume.geometry.origin_mm, (std::array<double, 3>{-100.5, 20.25, -300}));
  EXPECT_EQ(volume.geometry.direction, Geometry{}.direction);
  for (std::size_t k = 0; k < 6; ++k) {
    for (std::size_t i = 0; i < 12; ++i) ASSERT_EQ(volume.voxels[k * 12 + i], static_cast<float>(100 * k + i) - 1024);
  }
}

TEST(Dicom, slope_and_intercept_of_each_slice_are_applied) {
  const TemporaryFolder folder;
  write_series(folder.path(), 3, [](int k, DicomImage& image) {
    image.slope = k == 1 ? "0.5" : "2";
    image.intercept = k == 1 ? "-10.25" : "7";
  });
  const Volume<float> volume = read_volume(folder.path());
  for (std::size_t i = 0; i < 12; ++i) {
    const float value = static_cast<float>(i);
    ASSERT_EQ(volume.voxels[i], 2 * value + 7);
    ASSERT_EQ(volume.voxels[12 + i], (100 + value) / 2 - 10.25F);
    ASSERT_EQ(volume.voxels[24 + i], 2 * (200 + value) + 7);
  }
}

TEST(Dicom, agrees_with_itk_for_oblique_and_flipped_orientations) {
  auto directions = axis_directions();
  std::ranges::copy(oblique_directions(), std::back_inserter(directions));
  for (const auto& direction : directions) {
    // DICOM has no mirrored stacks: slices are sorted along the cross product of rows and columns.
    const TemporaryFolder folder;
    std::string orientation;
    for (const std::size_t i : {0, 3, 6, 1, 4, 7})
      orientation += (orientation.empty() ? "" : "\\") + fmt::format("{:.10f}", direction[i]);
    std::vector<std::string> files;
    for (int k = 0; k < 4; ++k) {
      DicomImage image = numbered_slice(k, 0);
      image.orientation = orientation;
      image.position = fmt::format("{:.8f}\\{:.8f}\\{:.8f}", 2.5 * k * direction[2] - 7, 2.5 * k * direction[5] + 3,
                                   2.5 * k * direction[8]);
      write_dicom(folder / std::to_string(k), image);
      files.push_back((folder / std::to_string(k)).string());
    }
    const auto& d = direction;
    const double determinant =
        d[0] * (d[4] * d[8] - d[5] * d[7]) - d[1] * (d[3] * d[8] - d[5] * d[6]) + d[2] * (d[3] * d[7] - d[4] * d[6]);
    if (determinant < 0) std::ranges::reverse(files);
    const auto reader = itk::ImageSeriesReader<itk::Image<float, 3>>::New();
    reader->SetImageIO(itk::GDCMImageIO::New());
    reader->SetFileNames(files);
    reader->Update();
    const auto* image = reader->GetOutput();
    Geometry expected;
    for (unsigned i = 0; i < 3; ++i) {
      expected.spacing_mm[i] = image->GetSpacing()[i];
      expected.origin_mm[i] = image->GetOrigin()[i];
      for (unsigned j = 0; j < 3; ++j) expected.direction[i * 3 + j] = image->GetDirection()(i, j);
    }
    const DicomImage first;
    const Volume<float> volume = read_volume(folder.path(), first.series);
    EXPECT_LT(largest_difference(volume.geometry, expected), 1e-6) << orientation;
    const float* const voxels = image->GetBufferPointer();
    EXPECT_TRUE(std::equal(volume.voxels.begin(), volume.voxels.end(), voxels)) << orientation;
  }
}

TEST(Dicom, what_was_read_is_kept_by_every_format) {
  const TemporaryFolder folder;
  const TemporaryFolder output;
  write_series(folder.path(), 5);
  const Volume<float> volume = read_volume(folder.path());
  for (const char* name : {"case.nii.gz", "case.mha", "case.nrrd"}) {
    write_volume(output / name, volume);
    EXPECT_EQ(read_volume(output / name).geometry, volume.geometry) << name;
    EXPECT_EQ(read_volume(output / name).voxels, volume.voxels) << name;
  }
}

TEST(Dicom, other_files_are_passed_over) {
  const TemporaryFolder folder;
  write_series(folder.path(), 3);
  put_file(folder / "DIRFILE", "not DICOM at all");
  put_file(folder / "notes.dcm", "DICM, but not where it belongs");
  put_file(folder / "empty", "");
  fs::create_directory(folder / "sub");
  write_dicom(folder.path() / "sub" / "deeper", DicomImage{});
  EXPECT_EQ(read_volume(folder.path()).geometry.size[2], 3);
}

class SeveralSeries : public testing::Test {
 protected:
  void SetUp() override {
    write_series(
        folder_.path(), 3, [](int, DicomImage& image) { image.series = "1.2.3"; }, "small");
    write_series(
        folder_.path(), 5, [](int, DicomImage& image) { image.series = "1.2.4"; }, "large");
    write_series(
        folder_.path(), 9,
        [](int, DicomImage& image) {
          image.series = "1.2.5";
          image.modality = "MR";
        },
        "mr");
    write_series(
        folder_.path(), 9,
        [](int k, DicomImage& image) {
          image.series = "1.2.6";
          image.orientation = "1\\0\\0\\0\\0\\-1";
          image.position = at(0, 2.5 * k, 0);
        },
        "coronal");
    write_series(
        folder_.path(), 2,
        [](int k, DicomImage& image) {
          image.series = "1.2.7";
          image.image_type = "ORIGINAL\\PRIMARY\\LOCALIZER";
          image.rows = image.columns = 100;
          image.pixels.assign(10000, 0);
          image.orientation = k == 0 ? "1\\0\\0\\0\\0\\-1" : "0\\1\\0\\0\\0\\-1";
        },
        "localizer");
  }
  TemporaryFolder folder_;
};

TEST_F(SeveralSeries, the_largest_axial_ct_is_taken_and_the_others_are_named) {
  std::vector<std::string> warnings;
  EXPECT_EQ(read_volume(folder_.path(), {}, warnings).geometry.size[2], 5);
  EXPECT_THAT(warnings, testing::ElementsAre(AllOf(HasSubstr("several axial CT series"), HasSubstr("1.2.4"),
                                                   HasSubstr("1.2.3 (CT, 3 images)"), Not(HasSubstr("1.2.5")),
                                                   HasSubstr("--series"))));
}

TEST_F(SeveralSeries, one_can_be_named) {
  std::vector<std::string> warnings;
  EXPECT_EQ(read_volume(folder_.path(), "1.2.3", warnings).geometry.size[2], 3);
  EXPECT_THAT(warnings, testing::IsEmpty());
  EXPECT_EQ(read_volume(folder_.path(), "1.2.5").geometry.size[2], 9);
  EXPECT_EQ(read_volume(folder_.path(), "1.2.6").geometry.direction,
            (std::array<double, 9>{1, 0, 0, 0, 0, 1, 0, -1, 0}));
}

TEST_F(SeveralSeries, an_unknown_one_is_refused_with_the_list) {
  EXPECT_THAT(refusal(folder_.path(), "9.9.9"), AllOf(HasSubstr("no series 9.9.9"), HasSubstr("1.2.4 (CT, 5 images)"),
                                                      HasSubstr("1.2.5 (MR, 9 images)")));
}

TEST(Dicom, a_localizer_within_the_series_is_left_out) {
  const TemporaryFolder folder;
  write_series(folder.path(), 4);
  DicomImage localizer;
  localizer.image_type = "DERIVED\\SECONDARY\\LOCALIZER";
  localizer.orientation = "1\\0\\0\\0\\0\\-1";
  write_dicom(folder / "scout", localizer);
  std::vector<std::string> warnings;
  EXPECT_EQ(read_volume(folder.path(), {}, warnings).geometry.size[2], 4);
  EXPECT_THAT(warnings, testing::ElementsAre(HasSubstr("1 image of the series left out: localizers")));
}

constexpr gdcm::TransferSyntax::TSType codecs[] = {gdcm::TransferSyntax::RLELossless,
                                                   gdcm::TransferSyntax::JPEGLosslessProcess14_1,
                                                   gdcm::TransferSyntax::JPEG2000Lossless};

TEST(Dicom, compressed_pixels_are_read) {
  const TemporaryFolder plain;
  write_larger_series(plain.path());
  const Volume<float> expected = read_volume(plain.path());
  EXPECT_EQ(expected.voxels[0], 2 * -1000 - 1024);
  for (const auto codec : codecs) {
    const TemporaryFolder folder;
    for (const char* name : {"image001", "image002", "image003"}) transcode(plain / name, folder / name, codec);
    const Volume<float> volume = read_volume(folder.path());
    EXPECT_EQ(volume.geometry, expected.geometry) << gdcm::TransferSyntax::GetTSString(codec);
    EXPECT_EQ(volume.voxels, expected.voxels) << gdcm::TransferSyntax::GetTSString(codec);
  }
}

// GDCM ends its process on some of these; ours goes on.
TEST(Dicom, damaged_compressed_pixels_are_an_error_or_pixels) {
  const TemporaryFolder plain;
  write_larger_series(plain.path());
  for (const auto codec : codecs) {
    const TemporaryFolder folder;
    for (const char* name : {"image001", "image002", "image003"}) transcode(plain / name, folder / name, codec);
    const std::string valid = get_file(folder / "image002");
    const std::size_t pixel_data = valid.find(std::string("\xe0\x7f\x10\x00", 4));
    ASSERT_NE(pixel_data, std::string::npos);
    int refused = 0;
    for (std::size_t i = pixel_data + 12; i < pixel_data + 100; i += 4) {
      std::string bytes = valid;
      for (std::size_t k = 0; k < 4; ++k) bytes[i + k] = static_cast<char>(~bytes[i + k]);
      put_file(folder / "image002", bytes);
      const std::string message = error_of([&] { read_volume(folder.path()); }, ExitStatus::bad_input);
      refused += message != "(no error)" ? 1 : 0;
    }
    EXPECT_GT(refused, 2) << gdcm::TransferSyntax::GetTSString(codec);
  }
}

TEST(Dicom, implicit_and_big_endian_transfer_syntaxes_are_read) {
  const TemporaryFolder plain;
  write_larger_series(plain.path());
  const Volume<float> expected = read_volume(plain.path());
  for (const auto syntax : {gdcm::TransferSyntax::ImplicitVRLittleEndian, gdcm::TransferSyntax::ExplicitVRBigEndian}) {
    const TemporaryFolder folder;
    for (const char* name : {"image001", "image002", "image003"}) transcode(plain / name, folder / name, syntax);
    EXPECT_EQ(read_volume(folder.path()).voxels, expected.voxels) << gdcm::TransferSyntax::GetTSString(syntax);
    EXPECT_EQ(read_volume(folder.path()).geometry, expected.geometry) << gdcm::TransferSyntax::GetTSString(syntax);
  }
}

TEST(Dicom, bits_above_those_stored_are_no_part_of_a_pixel) {
  const TemporaryFolder folder;
  write_series(folder.path(), 2, [](int, DicomImage& image) {
    image.bits_stored = 12;
    image.intercept = "0";
    image.pixels[0] = 0x5123;
    image.pixels[1] = 0x0fff;
    image.pixels[2] = static_cast<std::int16_t>(0xa800);
  });
  const Volume<float> volume = read_volume(folder.path());
  EXPECT_EQ(volume.voxels[0], 0x123);
  EXPECT_EQ(volume.voxels[1], -1);
  EXPECT_EQ(volume.voxels[2], -2048);
}

TEST(Dicom, nested_sequences_are_passed_over) {
  const TemporaryFolder folder;
  write_series(folder.path(), 3, [](int, DicomImage& image) { image.with_sequence = true; });
  EXPECT_EQ(read_volume(folder.path()).geometry.size[2], 3);
}

TEST(Dicom, positions_rounded_to_tenths_are_no_mixed_spacing) {
  const TemporaryFolder folder;
  write_series(folder.path(), 9,
               [](int k, DicomImage& image) { image.position = fmt::format("0\\0\\{:.1f}", 0.625 * k); });
  EXPECT_NEAR(read_volume(folder.path()).geometry.spacing_mm[2], 0.625, 1e-9);
}

TEST(Dicom, decimal_distances_are_kept_as_decimals) {
  const TemporaryFolder folder;
  write_series(folder.path(), 8,
               [](int k, DicomImage& image) { image.position = fmt::format("0\\0\\{:.1f}", -1000.3 + 0.7 * k); });
  EXPECT_EQ(read_volume(folder.path()).geometry.spacing_mm[2], 0.7);
}

TEST(Dicom, headers_with_any_byte_changed_do_no_harm) {
  const TemporaryFolder folder;
  write_series(folder.path(), 3);
  const std::string valid = get_file(folder / "image002");
  for (std::size_t i = 128; i < valid.size(); i += 3) {
    std::string bytes = valid;
    bytes[i] = static_cast<char>(~bytes[i]);
    put_file(folder / "image002", bytes);
    try {
      read_volume(folder.path());
    } catch (const Error&) {
    }
  }
  put_file(folder / "image002", valid);
  EXPECT_EQ(read_volume(folder.path()).geometry.size[2], 3);
}

}  // namespace
}  // namespace twintrack

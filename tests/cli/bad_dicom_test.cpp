// Bad inputs: DICOM.
#include <sys/stat.h>

#include "cli/bad_input.hpp"
#include "support/dicom_copy.hpp"
#include "volume/dicom_bytes.hpp"

namespace twintrack::test {
namespace {

using Change = std::function<void(int z, DicomImage&)>;

// Six slices of 4 x 3 pixels.
fs::path write_slices(const Scene& s, const Change& change) {
  const fs::path folder = s / "series";
  fs::create_directory(folder);
  for (int z = 0; z < 6; ++z) {
    DicomImage image;
    image.position = fmt::format("0\\0\\{}", 2.5 * z);
    image.pixels[0] = static_cast<std::int16_t>(z);
    change(z, image);
    write_dicom(folder / fmt::format("{}.dcm", z), image);
  }
  return folder;
}

auto all_slices(const std::function<void(DicomImage&)>& change) {
  return [change](const Scene& s) {
    return s.predict_on(write_slices(s, [&](int, DicomImage& image) { change(image); }));
  };
}

auto slice_2(const std::function<void(DicomImage&)>& change) {
  return [change](const Scene& s) {
    return s.predict_on(write_slices(s, [&](int z, DicomImage& image) {
      if (z == 2) change(image);
    }));
  };
}

auto bytes_of_slice_2(const std::function<void(std::string&)>& change) {
  return [change](const Scene& s) {
    const fs::path folder = write_slices(s, [](int, DicomImage&) {});
    std::string bytes = get_file(folder / "2.dcm");
    change(bytes);
    put_file(folder / "2.dcm", bytes);
    return s.predict_on(folder);
  };
}

auto enhanced(const std::function<void(EnhancedCt&)>& change) {
  return [change](const Scene& s) {
    EnhancedCt ct = numbered_enhanced(6);
    change(ct);
    put_file(s / "volume.dcm", part10(enhanced_data_set(ct)));
    return s.predict_on(s / "volume.dcm");
  };
}

auto list_of(const std::string& lines) {
  return [lines](const Scene& s) {
    write_slices(s, [](int z, DicomImage& image) {
      if (z == 5) image.series = "9.9";
    });
    fs::create_directory(s / "folder");
    ::mkfifo((s / "fifo").c_str(), 0600);
    put_file(s / "list.txt", lines);
    return s.predict_on(s / "list.txt");
  };
}

std::string endless_sequences() {
  std::string nested;
  for (int i = 0; i < 10000; ++i)
    nested += element(0x0040a730, "SQ", "", undefined_length) + raw_tag(0xfffee000) + raw(undefined_length);
  return nested;
}

INSTANTIATE_TEST_SUITE_P(
    Dicom, BadInputs,
    testing::Values(
        BadInput{"dicom_cut_in_its_header", bytes_of_slice_2([](auto& b) { b.resize(300); }), {"2.dcm", "truncated"}},
        BadInput{"dicom_cut_in_its_pixels",
                 bytes_of_slice_2([](auto& b) { b.resize(b.size() - 4); }),
                 {"2.dcm", "truncated"}},
        BadInput{"dicom_of_nested_sequences",
                 bytes_of_slice_2([](auto& b) { b = part10(endless_sequences()); }),
                 {"2.dcm", "sequences nested too deep"}},
        BadInput{"dicom_without_position",
                 slice_2([](DicomImage& image) { image.position = ""; }),
                 {"2.dcm", "no Image Position (Patient)"}},
        BadInput{"dicom_position_nan",
                 slice_2([](DicomImage& image) { image.position = "0\\0\\nan"; }),
                 {"2.dcm", "Image Position (Patient)", "finite"}},
        BadInput{"dicom_orientation_not_orthonormal",
                 slice_2([](DicomImage& image) { image.orientation = "1\\0\\0\\1\\1\\0"; }),
                 {"2.dcm", "Image Orientation (Patient)", "orthonormal"}},
        BadInput{"dicom_mixed_orientations",
                 slice_2([](DicomImage& image) { image.orientation = "1\\0\\0\\0\\0.8\\0.6"; }),
                 {"series", "mixed orientations", "2.dcm"}},
        BadInput{"dicom_zero_spacing",
                 slice_2([](DicomImage& image) { image.pixel_spacing = "0\\1"; }),
                 {"2.dcm", "Pixel Spacing", "0 mm"}},
        BadInput{"dicom_huge_size",
                 all_slices([](DicomImage& image) { image.rows = image.columns = 65535; }),
                 {"truncated", "65535 x 65535"}},
        BadInput{"dicom_colour",
                 all_slices([](DicomImage& image) {
                   image.samples = 3;
                   image.pixels.resize(36);
                 }),
                 {"RGB", "3 samples"}},
        BadInput{"dicom_missing_slices",
                 [](const Scene& s) {
                   const fs::path folder = write_slices(s, [](int, DicomImage&) {});
                   fs::remove(folder / "2.dcm");
                   fs::remove(folder / "3.dcm");
                   return s.predict_on(folder);
                 },
                 {"series", "slices are missing", "7.500 mm"}},
        BadInput{"dicom_duplicate_position",
                 slice_2([](DicomImage& image) { image.position = "0\\0\\7.5"; }),
                 {"series", "duplicate slices", "2.dcm and 3.dcm"}},
        BadInput{"dicom_two_time_points",
                 [](const Scene& s) {
                   return s.predict_on(write_slices(s, [](int z, DicomImage& image) {
                     image.position = fmt::format("0\\0\\{}", z / 2);
                     image.acquisition_number = std::to_string(z % 2 + 1);
                   }));
                 },
                 {"series", "2 different images at each of 3 positions", "Acquisition Number"}},
        BadInput{"dicom_one_slice",
                 [](const Scene& s) {
                   write_dicom(s / "slice.dcm", DicomImage{});
                   return s.predict_on(s / "slice.dcm");
                 },
                 {"slice.dcm", "1 slice", "at least 2"}},
        BadInput{"dicom_corrupt_jpeg",
                 [](const Scene& s) {
                   put_file(s / "volume.dcm", part10(enhanced_header(numbered_enhanced(2)) +
                                                         element(0x7fe00010, "OB",
                                                                 item("") + item("\xff\xd8\xff\xff broken!") +
                                                                     item("\xff\xd8\xff\xff broken!"),
                                                                 undefined_length) +
                                                         raw_tag(0xfffee0dd) + raw(std::uint32_t{0}),
                                                     "1.2.840.10008.1.2.4.70"));
                   return s.predict_on(s / "volume.dcm");
                 },
                 {"volume.dcm", "frame 1", "cannot be decoded"}},
        BadInput{"dicom_unknown_codec",
                 [](const Scene& s) {
                   put_file(s / "volume.dcm",
                            part10(enhanced_data_set(numbered_enhanced(2)), "1.2.840.10008.1.2.4.201"));
                   return s.predict_on(s / "volume.dcm");
                 },
                 {"volume.dcm", "High-Throughput JPEG 2000", "not supported"}},
        BadInput{"dicom_fewer_groups_than_frames",
                 enhanced([](EnhancedCt& ct) { ct.number_of_frames = "9"; }),
                 {"volume.dcm", "Number of Frames is 9", "describe 6"}},
        BadInput{"dicom_frames_that_overflow",
                 enhanced([](EnhancedCt& ct) { ct.number_of_frames = "18446744073709551617"; }),
                 {"volume.dcm", "Number of Frames"}},
        BadInput{"dicom_two_stacks",
                 enhanced([](EnhancedCt& ct) {
                   for (std::size_t k = 0; k < 6; ++k) ct.frames[k].stack = k < 3 ? "1" : "2";
                 }),
                 {"volume.dcm", "Stack ID"}},
        BadInput{"dicom_list_names_nothing", list_of("# no files\n"), {"list.txt", "names no files"}},
        BadInput{"dicom_list_names_a_missing_file",
                 list_of("series/1.dcm\nseries/99.dcm\n"),
                 {"list.txt: line 2", "does not exist"}},
        BadInput{"dicom_list_names_a_file_twice",
                 list_of("series/1.dcm\nseries/1.dcm\n"),
                 {"list.txt: line 2", "line 1 again"}},
        BadInput{"dicom_list_names_a_folder", list_of("folder\n"), {"list.txt: line 1", "no regular file"}},
        BadInput{"dicom_list_names_a_fifo", list_of("fifo\n"), {"list.txt: line 1", "no regular file"}},
        BadInput{"dicom_list_names_something_else", list_of("ct.nii.gz\n"), {"list.txt: line 1", "no DICOM file"}},
        BadInput{"dicom_list_mixes_series", list_of("series/1.dcm\nseries/5.dcm\n"), {"list.txt", "several series"}}),
    name_of_row);

}  // namespace
}  // namespace twintrack::test

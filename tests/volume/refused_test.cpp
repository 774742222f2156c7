// Inputs that are refused: what is given, and the words by which a person understands why.
#include <sys/stat.h>

#include <functional>
#include <limits>

#include "volume/support.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;

struct Refused {
  std::string what;
  // Writes the input into the folder and returns its path.
  std::function<fs::path(const TemporaryFolder&)> given;
  std::vector<std::string> words;
};

class RefusedInput : public testing::TestWithParam<Refused> {};

TEST_P(RefusedInput, is_an_error_that_says_so) {
  const TemporaryFolder folder;
  const fs::path path = GetParam().given(folder);
  const std::string message = refusal(path);
  EXPECT_THAT(message, testing::HasSubstr(path.filename().string()));
  for (const std::string& word : GetParam().words) EXPECT_THAT(message, testing::HasSubstr(word)) << GetParam().what;
  EXPECT_LE(std::ranges::count(message, '\n'), 1);
}

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

// A valid NIfTI file with `change` applied to its bytes.
auto nifti(std::function<void(std::string&)> change) {
  return [change](const TemporaryFolder& folder) {
    write_volume(folder / "case.nii", random_volume(small_geometry()));
    std::string bytes = get_file(folder / "case.nii");
    change(bytes);
    put_file(folder / "case.nii", bytes);
    return folder / "case.nii";
  };
}

template <typename T>
auto nifti_field(std::size_t offset, T value) {
  return nifti([=](std::string& bytes) { patch<T>(bytes, offset, value); });
}

auto nifti_extents(std::vector<std::int16_t> dim) {
  return nifti([dim](std::string& bytes) {
    for (std::size_t i = 0; i < dim.size(); ++i) patch(bytes, 40 + 2 * i, dim[i]);
  });
}

// A valid file of any format with `change` applied to its bytes.
auto changed(std::string name, std::function<void(std::string&)> change) {
  return [=](const TemporaryFolder& folder) {
    Geometry geometry = small_geometry();
    geometry.size = {32, 32, 16};
    write_volume(folder / name, random_volume(geometry));
    std::string bytes = get_file(folder / name);
    change(bytes);
    put_file(folder / name, bytes);
    return folder / name;
  };
}

auto with_voxels(std::vector<std::pair<std::size_t, float>> voxels) {
  return [=](const TemporaryFolder& folder) {
    Volume<float> volume = random_volume(small_geometry());
    for (const auto& [index, value] : voxels) volume.voxels[index] = value;
    write_volume(folder / "case.nii.gz", volume);
    return folder / "case.nii.gz";
  };
}

auto text(std::string name, std::string contents) {
  return [=](const TemporaryFolder& folder) {
    put_file(folder / name, contents);
    return folder / name;
  };
}

// A MetaImage of 2 x 2 x 2 bytes, where a field given here replaces the usual one or, empty, removes it.
auto meta(std::vector<std::pair<std::string, std::string>> replaced, std::string name = "case.mha") {
  std::vector<std::pair<std::string, std::string>> fields = {{"NDims", "3"},
                                                             {"BinaryData", "True"},
                                                             {"ElementSpacing", "1 1 1"},
                                                             {"TransformMatrix", "1 0 0 0 1 0 0 0 1"},
                                                             {"DimSize", "2 2 2"},
                                                             {"ElementType", "MET_UCHAR"},
                                                             {"ElementDataFile", "LOCAL"}};
  for (const auto& [field, value] : replaced) {
    const auto found = std::ranges::find(fields, field, &std::pair<std::string, std::string>::first);
    if (found == fields.end()) {
      fields.insert(fields.begin() + 1, {field, value});
    } else {
      found->second = value;
    }
  }
  std::string header;
  for (const auto& [field, value] : fields) header += value.empty() ? "" : field + " = " + value + "\n";
  return text(std::move(name), header + "abcdefgh");
}

auto data_file(std::string name) { return meta({{"ElementDataFile", std::move(name)}}, "case.mhd"); }

auto nrrd(const std::string& fields) { return text("case.nrrd", "NRRD0004\n" + fields + "\n\nabcdefgh"); }
const std::string nrrd_bytes = "type: uchar\nencoding: raw\n";

void cut_half(std::string& bytes) { bytes.resize(bytes.size() / 2); }
void cut_end(std::string& bytes) { bytes.resize(bytes.size() - 5); }
void flip_middle(std::string& bytes) {
  for (std::size_t i = bytes.size() / 2; i < bytes.size() / 2 + 16; ++i) bytes[i] = static_cast<char>(~bytes[i]);
}
void flip_checksum(std::string& bytes) { bytes[bytes.size() - 8] = static_cast<char>(~bytes[bytes.size() - 8]); }
void flip_last(std::string& bytes) { bytes.back() = static_cast<char>(~bytes.back()); }

const Refused nifti_inputs[] = {
    {"two dimensions", nifti_extents({2, 5, 12}), {"2-D", "3-D"}},
    {"four dimensions", nifti_extents({4, 5, 4, 1, 3}), {"4-D", "5 x 4 x 1 x 3"}},
    {"no dimension", nifti_extents({0}), {"dim[0]"}},
    {"vectors", nifti_extents({5, 5, 4, 1, 1, 3}), {"vector", "3 values"}},
    {"empty", nifti_extents({3, 5, 0, 3}), {"empty", "5 x 0 x 3"}},
    {"negative extent", nifti_extents({3, 5, -4, 3}), {"negative"}},
    {"RGB", nifti_field<std::int16_t>(70, 128), {"RGB"}},
    {"RGBA", nifti_field<std::int16_t>(70, 2304), {"RGB"}},
    {"complex", nifti_field<std::int16_t>(70, 32), {"complex"}},
    {"unknown type", nifti_field<std::int16_t>(70, 1536), {"datatype 1536"}},
    {"spacing 0", nifti_field<float>(84, 0), {"spacing of 0 mm along y"}},
    {"negative spacing", nifti_field<float>(80, -1), {"spacing of -1 mm along x"}},
    {"NaN spacing", nifti_field<float>(88, nan_value), {"spacing of nan mm along z"}},
    {"absurd spacing", nifti_field<float>(88, 5000), {"spacing of 5000 mm along z", "1000"}},
    {"tiny spacing", nifti_field<float>(88, 1e-5F), {"spacing", "along z"}},
    {"NaN origin", nifti_field<float>(292, nan_value), {"origin of nan mm"}},
    {"infinite slope", nifti_field<float>(112, infinity), {"scl_slope", "finite"}},
    {"voxel offset within the header", nifti_field<float>(108, 100), {"vox_offset is 100"}},
    {"voxel offset NaN", nifti_field<float>(108, nan_value), {"vox_offset"}},
    {"voxel offset beyond the end", nifti_field<float>(108, 1e8F), {"truncated"}},
    {"sheared sform without qform",
     nifti([](std::string& bytes) {
       patch<std::int16_t>(bytes, 252, 0);
       patch(bytes, 284, 0.5F);
     }),
     {"sform", "orthonormal"}},
    {"sform that disagrees with pixdim",
     nifti([](std::string& bytes) {
       patch<std::int16_t>(bytes, 252, 0);
       patch(bytes, 80, 2.0F);
     }),
     {"sform", "pixdim"}},
    {"qform that is no rotation",
     nifti([](std::string& bytes) {
       patch<std::int16_t>(bytes, 254, 0);
       patch(bytes, 256, 3.0F);
     }),
     {"orthonormal"}},
    {"NIfTI-2", nifti_field<std::int32_t>(0, 540), {"NIfTI-2"}},
    {"header of a pair", nifti([](std::string& bytes) { bytes[345] = 'i'; }), {".hdr/.img"}},
    {"largest extents", nifti_extents({3, 32767, 32767, 32767}), {"truncated", "240 of the"}},
    {"cut voxels", nifti(cut_end), {"truncated", "235 of the 240 bytes"}},
    {"cut header", nifti([](std::string& bytes) { bytes.resize(200); }), {"truncated", "header"}},
};
INSTANTIATE_TEST_SUITE_P(nifti, RefusedInput, testing::ValuesIn(nifti_inputs));

const Refused meta_inputs[] = {
    {"two dimensions", meta({{"NDims", "2"}, {"DimSize", "2 4"}}), {"2-D"}},
    {"four dimensions", meta({{"NDims", "4"}, {"DimSize", "2 2 1 2"}}), {"4-D", "2 x 2 x 1 x 2"}},
    {"absurd dimensions", meta({{"NDims", "1000000000"}}), {"NDims"}},
    {"RGB", meta({{"ElementNumberOfChannels", "3"}}), {"RGB", "3 values"}},
    {"vector type", meta({{"ElementType", "MET_FLOAT_ARRAY"}}), {"ElementType MET_FLOAT_ARRAY"}},
    {"empty", meta({{"DimSize", "2 0 2"}}), {"empty"}},
    {"overflowing size", meta({{"DimSize", "4294967296 4294967296 4294967296"}}), {"overflows"}},
    {"size beyond 64 bits", meta({{"DimSize", "99999999999999999999 2 2"}}), {"DimSize", "whole number"}},
    {"size beyond the file", meta({{"DimSize", "200000 200000 20"}}), {"truncated", "8 of the 800000000000"}},
    {"fractional size", meta({{"DimSize", "2.5 2 2"}}), {"DimSize", "2.5"}},
    {"missing size", meta({{"DimSize", ""}}), {"no DimSize"}},
    {"too few sizes", meta({{"DimSize", "2 2"}}), {"DimSize has 2 values, expected 3"}},
    {"spacing 0", meta({{"ElementSpacing", "1 0 1"}}), {"spacing of 0 mm along y"}},
    {"spacing that is no number", meta({{"ElementSpacing", "1 one 1"}}), {"ElementSpacing", "'one'"}},
    {"singular direction", meta({{"TransformMatrix", "1 0 0 1 0 0 0 0 1"}}), {"not orthonormal"}},
    {"scaled direction", meta({{"TransformMatrix", "1 0 0 0 1.01 0 0 0 1"}}), {"not orthonormal"}},
    {"NaN direction", meta({{"TransformMatrix", "1 0 0 0 nan 0 0 0 1"}}), {"not orthonormal"}},
    {"slope 0", meta({{"ElementToIntensityFunctionSlope", "0"}}), {"Slope"}},
    {"another object",
     text("case.mha", "ObjectType = Mesh\nNDims = 3\nElementDataFile = LOCAL\n"),
     {"ObjectType is Mesh"}},
    {"text voxels", meta({{"BinaryData", "False"}}), {"BinaryData = True"}},
    {"metres", meta({{"DistanceUnits", "m"}}), {"DistanceUnits"}},
    {"field twice", text("case.mha", "NDims = 3\nNDims = 3\nElementDataFile = LOCAL\n"), {"NDims", "twice"}},
    {"endless header", text("case.mha", "NDims = 3\n" + std::string(1 << 21, 'x')), {"truncated", "ElementDataFile"}},
    {"line without value", text("case.mha", "NDims = 3\nhello\n"), {"'hello'"}},
    {"no voxel file", data_file("absent.raw"), {"absent.raw", "missing"}},
    {"voxel file outside", data_file("../secret.raw"), {"../secret.raw", "outside"}},
    {"voxel file outside by detour", data_file("sub/../../secret.raw"), {"outside"}},
    {"absolute voxel file", data_file("/etc/passwd"), {"/etc/passwd", "outside"}},
    {"voxel file with backslashes", data_file("..\\secret.raw"), {"outside"}},
    {"voxel file that is a folder", data_file("."), {"missing"}},
    {"list of files", data_file("LIST"), {"several files"}},
    {"pattern of files", data_file("slice%03d.raw 1 3 1"), {"several files"}},
    {"short voxel file",
     [](const TemporaryFolder& folder) {
       put_file(folder / "voxels.raw", "abc");
       return data_file("voxels.raw")(folder);
     },
     {"truncated", "voxels.raw", "3 of the 8 bytes"}},
    {"negative HeaderSize",
     [](const TemporaryFolder& folder) {
       put_file(folder / "voxels.raw", "abcdefgh");
       return meta({{"ElementDataFile", "voxels.raw"}, {"HeaderSize", "-7"}}, "case.mhd")(folder);
     },
     {"HeaderSize"}},
    {"short -1 voxel file",
     [](const TemporaryFolder& folder) {
       put_file(folder / "voxels.raw", "abc");
       return meta({{"ElementDataFile", "voxels.raw"}, {"HeaderSize", "-1"}}, "case.mhd")(folder);
     },
     {"truncated"}},
};
INSTANTIATE_TEST_SUITE_P(meta_image, RefusedInput, testing::ValuesIn(meta_inputs));

const Refused nrrd_inputs[] = {
    {"two dimensions", nrrd(nrrd_bytes + "dimension: 2\nsizes: 2 4"), {"2-D"}},
    {"four dimensions", nrrd(nrrd_bytes + "dimension: 4\nsizes: 2 2 1 2"), {"4-D"}},
    {"four dimensions with a list",
     nrrd(nrrd_bytes + "dimension: 4\nsizes: 2 2 1 2\nspace: lps\nspace directions: none (1,0,0) (0,1,0) (0,0,1)"),
     {"4-D", "2 values"}},
    {"RGB",
     nrrd(nrrd_bytes + "dimension: 4\nsizes: 3 2 1 1\nkinds: RGB-color domain domain domain"),
     {"RGB", "3 values"}},
    {"complex", nrrd(nrrd_bytes + "dimension: 4\nsizes: 2 2 1 2\nkinds: complex domain domain domain"), {"complex"}},
    {"2-D RGB", nrrd(nrrd_bytes + "dimension: 3\nsizes: 3 2 1\nkinds: RGB-color domain domain"), {"RGB"}},
    {"block type", nrrd("type: block\nencoding: raw\ndimension: 3\nsizes: 2 2 2"), {"type block"}},
    {"empty", nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 0 2"), {"empty"}},
    {"overflowing size", nrrd(nrrd_bytes + "dimension: 3\nsizes: 9000000000000000000 9 9"), {"overflows"}},
    {"size beyond the file", nrrd(nrrd_bytes + "dimension: 3\nsizes: 2000 2000 2000"), {"truncated"}},
    {"compressed size beyond the file",
     nrrd("type: uchar\nencoding: gzip\ndimension: 3\nsizes: 2000 2000 2000"),
     {"8000000000", "8 compressed bytes"}},
    {"absurd dimension", nrrd(nrrd_bytes + "dimension: 99999999"), {"dimension"}},
    {"no sizes", nrrd(nrrd_bytes + "dimension: 3"), {"no 'sizes'"}},
    {"no endian", nrrd("type: short\nencoding: raw\ndimension: 3\nsizes: 2 2 1"), {"no 'endian'"}},
    {"no spacing", nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nspacings: 1 nan 1"), {"spacing of nan mm along y"}},
    {"zero vector",
     nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nspace: lps\nspace directions: (1,0,0) (0,0,0) (0,0,1)"),
     {"spacing of 0 mm along y"}},
    {"sheared",
     nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nspace: lps\nspace directions: (1,0,0) (1,1,0) (0,0,1)"),
     {"not orthonormal"}},
    {"vector that is none",
     nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nspace: lps\nspace directions: (1,0) 7 (0,0,1)"),
     {"space directions"}},
    {"unknown space",
     nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nspace: 3D-right-handed\n"
                       "space directions: (1,0,0) (0,1,0) (0,0,1)"),
     {"space 3D-right-handed"}},
    {"metres", nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nspace units: \"m\" \"m\" \"m\""), {"space units"}},
    {"voxels elsewhere", nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\ndata file: /etc/passwd"), {"another file"}},
    {"voxels elsewhere, other spelling",
     nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\ndatafile: x.raw"),
     {"another file"}},
    {"byte skip", nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nbyte skip: -1"), {"byte skip"}},
    {"encoding", nrrd("type: uchar\nencoding: bzip2\ndimension: 3\nsizes: 2 2 2"), {"encoding bzip2"}},
    {"header without end", text("case.nrrd", "NRRD0004\ntype: uchar\n"), {"truncated", "empty line"}},
    {"exact geometry of garbage",
     nrrd(nrrd_bytes + "dimension: 3\nsizes: 2 2 2\nspace: lps\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n"
                       "twintrack_spacing_mm:=a b c\ntwintrack_direction:=1 0 0 0 1 0 0 0 1"),
     {"twintrack_spacing_mm"}},
};
INSTANTIATE_TEST_SUITE_P(nrrd, RefusedInput, testing::ValuesIn(nrrd_inputs));

const Refused damaged_inputs[] = {
    {"cut gzip NIfTI", changed("case.nii.gz", cut_half), {"truncated"}},
    {"gzip NIfTI without checksum", changed("case.nii.gz", cut_end), {"truncated"}},
    {"damaged gzip NIfTI", changed("case.nii.gz", flip_middle), {"damaged"}},
    {"wrong gzip checksum", changed("case.nii.gz", flip_checksum), {"damaged", "incorrect data check"}},
    {"wrong gzip length", changed("case.nii.gz", flip_last), {"damaged", "incorrect length check"}},
    {"gzip that breaks off in the header", changed("case.nii.gz", [](std::string& b) { b.resize(60); }), {"truncated"}},
    {"cut mha", changed("case.mha", cut_half), {"truncated"}},
    {"mha without checksum", changed("case.mha", [](std::string& b) { b.resize(b.size() - 2); }), {"truncated"}},
    {"damaged mha", changed("case.mha", flip_middle), {"damaged"}},
    {"wrong mha checksum", changed("case.mha", flip_last), {"damaged", "incorrect data check"}},
    {"mha that is no zlib stream", meta({{"CompressedData", "True"}}), {"damaged"}},
    {"cut nrrd", changed("case.nrrd", cut_half), {"truncated"}},
    {"wrong nrrd checksum", changed("case.nrrd", flip_checksum), {"damaged"}},
    {"cut raw nii", changed("case.nii", cut_half), {"truncated"}},
};
INSTANTIATE_TEST_SUITE_P(damaged, RefusedInput, testing::ValuesIn(damaged_inputs));

const Refused other_inputs[] = {
    {"missing file", [](const TemporaryFolder& folder) { return folder / "absent.nii.gz"; }, {"no such file"}},
    {"empty file", text("case.nii.gz", ""), {"empty"}},
    {"text",
     text("case.nii", "It was a bright cold day in April, and the clocks were striking thirteen."),
     {"no image"}},
    {"a picture", text("case.mha", "\x89PNG\r\n\x1a\n and so on"), {"no image"}},
    {"no DICOM but for its beginning",
     text("slice.dcm", std::string(128, '\0') + "DICM and so on"),
     {"damaged or truncated DICOM file", "at byte 138"}},
    {"folder with the name of an image",
     [](const TemporaryFolder& folder) {
       fs::create_directory(folder / "case.nii.gz");
       return folder / "case.nii.gz";
     },
     {"folder", "a file is needed"}},
    {"folder without images",
     [](const TemporaryFolder& folder) {
       fs::create_directory(folder / "notes");
       put_file(folder.path() / "notes" / "readme.txt", "nothing here");
       return folder / "notes";
     },
     {"no DICOM files"}},
    {"pipe",
     [](const TemporaryFolder& folder) {
       ::mkfifo((folder / "case.nii").c_str(), 0600);
       return folder / "case.nii";
     },
     {"neither a regular file nor a folder"}},
    {"one NaN", with_voxels({{27, nan_value}}), {"1 NaN or infinite voxel,", "x=2, y=1, z=1"}},
    {"several",
     with_voxels({{59, nan_value}, {21, -infinity}, {40, infinity}}),
     {"3 NaN or infinite voxels", "x=1, y=0, z=1"}},
};
INSTANTIATE_TEST_SUITE_P(other, RefusedInput, testing::ValuesIn(other_inputs));

TEST(Refused, values_that_float32_cannot_hold_are_infinite_voxels) {
  const TemporaryFolder folder;
  std::string bytes = "NRRD0004\ntype: double\nendian: little\nencoding: raw\ndimension: 3\nsizes: 1 1 2\n\n";
  for (const double value : {1.0, 1e300}) bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  put_file(folder / "case.nrrd", bytes);
  EXPECT_THAT(refusal(folder / "case.nrrd"), testing::HasSubstr("x=0, y=0, z=1"));
}

TEST(Refused, a_series_of_a_file) {
  const TemporaryFolder folder;
  write_volume(folder / "case.nii", random_volume(small_geometry()));
  EXPECT_THAT(refusal(folder / "case.nii", "1.2.3"), testing::HasSubstr("DICOM folder only"));
}

TEST(Refused, more_voxels_than_memory_before_they_are_allocated) {
  const TemporaryFolder folder;
  put_file(folder / "voxels.raw", "");
  fs::resize_file(folder / "voxels.raw", 8'000'000'000'000);
  put_file(folder / "case.mhd",
           "NDims = 3\nBinaryData = True\nDimSize = 200000 200000 200\nElementType = MET_UCHAR\nElementDataFile = "
           "voxels.raw\n");
  EXPECT_THAT(error_of([&] { read_volume(folder / "case.mhd"); }, ExitStatus::out_of_resources),
              testing::HasSubstr("GiB of memory"));
}

TEST(Refused, labels_that_are_none) {
  const TemporaryFolder folder;
  for (const float value : {0.5F, -1.0F, 65536.0F}) {
    Volume<float> volume{small_geometry(), std::vector<float>(60, 2.0F)};
    volume.voxels[27] = value;
    write_volume(folder / "case.nii", volume);
    const std::string message = error_of([&] { read_labels(folder / "case.nii"); }, ExitStatus::bad_input);
    EXPECT_THAT(message, testing::HasSubstr("x=2, y=1, z=1"));
    EXPECT_THAT(message, testing::HasSubstr("no label"));
  }
}

// Any damage to any byte of a header is an error or another valid image, never a crash.
TEST(Refused, headers_with_every_byte_changed_do_no_harm) {
  const TemporaryFolder folder;
  for (const char* name : {"case.nii", "case.mha", "case.nrrd"}) {
    write_volume(folder / name, random_volume(small_geometry()));
    const std::string valid = get_file(folder / name);
    int refused = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(valid.size(), 352); ++i) {
      for (const char flip : {'\xff', '\x80', '\x01'}) {
        std::string bytes = valid;
        bytes[i] = static_cast<char>(bytes[i] ^ flip);
        put_file(folder / name, bytes);
        try {
          read_volume(folder / name);
        } catch (const Error&) {
          ++refused;
        }
      }
    }
    EXPECT_GT(refused, 50) << name;
  }
}

}  // namespace
}  // namespace twintrack

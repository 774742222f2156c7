// Transfer syntaxes as DCMTK's tools write them, and pixels as pydicom reads them.
#include <cstdlib>

#include "volume/dicom_bytes.hpp"
#include "volume/dicom_series.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;

struct Encoder {
  const char* name;
  const char* command;  // IN and OUT are appended
  bool lossless = true;
};

const Encoder lossless_encoders[] = {
    {"implicit", "dcmconv +ti"},
    {"big_endian", "dcmconv +tb"},
    {"deflated", "dcmconv +td"},
    {"undefined_lengths", "dcmconv +te -e"},
    {"group_lengths", "dcmconv +te +g"},
    {"rle", "dcmcrle"},
    {"rle_without_offsets", "dcmcrle -ot"},
    {"jpeg_lossless", "dcmcjpeg +e1"},
    {"jpeg_lossless_any_predictor", "dcmcjpeg +el +sv 4"},
    {"jpeg_ls", "dcmcjpls +el"},
    {"jpeg_ls_cooked", "dcmcjpls +el +pc"},
    {"rle_in_fragments", "dcmcrle +fs 1"},
    {"jpeg_ls_in_fragments", "dcmcjpls +el +fs 1"},
};

const Encoder lossy_encoders[] = {
    {"jpeg_baseline", "dcmcjpeg +eb +q 100", false},
    {"jpeg_extended", "dcmcjpeg +ee +bt +q 100", false},
    {"jpeg_ls_near_lossless", "dcmcjpls +en +md 2", false},
};

bool has_tool(const std::string& command) {
  const std::string name = command.substr(0, command.find(' '));
  return std::system(("command -v " + name + " > /dev/null").c_str()) == 0;
}

void encode(const Encoder& encoder, const fs::path& from, const fs::path& to) {
  const std::string command = fmt::format("{} '{}' '{}' > /dev/null 2>&1", encoder.command, from.string(), to.string());
  ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

// Noise on a slope, in 12 bits: what a CT looks like to a codec.
std::vector<std::int16_t> picture(int seed, int columns, int rows) {
  std::mt19937 random(static_cast<unsigned>(seed));
  std::vector<std::int16_t> pixels;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < columns; ++x) {
      const bool outside = (x - columns / 2) * (x - columns / 2) + (y - rows / 2) * (y - rows / 2) > columns * rows / 4;
      pixels.push_back(static_cast<std::int16_t>(outside ? 0 : 900 + 8 * x + static_cast<int>(random() % 60)));
    }
  }
  return pixels;
}

class TransferSyntax : public testing::TestWithParam<Encoder> {
 protected:
  void SetUp() override {
    if (!has_tool(GetParam().command)) GTEST_SKIP() << "DCMTK's tools are not installed";
    fs::create_directory(plain_ / "plain");
    fs::create_directory(plain_ / "encoded");
  }
  void expect_the_same(const fs::path& encoded, const fs::path& plain) const {
    const Volume<float> expected = read_volume(plain);
    const Volume<float> volume = read_volume(encoded);
    EXPECT_EQ(volume.geometry, expected.geometry);
    if (GetParam().lossless) {
      EXPECT_EQ(volume.voxels, expected.voxels);
      return;
    }
    double error = 0;
    for (std::size_t i = 0; i < volume.voxels.size(); ++i)
      error = std::max(error, std::abs(static_cast<double>(volume.voxels[i]) - expected.voxels[i]));
    EXPECT_LE(error, 60);
  }
  TemporaryFolder plain_;
};

class LosslessTransferSyntax : public TransferSyntax {};

std::string name_of(const testing::TestParamInfo<Encoder>& each) { return each.param.name; }
INSTANTIATE_TEST_SUITE_P(lossless, TransferSyntax, testing::ValuesIn(lossless_encoders), name_of);
INSTANTIATE_TEST_SUITE_P(lossy, TransferSyntax, testing::ValuesIn(lossy_encoders), name_of);
INSTANTIATE_TEST_SUITE_P(dcmtk, LosslessTransferSyntax, testing::ValuesIn(lossless_encoders), name_of);

TEST_P(TransferSyntax, of_a_series) {
  const bool eight_bits = std::string(GetParam().name) == "jpeg_baseline";
  write_series(plain_ / "plain", 4, [&](int k, DicomImage& image) {
    image.rows = 61;
    image.columns = 67;
    image.bits_stored = 12;
    image.pixel_representation = 0;
    image.pixels = picture(k, image.columns, image.rows);
    if (!eight_bits) return;
    for (std::int16_t& pixel : image.pixels) pixel = static_cast<std::int16_t>(pixel / 16);
    image.bits_stored = 8;
    std::vector<std::int16_t> packed((image.pixels.size() + 1) / 2);
    for (std::size_t i = 0; i < image.pixels.size(); ++i)
      reinterpret_cast<unsigned char*>(packed.data())[i] = static_cast<unsigned char>(image.pixels[i]);
    image.bits_allocated = 8;
    image.pixels = packed;
  });
  for (const auto& entry : fs::directory_iterator(plain_ / "plain"))
    encode(GetParam(), entry.path(), plain_.path() / "encoded" / entry.path().filename());
  expect_the_same(plain_ / "encoded", plain_ / "plain");
}

TEST_P(LosslessTransferSyntax, of_signed_pixels) {
  write_series(plain_ / "plain", 3, [&](int k, DicomImage& image) {
    image.rows = 40;
    image.columns = 33;
    image.intercept = "0";
    image.pixels = picture(k, image.columns, image.rows);
    for (std::int16_t& pixel : image.pixels) pixel = static_cast<std::int16_t>(pixel - 1000);
  });
  for (const auto& entry : fs::directory_iterator(plain_ / "plain"))
    encode(GetParam(), entry.path(), plain_.path() / "encoded" / entry.path().filename());
  expect_the_same(plain_ / "encoded", plain_ / "plain");
}

TEST_P(LosslessTransferSyntax, of_an_enhanced_image) {
  EnhancedCt ct = numbered_enhanced(23);
  ct.rows = 61;
  ct.columns = 67;
  for (std::size_t k = 0; k < ct.frames.size(); ++k)
    ct.frames[k].pixels = picture(static_cast<int>(k), ct.columns, ct.rows);
  std::ranges::reverse(ct.frames);
  put_file(plain_ / "plain" / "volume.dcm", part10(enhanced_data_set(ct)));
  encode(GetParam(), plain_ / "plain" / "volume.dcm", plain_ / "encoded" / "volume.dcm");
  expect_the_same(plain_ / "encoded" / "volume.dcm", plain_ / "plain" / "volume.dcm");
}

// pydicom's own reading of uncompressed pixels, rescaled, in the order of positions.
constexpr const char* pydicom_script = R"(
import sys
import numpy, pydicom
slices = []
for name in sys.argv[2:]:
    d = pydicom.dcmread(name)
    frames = d.pixel_array.reshape(-1, d.Rows, d.Columns)
    for i, frame in enumerate(frames):
        if 'PerFrameFunctionalGroupsSequence' in d:
            shared, own = d.SharedFunctionalGroupsSequence[0], d.PerFrameFunctionalGroupsSequence[i]
            values = (own if 'PixelValueTransformationSequence' in own else shared).PixelValueTransformationSequence[0]
            z = own.PlanePositionSequence[0].ImagePositionPatient[2]
        else:
            values, z = d, d.ImagePositionPatient[2]
        slices.append((float(z), frame * float(values.RescaleSlope) + float(values.RescaleIntercept)))
slices.sort(key=lambda s: s[0])
numpy.stack([s[1] for s in slices]).astype('<f4').tofile(sys.argv[1])
)";

class WithPydicom : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("/usr/bin/python3 -c 'import numpy, pydicom' 2> /dev/null") != 0)
      GTEST_SKIP() << "python3-pydicom is not installed";
    put_file(folder_ / "read.py", pydicom_script);
  }
  std::vector<float> voxels_of(const std::vector<fs::path>& files) const {
    std::string command =
        fmt::format("/usr/bin/python3 '{}' '{}'", (folder_ / "read.py").string(), (folder_ / "voxels").string());
    for (const fs::path& file : files) command += fmt::format(" '{}'", file.string());
    if (std::system(command.c_str()) != 0) throw std::runtime_error("pydicom failed");
    const std::string bytes = get_file(folder_ / "voxels");
    std::vector<float> voxels(bytes.size() / sizeof(float));
    std::memcpy(voxels.data(), bytes.data(), bytes.size());
    return voxels;
  }
  TemporaryFolder folder_;
};

TEST_F(WithPydicom, series_agree_for_all_kinds_of_integers) {
  for (const int allocated : {8, 16, 32}) {
    for (const int signedness : {0, 1}) {
      const TemporaryFolder series;
      std::vector<fs::path> files;
      write_series(series.path(), 4, [&](int k, DicomImage& image) {
        image.bits_allocated = image.bits_stored = static_cast<std::uint16_t>(allocated);
        image.pixel_representation = static_cast<std::uint16_t>(signedness);
        image.slope = k == 2 ? "0.125" : "1.5";
        image.intercept = k == 2 ? "+12.5" : "-1000.25";
        std::mt19937 random(static_cast<unsigned>(k + allocated + signedness));
        image.pixels.resize(static_cast<std::size_t>(12 * allocated / 16));
        for (std::int16_t& pixel : image.pixels) pixel = static_cast<std::int16_t>(random());
      });
      for (const auto& entry : fs::directory_iterator(series.path())) files.push_back(entry.path());
      EXPECT_EQ(read_volume(series.path()).voxels, voxels_of(files)) << allocated << " " << signedness;
    }
  }
}

TEST_F(WithPydicom, enhanced_images_agree) {
  EnhancedCt ct = numbered_enhanced(9);
  std::swap(ct.frames[1], ct.frames[7]);
  ct.frames[4].slope = "0.25";
  ct.frames[4].intercept = "3";
  for (const bool defined : {true, false}) {
    ct.defined_lengths = defined;
    put_file(folder_ / "volume.dcm", part10(enhanced_data_set(ct)));
    EXPECT_EQ(read_volume(folder_ / "volume.dcm").voxels, voxels_of({folder_ / "volume.dcm"}));
  }
}

// Old files keep overlays in the bits below or above the pixel's.
TEST(StoredBits, may_begin_above_the_lowest_bit) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(2);
  ct.intercept = "0";
  for (EnhancedFrame& frame : ct.frames) frame.pixels.assign(12, static_cast<std::int16_t>(0x8123));
  std::string bytes = part10(enhanced_data_set(ct));
  const std::string stored = us(0x00280101, 16) + us(0x00280102, 15);
  bytes.replace(bytes.find(stored), stored.size(), us(0x00280101, 12) + us(0x00280102, 15));
  put_file(folder / "volume.dcm", bytes);
  EXPECT_EQ(read_volume(folder / "volume.dcm").voxels.front(), -2048 + 0x012);
}

}  // namespace
}  // namespace twintrack

// DICOM that is refused: what is given, and the words by which a person understands why.
#include <zlib.h>

#include "volume/dicom_bytes.hpp"
#include "volume/dicom_series.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;
using testing::HasSubstr;

struct BadSeries {
  const char* what;
  std::function<void(const TemporaryFolder&)> given;
  std::vector<std::string> words;
};

class RefusedSeries : public testing::TestWithParam<BadSeries> {};

TEST_P(RefusedSeries, is_an_error_that_says_so) {
  const TemporaryFolder folder;
  GetParam().given(folder);
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  const std::string message = refusal(folder.path());
  EXPECT_EQ(testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr(), "");
  EXPECT_THAT(message, HasSubstr(folder.path().string()));
  for (const std::string& word : GetParam().words) EXPECT_THAT(message, HasSubstr(word)) << GetParam().what;
  EXPECT_LE(std::ranges::count(message, '\n'), 1);
}

auto series(int count, std::function<void(int, DicomImage&)> change) {
  return [=](const TemporaryFolder& folder) { write_series(folder.path(), count, change); };
}

// Five slices; the third, which is the file "image003", is changed.
auto third(std::function<void(DicomImage&)> change) {
  return series(5, [change](int k, DicomImage& image) {
    if (k == 2) change(image);
  });
}

auto damaged_file(std::function<void(std::string&)> change) {
  return [change](const TemporaryFolder& folder) {
    write_series(folder.path(), 5);
    std::string bytes = get_file(folder / "image003");
    change(bytes);
    put_file(folder / "image003", bytes);
  };
}

// A file "image003" of our own making beside sound slices.
auto file_of(const std::string& bytes) {
  return damaged_file([bytes](std::string& file) { file = bytes; });
}

// A slice without what stands behind its Series Instance UID.
std::string beginning() {
  return element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2") + element(0x00080060, "CS", "CT") +
         element(0x0020000e, "UI", "1.2.826.0.1.3680043.9.1");
}

std::string nested_sequences(int depth, bool defined) {
  std::string nested;
  for (int i = 0; i < depth; ++i) nested = sequence(0x0040a730, item(nested, defined), defined);
  return nested;
}

// Not as `nested_sequences` makes them, which takes time with the square of the depth.
std::string endless_sequences(int depth) {
  std::string nested;
  for (int i = 0; i < depth; ++i)
    nested += element(0x0040a730, "SQ", "", undefined_length) + raw_tag(0xfffee000) + raw(undefined_length);
  return nested;
}

const BadSeries bad_headers[] = {
    {"cut pixels", damaged_file([](std::string& bytes) { bytes.resize(bytes.size() - 6); }), {"image003", "truncated"}},
    {"cut header", damaged_file([](std::string& bytes) { bytes.resize(200); }), {"image003", "damaged", "at byte"}},
    {"cut behind its beginning", damaged_file([](std::string& bytes) { bytes.resize(132); }), {"image003", "byte 132"}},
    {"no file meta information",
     file_of(std::string(128, '\0') + "DICM" + beginning()),
     {"image003", "no file meta information"}},
    {"no transfer syntax", file_of(part10(beginning(), "")), {"image003", "no Transfer Syntax UID"}},
    {"unknown transfer syntax",
     file_of(part10(beginning(), "1.2.840.113619.5.2")),
     {"image003", "unknown Transfer Syntax UID '1.2.840.113619.5.2'"}},
    {"unknown value representation",
     file_of(part10(beginning() + element(0x00280010, "ZZ", "1"))),
     {"image003", "no value representation"}},
    {"an odd length",
     file_of(part10(beginning() + element(0x00280030, "DS", "0.75\\0.5", 7))),
     {"image003", "an odd length"}},
    {"a length beyond the file",
     file_of(part10(beginning() + element(0x00280030, "DS", "0.75\\0.5", 60000))),
     {"image003", "a value breaks off"}},
    {"pixel data beyond the file",
     file_of(part10(beginning() + element(0x7fe00010, "OW", "12", 4000000000))),
     {"image003", "a value breaks off"}},
    {"an element twice",
     file_of(part10(beginning() + element(0x00080060, "CS", "MR"))),
     {"image003", "an element twice"}},
    {"a sequence beyond the file",
     file_of(part10(beginning() + element(0x0040a730, "SQ", "", 0x7ffffffe))),
     {"image003", "a sequence breaks off"}},
    {"an item beyond its sequence",
     file_of(part10(beginning() + sequence(0x0040a730, raw_tag(0xfffee000) + raw(std::uint32_t{24})) +
                    element(0x0040a731, "UT", std::string(64, ' ')))),
     {"image003", "an item of another length"}},
    {"an item beyond the file",
     file_of(part10(beginning() + sequence(0x0040a730, raw_tag(0xfffee000) + raw(std::uint32_t{0x7ffffffe})))),
     {"image003", "an item breaks off"}},
    {"a sequence that never ends",
     file_of(part10(beginning() + element(0x0040a730, "SQ", item(""), undefined_length))),
     {"image003", "a value breaks off"}},
    {"a sequence without items",
     file_of(part10(beginning() + sequence(0x0040a730, element(0x00080100, "SH", "T-65000")))),
     {"image003", "no item of a sequence"}},
    {"sequences nested 40 deep", file_of(part10(beginning() + nested_sequences(40, true))), {"image003", "too deep"}},
    {"sequences nested 10000 deep", file_of(part10(beginning() + endless_sequences(10000))), {"image003", "too deep"}},
    {"text without a length",
     file_of(part10(beginning() + element(0x0040a731, "UT", "text", undefined_length))),
     {"image003", "a value without a length"}},
    {"fragments that never end",
     file_of(part10(beginning() + element(0x7fe00010, "OB", item("") + item("12"), undefined_length),
                    "1.2.840.10008.1.2.5")),
     {"image003", "breaks off"}},
    {"no fragments",
     file_of(part10(beginning() + element(0x7fe00010, "OB", item(""), undefined_length) + raw_tag(0xfffee0dd) +
                        raw(std::uint32_t{0}),
                    "1.2.840.10008.1.2.5")),
     {"image003", "without fragments"}},
    {"functional groups twice",
     file_of(part10(beginning() + element(0x00280008, "IS", "1") +
                    sequence(0x52009230, item(sequence(0x00209113, item(element(0x00200032, "DS", "1\\2\\3")) +
                                                                       item(element(0x00200032, "DS", "1\\2\\3"))))))),
     {"image003", "a functional group with two items"}},
};
INSTANTIATE_TEST_SUITE_P(dicom_structure, RefusedSeries, testing::ValuesIn(bad_headers));

const BadSeries bad_attributes[] = {
    {"slope 0", third([](DicomImage& image) { image.slope = "0"; }), {"image003", "Rescale Slope 0"}},
    {"slope that is no number", third([](DicomImage& image) { image.slope = "one"; }), {"image003", "Rescale Slope"}},
    {"intercept that is no finite number",
     third([](DicomImage& image) { image.intercept = "inf"; }),
     {"image003", "Rescale Intercept", "no finite number"}},
    {"bits beyond those allocated",
     third([](DicomImage& image) { image.bits_stored = 20; }),
     {"image003", "20 bits (high bit 19) in 16"}},
    {"bits that do not exist",
     third([](DicomImage& image) { image.bits_allocated = 12; }),
     {"image003", "in 12 are not supported"}},
    {"neither signed nor unsigned",
     third([](DicomImage& image) { image.pixel_representation = 2; }),
     {"image003", "Pixel Representation is 2"}},
    {"no position", third([](DicomImage& image) { image.position = ""; }), {"image003", "no Image Position (Patient)"}},
    {"position that is none",
     third([](DicomImage& image) { image.position = "1\\2"; }),
     {"image003", "Image Position", "2 values"}},
    {"position that is no number",
     third([](DicomImage& image) { image.position = "1\\2\\nan"; }),
     {"image003", "Image Position (Patient): nan is no finite number"}},
    {"position with a comma",
     third([](DicomImage& image) { image.position = "1\\2\\-295,5"; }),
     {"image003", "Image Position (Patient): '-295,5' is not a number"}},
    {"position on the moon",
     third([](DicomImage& image) { image.position = "1\\2\\1e12"; }),
     {"image003", "Image Position (Patient)", "at most 1000000 mm"}},
    {"no orientation",
     third([](DicomImage& image) { image.orientation = ""; }),
     {"image003", "no Image Orientation (Patient)"}},
    {"orientation that spans no plane",
     third([](DicomImage& image) { image.orientation = "1\\0\\0\\1\\0\\0"; }),
     {"image003", "Image Orientation (Patient)", "not orthonormal"}},
    {"orientation that is not orthonormal",
     third([](DicomImage& image) { image.orientation = "1\\0\\0\\0.1\\1\\0"; }),
     {"image003", "Image Orientation (Patient) (1 0 0 0.1 1 0)", "not orthonormal"}},
    {"orientation of zeros",
     third([](DicomImage& image) { image.orientation = "0\\0\\0\\0\\0\\0"; }),
     {"image003", "not orthonormal"}},
    {"no pixel spacing", third([](DicomImage& image) { image.pixel_spacing = ""; }), {"image003", "no Pixel Spacing"}},
    {"spacing 0",
     third([](DicomImage& image) { image.pixel_spacing = "0\\0.5"; }),
     {"image003", "Pixel Spacing says a spacing of 0 mm"}},
    {"negative spacing",
     third([](DicomImage& image) { image.pixel_spacing = "0.75\\-0.5"; }),
     {"image003", "Pixel Spacing says a spacing of -0.5 mm"}},
    {"no rows", third([](DicomImage& image) { image.rows = 0; }), {"image003", "empty, 4 x 0 pixels"}},
    {"absurd size", third([](DicomImage& image) { image.rows = image.columns = 65535; }), {"image003", "truncated"}},
    {"rows of another value representation",
     file_of(part10(beginning() + element(0x00200032, "DS", "0\\0\\-295") +
                    element(0x00200037, "DS", "1\\0\\0\\0\\1\\0") + element(0x00280010, "DS", "512 ") +
                    us(0x00280011, 4) + element(0x00280030, "DS", "0.75\\0.5"))),
     {"image003", "Rows is no 16-bit number"}},
    {"no pixel data",
     file_of(part10(beginning() + element(0x00200032, "DS", "0\\0\\-295") +
                    element(0x00200037, "DS", "1\\0\\0\\0\\1\\0") + us(0x00280002, 1) + us(0x00280010, 3) +
                    us(0x00280011, 4) + element(0x00280030, "DS", "0.75\\0.5") + us(0x00280100, 16))),
     {"image003", "no Pixel Data"}},
    {"RGB",
     series(3,
            [](int, DicomImage& image) {
              image.samples = 3;
              image.pixels.resize(36);
            }),
     {"RGB", "3 samples"}},
    {"palette colour",
     third([](DicomImage& image) { image.photometric_interpretation = "PALETTE COLOR"; }),
     {"image003", "Photometric Interpretation PALETTE COLOR"}},
    {"multi-frame without functional groups",
     series(3, [](int, DicomImage& image) { image.frames = "12"; }),
     {"multi-frame", "12 frames"}},
};
INSTANTIATE_TEST_SUITE_P(dicom_attributes, RefusedSeries, testing::ValuesIn(bad_attributes));

// Two images at each of four positions, which differ in `change`.
auto phases(std::function<void(int phase, DicomImage&)> change) {
  return series(8, [change](int k, DicomImage& image) {
    image.position = at(0, 0, 2.5 * (k / 2));
    if (change) change(k % 2, image);
  });
}

const BadSeries bad_stacks[] = {
    {"one slice shifted",
     third([](DicomImage& image) { image.position = at(-90, 20.25, -295); }),
     {"shifted slices", "10.50 mm aside", "image003"}},
    {"a stack that lies down",
     series(5, [](int k, DicomImage& image) { image.position = at(0, 5.0 * k, -300 + 2.5 * k); }),
     {"gantry tilt of 63.4 degrees", "at most 45"}},
    {"slices that lie in one plane",
     series(3, [](int k, DicomImage& image) { image.position = at(50.0 * k, 0, 0); }),
     {"duplicate slices"}},
    {"two missing slices",
     [](const TemporaryFolder& folder) {
       write_series(folder.path(), 8);
       fs::remove(folder / "image003");
       fs::remove(folder / "image004");
     },
     {"slices are missing", "a gap of 7.500 mm", "-292.500 mm (image005)", "-285.000 mm (image002)", "2.500 mm apart"}},
    {"a gap of more than 10 mm",
     series(6, [](int k, DicomImage& image) { image.position = at(0, 0, k < 5 ? 5.0 * k : 31.0); }),
     {"slices are missing", "a gap of 11.000 mm", "at most 10.000 mm"}},
    {"one slice twice with other pixels",
     [](const TemporaryFolder& folder) {
       write_series(folder.path(), 5);
       DicomImage other = numbered_slice(2, -295);
       other.pixels[5] += 1;
       write_dicom(folder / "other", other);
     },
     {"duplicate slices", "image003 and other", "-295.000 mm", "differ"}},
    {"one slice twice with another rescale",
     [](const TemporaryFolder& folder) {
       write_series(folder.path(), 5);
       DicomImage other = numbered_slice(2, -295);
       other.intercept = "0";
       write_dicom(folder / "other", other);
     },
     {"duplicate slices", "image003 and other"}},
    {"two acquisitions",
     phases([](int phase, DicomImage& image) { image.acquisition_number = std::to_string(phase + 3); }),
     {"2 different images at each of 4 positions", "Acquisition Number: '3' (4 images, image008 first), '4' (4 images",
      "LIST.txt"}},
    {"two time points that nothing tells apart", phases({}), {"2 different images at each of 4 positions", "LIST.txt"}},
    {"mixed pixel spacing",
     third([](DicomImage& image) { image.pixel_spacing = "0.75\\0.6"; }),
     {"mixed spacing", "0.5 mm", "0.6 mm", "image003"}},
    {"mixed orientation",
     third([](DicomImage& image) { image.orientation = "1\\0\\0\\0\\0.8\\0.6"; }),
     {"mixed orientations", "image003"}},
    {"mixed sizes",
     third([](DicomImage& image) {
       image.rows = 4;
       image.columns = 3;
     }),
     {"mixed sizes", "4 x 3", "image003"}},
    {"one slice only", series(1, {}), {"1 slice", "at least 2"}},
    {"one slice twice",
     series(2, [](int, DicomImage& image) { image = numbered_slice(0, -300); }),
     {"1 slice (2 times)", "at least 2"}},
    {"no axial CT",
     series(3, [](int, DicomImage& image) { image.modality = "MR"; }),
     {"no axial CT series", "(MR, 3 images)"}},
    {"nothing but other objects",
     series(3, [](int, DicomImage& image) { image.sop_class = "1.2.840.10008.5.1.4.1.1.88.33"; }),
     {"hold no images"}},
    {"nothing but localizers",
     series(3, [](int, DicomImage& image) { image.image_type = "ORIGINAL\\PRIMARY\\LOCALIZER"; }),
     {"no axial CT series"}},
};
INSTANTIATE_TEST_SUITE_P(dicom_stack, RefusedSeries, testing::ValuesIn(bad_stacks));

// A hundred KiB that inflate to as many MiB.
TEST(RefusedDeflated, what_inflates_without_end_is_refused) {
  const TemporaryFolder folder;
  const std::string block(std::size_t{1} << 20, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string packed(std::size_t{1} << 14, '\0');
  const auto deflate_block = [&](const std::string& bytes) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    deflate(&stream, Z_FULL_FLUSH);
    return packed.substr(0, packed.size() - stream.avail_out);
  };
  const std::string zeros = deflate_block(block);
  const std::string big_value = deflate_block(element(0x7fe00010, "OW", "", 100 << 20));
  std::string many_values;
  for (int i = 0; i < 16; ++i) many_values += element(0x00420011, "OB", std::string(0xfff4, '\0'));
  const std::string values = deflate_block(many_values);
  deflateEnd(&stream);
  for (const auto& [head, more] : {std::pair(big_value, zeros), std::pair(values, values)}) {
    std::string bomb = head;
    for (int i = 0; i < 101; ++i) bomb += more;
    put_file(folder / "bomb.dcm", part10(bomb, "1.2.840.10008.1.2.1.99"));
    EXPECT_THAT(refusal(folder / "bomb.dcm"),
                testing::AllOf(HasSubstr("bomb.dcm"), HasSubstr("more than a deflated file of its size can hold")));
  }
}

TEST(RefusedDeflated, what_breaks_off_or_is_no_deflated_data_is_refused) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& packed) {
    put_file(folder / "volume.dcm", part10(packed, "1.2.840.10008.1.2.1.99"));
    return refusal(folder / "volume.dcm");
  };
  EXPECT_THAT(message(""), HasSubstr("break off"));
  EXPECT_THAT(message("\x4b\x4c"), HasSubstr("break off"));
  EXPECT_THAT(message(std::string(64, '\xff')), HasSubstr("invalid"));
}

// What a list of transfer syntaxes cannot be read for.
TEST(RefusedTransferSyntax, is_named) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& uid) {
    put_file(folder / "volume.dcm",
             part10(enhanced_header(numbered_enhanced(2)) +
                        element(0x7fe00010, "OB", item("") + item("1234") + item("1234"), undefined_length) +
                        raw_tag(0xfffee0dd) + raw(std::uint32_t{0}),
                    uid));
    return refusal(folder / "volume.dcm");
  };
  EXPECT_THAT(message("1.2.840.10008.1.2.4.201"),
              testing::AllOf(HasSubstr("volume.dcm"), HasSubstr("1.2.840.10008.1.2.4.201 (High-Throughput JPEG 2000)"),
                             HasSubstr("not supported")));
  EXPECT_THAT(message("1.2.840.10008.1.2.4.102"), HasSubstr("(MPEG-4)"));
  EXPECT_THAT(message("1.2.840.10008.1.2.4.110"), HasSubstr("(JPEG XL)"));
  EXPECT_THAT(message("1.2.840.10008.1.2.1.98"), HasSubstr("(encapsulated uncompressed)"));
  EXPECT_THAT(message("1.2.840.10008.1.2.4.9999"), HasSubstr("1.2.840.10008.1.2.4.9999 is not supported"));
  EXPECT_THAT(message("1.2.840.10008.1.2.1"), HasSubstr("encapsulated, which"));
  EXPECT_THAT(message("1.2.840.10008.1.2.4.50"), HasSubstr("compressed pixels of frame 1 cannot be decoded"));
  EXPECT_THAT(message("1.2.840.10008.1.2.4.90"), HasSubstr("compressed pixels of frame 1 cannot be decoded"));
}

}  // namespace
}  // namespace twintrack

// Enhanced multi-frame CT.
#include <zlib.h>

#include <algorithm>
#include <functional>

#include "twintrack/volume/dicom_source.hpp"
#include "volume/dicom_bytes.hpp"
#include "volume/support.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

float value_of(int k, int i) { return static_cast<float>(100 * k + i) - 1024; }

void expect_numbered(const Volume<float>& volume, int count) {
  EXPECT_EQ(volume.geometry.size, (std::array<std::int64_t, 3>{4, 3, count}));
  EXPECT_EQ(volume.geometry.spacing_mm, (std::array<double, 3>{0.5, 0.75, 2.5}));
  EXPECT_EQ(volume.geometry.origin_mm, (std::array<double, 3>{-100.5, 20.25, -300}));
  EXPECT_EQ(volume.geometry.direction, Geometry{}.direction);
  for (int k = 0; k < count; ++k) {
    for (int i = 0; i < 12; ++i) ASSERT_EQ(volume.voxels[static_cast<std::size_t>(12 * k + i)], value_of(k, i));
  }
}

TEST(EnhancedCt, frames_are_sorted_by_position) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(7);
  std::swap(ct.frames[0], ct.frames[4]);
  std::swap(ct.frames[2], ct.frames[6]);
  for (const bool defined : {true, false}) {
    ct.defined_lengths = defined;
    put_file(folder / "volume.dcm", part10(enhanced_data_set(ct)));
    expect_numbered(read_volume(folder / "volume.dcm"), 7);
    expect_numbered(read_volume(folder.path()), 7);
  }
}

TEST(EnhancedCt, a_frame_may_have_its_own_rescale) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(3);
  ct.frames[1].slope = "0.5";
  ct.frames[1].intercept = "7";
  put_file(folder / "volume.dcm", part10(enhanced_data_set(ct)));
  const Volume<float> volume = read_volume(folder / "volume.dcm");
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(volume.voxels[static_cast<std::size_t>(i)], value_of(0, i));
    EXPECT_EQ(volume.voxels[static_cast<std::size_t>(12 + i)], 0.5F * static_cast<float>(100 + i) + 7);
  }
}

TEST(EnhancedCt, legacy_converted_ones_are_read) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(4);
  ct.sop_class = "1.2.840.10008.5.1.4.1.1.2.2";
  put_file(folder / "volume.dcm", part10(enhanced_data_set(ct)));
  expect_numbered(read_volume(folder / "volume.dcm"), 4);
}

TEST(EnhancedCt, what_stands_outside_the_functional_groups_says_nothing_of_a_frame) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(2);
  const std::string misleading = element(0x00200032, "DS", "9\\9\\9") + element(0x00281052, "DS", "5");
  put_file(folder / "volume.dcm", part10(misleading + enhanced_data_set(ct)));
  expect_numbered(read_volume(folder / "volume.dcm"), 2);
}

// Parts of one acquisition in files of their own, with their frames interleaved.
TEST(EnhancedCt, a_concatenation_is_one_volume) {
  const TemporaryFolder folder;
  const EnhancedCt all = numbered_enhanced(6);
  for (const int part : {0, 1}) {
    EnhancedCt ct = all;
    std::erase_if(ct.frames, [&](const EnhancedFrame& frame) { return (frame.pixels[0] / 100) % 2 != part; });
    put_file(folder / fmt::format("part{}.dcm", part), part10(enhanced_data_set(ct)));
  }
  expect_numbered(read_volume(folder.path()), 6);
  const auto source = dicom_source(folder.path());
  ASSERT_TRUE(source);
  EXPECT_THAT(source->files, ElementsAre(folder / "part0.dcm", folder / "part1.dcm"));
  EXPECT_FALSE(source->slices_are_source_slices);
}

TEST(EnhancedCt, the_source_is_the_one_file) {
  const TemporaryFolder folder;
  put_file(folder / "volume.dcm", part10(enhanced_data_set(numbered_enhanced(3))));
  const auto source = dicom_source(folder / "volume.dcm");
  ASSERT_TRUE(source);
  EXPECT_THAT(source->files, ElementsAre(folder / "volume.dcm"));
  EXPECT_EQ(source->series_uid, "1.2.826.0.1.3680043.9.1");
  EXPECT_TRUE(source->slices_are_source_slices);
}

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
  std::string result(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(result.data());
  stream.avail_out = static_cast<uInt>(result.size());
  deflate(&stream, Z_FINISH);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

TEST(EnhancedCt, a_deflated_one_is_read) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(9);
  std::ranges::reverse(ct.frames);
  put_file(folder / "volume.dcm", part10(deflated(enhanced_data_set(ct)), "1.2.840.10008.1.2.1.99"));
  expect_numbered(read_volume(folder / "volume.dcm"), 9);
}

struct BadEnhanced {
  const char* what;
  std::function<void(EnhancedCt&)> change;
  std::vector<std::string> words;
};

class RefusedEnhanced : public testing::TestWithParam<BadEnhanced> {};

TEST_P(RefusedEnhanced, is_an_error_that_says_so) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(6);
  GetParam().change(ct);
  put_file(folder / "volume.dcm", part10(enhanced_data_set(ct)));
  const std::string message = refusal(folder / "volume.dcm");
  EXPECT_THAT(message, HasSubstr((folder / "volume.dcm").string()));
  for (const std::string& word : GetParam().words) EXPECT_THAT(message, HasSubstr(word)) << GetParam().what;
}

const BadEnhanced bad_enhanced[] = {
    {"fewer groups than frames",
     [](EnhancedCt& ct) { ct.number_of_frames = "7"; },
     {"Number of Frames is 7", "Functional Groups describe 6"}},
    {"more groups than frames",
     [](EnhancedCt& ct) { ct.number_of_frames = "5"; },
     {"Number of Frames is 5", "Functional Groups describe 6"}},
    {"frames that overflow",
     [](EnhancedCt& ct) { ct.number_of_frames = "99999999999999999999"; },
     {"Number of Frames", "whole number"}},
    {"frames that are no number", [](EnhancedCt& ct) { ct.number_of_frames = "six"; }, {"Number of Frames", "'six'"}},
    {"no frames", [](EnhancedCt& ct) { ct.number_of_frames = "0"; }, {"Number of Frames is 0"}},
    {"no groups",
     [](EnhancedCt& ct) {
       ct.frames.clear();
       ct.number_of_frames = "6";
     },
     {"multi-frame image (6 frames)", "Per-Frame Functional Groups"}},
    {"one frame without a position",
     [](EnhancedCt& ct) { ct.frames[3].position = ""; },
     {"no Image Position (Patient)"}},
    {"two stacks",
     [](EnhancedCt& ct) {
       for (std::size_t k = 0; k < 6; ++k) ct.frames[k].stack = k < 3 ? "1" : "2";
     },
     {"several stacks", "Stack ID: '1' (3 frames), '2' (3 frames)"}},
    {"two time points",
     [](EnhancedCt& ct) {
       for (std::size_t k = 0; k < 6; ++k) {
         ct.frames[k].time = k < 3 ? 1 : 2;
         ct.frames[k].position = ct.frames[k % 3].position;
       }
     },
     {"time points", "Temporal Position Index: '1' (3 frames), '2' (3 frames)"}},
    {"two frames at one position",
     [](EnhancedCt& ct) { ct.frames[3].position = ct.frames[2].position; },
     {"duplicate slices", "volume.dcm, frame 3 and volume.dcm, frame 4"}},
    {"pixels of fewer frames",
     [](EnhancedCt& ct) { ct.frames[5].pixels.clear(); },
     {"truncated", "120 bytes", "6 frames"}},
    {"rows x columns x frames beyond all memory",
     [](EnhancedCt& ct) { ct.rows = ct.columns = 65535; },
     {"truncated", "65535 x 65535"}},
};
INSTANTIATE_TEST_SUITE_P(dicom, RefusedEnhanced, testing::ValuesIn(bad_enhanced));

// Six frames of one fragment each, as RLE (PS3.5, annex G): one segment a byte plane, each a run of literals.
struct Encapsulated {
  std::string offsets;
  std::string fragments;
};

std::string rle_frame(const EnhancedFrame& frame) {
  std::string high;
  std::string low;
  for (const std::int16_t pixel : frame.pixels) {
    high += static_cast<char>(pixel >> 8);
    low += static_cast<char>(pixel & 0xff);
  }
  const char literals = static_cast<char>(frame.pixels.size() - 1);
  std::string header = raw(std::uint32_t{2}) + raw(std::uint32_t{64});
  high = literals + high + std::string(high.size() % 2 == 0 ? 1 : 0, '\0');
  low = literals + low + std::string(low.size() % 2 == 0 ? 1 : 0, '\0');
  header += raw(static_cast<std::uint32_t>(64 + high.size()));
  return header + std::string(64 - header.size(), '\0') + high + low;
}

std::string encapsulated_file(const EnhancedCt& ct, const std::string& offsets, bool split) {
  std::string fragments;
  for (const EnhancedFrame& frame : ct.frames) {
    const std::string bytes = rle_frame(frame);
    fragments += split ? item(bytes.substr(0, 70)) + item(bytes.substr(70)) : item(bytes);
  }
  return part10(enhanced_header(ct) + element(0x7fe00010, "OB", item(offsets) + fragments, undefined_length) +
                    raw_tag(0xfffee0dd) + raw(std::uint32_t{0}),
                "1.2.840.10008.1.2.5");
}

std::string offsets_of(const EnhancedCt& ct, bool split) {
  std::string table;
  std::uint32_t offset = 0;
  for (const EnhancedFrame& frame : ct.frames) {
    table += raw(offset);
    offset += static_cast<std::uint32_t>(rle_frame(frame).size() + (split ? 16 : 8));
  }
  return table;
}

TEST(EnhancedCt, encapsulated_frames_are_found_with_and_without_an_offset_table) {
  const TemporaryFolder folder;
  EnhancedCt ct = numbered_enhanced(6);
  std::ranges::reverse(ct.frames);
  const auto check = [&](const std::string& bytes) {
    put_file(folder / "volume.dcm", bytes);
    expect_numbered(read_volume(folder / "volume.dcm"), 6);
  };
  check(encapsulated_file(ct, "", false));
  check(encapsulated_file(ct, offsets_of(ct, false), false));
  check(encapsulated_file(ct, offsets_of(ct, true), true));
}

TEST(EnhancedCt, an_offset_table_that_does_not_fit_is_refused) {
  const TemporaryFolder folder;
  const EnhancedCt ct = numbered_enhanced(6);
  const auto message = [&](std::string offsets, bool split) {
    put_file(folder / "volume.dcm", encapsulated_file(ct, offsets, split));
    return refusal(folder / "volume.dcm");
  };
  std::string beyond = offsets_of(ct, false);
  beyond.replace(20, 4, raw(std::uint32_t{0x7fffffff}));
  EXPECT_THAT(message(beyond, false), AllOf(HasSubstr("volume.dcm"), HasSubstr("offset table"), HasSubstr("frame 6")));
  std::string between = offsets_of(ct, false);
  between.replace(8, 4, raw(std::uint32_t{101}));
  EXPECT_THAT(message(between, false), HasSubstr("says 101 for frame 3, where no fragment begins"));
  std::string twice = offsets_of(ct, false);
  twice.replace(8, 4, twice.substr(4, 4));
  EXPECT_THAT(message(twice, false), HasSubstr("leaves nothing for frame 2"));
  EXPECT_THAT(message(offsets_of(ct, false).substr(4), false), HasSubstr("has 20 bytes, 6 frames need 24"));
  EXPECT_THAT(message("", true), HasSubstr("6 frames in 12 fragments of Pixel Data without an offset table"));
}

}  // namespace
}  // namespace twintrack

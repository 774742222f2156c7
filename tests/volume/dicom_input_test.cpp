// Folders, lists of files and single files as DICOM input.
#include <sys/stat.h>

#include "twintrack/volume/dicom_source.hpp"
#include "volume/dicom_series.hpp"

namespace twintrack {
namespace {

using namespace test;
namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void write_study(const fs::path& folder, int count, const std::string& study, const std::string& series = "1.2.3") {
  fs::create_directories(folder);
  write_series(folder, count, [&](int, DicomImage& image) {
    image.study = study;
    image.series = series;
  });
}

TEST(DicomInput, slices_in_folders_below_are_found_where_the_folder_has_none) {
  const TemporaryFolder folder;
  const fs::path series = folder.path() / "DICOM" / "PAT1" / "STUDY1" / "SER1";
  write_study(series, 5, "1.1");
  fs::create_directories(series.parent_path() / "SER2");
  fs::rename(series / "image002", series.parent_path() / "SER2" / "image002");
  put_file(folder.path() / "DICOM" / "DICOMDIR", get_file(series / "image001"));
  EXPECT_EQ(read_volume(folder.path()).geometry.size[2], 5);
}

TEST(DicomInput, folders_are_looked_into_eight_deep_and_links_are_not_followed) {
  const TemporaryFolder folder;
  fs::path deep = folder.path();
  for (int i = 0; i < 8; ++i) deep /= "d";
  write_study(deep, 3, "1.1");
  fs::create_directory_symlink(folder.path(), deep.parent_path() / "loop");
  EXPECT_EQ(read_volume(folder.path()).geometry.size[2], 3);
  fs::create_directories(deep / "e");
  for (const char* name : {"image001", "image002", "image003"}) fs::rename(deep / name, deep / "e" / name);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("holds no DICOM files"));
}

TEST(DicomInput, other_objects_of_the_study_are_passed_over) {
  const TemporaryFolder folder;
  write_series(folder.path(), 4, [](int k, DicomImage& image) {
    if (k == 3) image.sop_class = "1.2.840.10008.5.1.4.1.1.7";  // Secondary Capture
  });
  DicomImage segmentation;
  segmentation.sop_class = "1.2.840.10008.5.1.4.1.1.66.4";
  segmentation.series = "9.9";
  write_dicom(folder / "segmentation", segmentation);
  std::vector<std::string> warnings;
  EXPECT_EQ(read_volume(folder.path(), {}, warnings).geometry.size[2], 3);
  EXPECT_THAT(warnings, ElementsAre(HasSubstr("1 image of the series left out: no slices of a volume")));
}

TEST(DicomInput, a_single_slice_means_its_series_in_its_folder) {
  const TemporaryFolder folder;
  write_study(folder.path() / "a", 5, "1.1", "1.2.3");
  write_series(
      folder.path() / "a", 9, [](int, DicomImage& image) { image.series = "1.2.4"; }, "other");
  EXPECT_EQ(read_volume(folder.path() / "a" / "image003").geometry.size[2], 5);
  EXPECT_EQ(read_volume(folder.path() / "a" / "other003").geometry.size[2], 9);
  EXPECT_EQ(read_volume(folder.path() / "a" / "other003", "1.2.4").geometry.size[2], 9);
  EXPECT_THAT(refusal(folder.path() / "a" / "other003", "1.2.3"),
              AllOf(HasSubstr("no series 1.2.3"), HasSubstr("of series 1.2.4")));
}

class FileList : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.path() / "a");
    fs::create_directories(folder_.path() / "b");
    write_series(folder_.path() / "a", 5);
    write_series(folder_.path() / "b", 3, [](int, DicomImage& image) { image.series = "9.9"; });
    put_file(folder_ / "notes", "no DICOM");
  }
  fs::path list(const std::string& text) const {
    put_file(folder_ / "list.txt", text);
    return folder_ / "list.txt";
  }
  TemporaryFolder folder_;
};

TEST_F(FileList, names_the_files_of_a_volume) {
  const fs::path path = list(fmt::format("# phase 1\r\n\r\na/image001\r\n  a/image003 \n{}\n./b/../a/image004",
                                         (folder_.path() / "a" / "image002").string()));
  EXPECT_EQ(read_volume(path).geometry.size[2], 4);
  EXPECT_EQ(read_volume(path).geometry.origin_mm[2], -297.5);
  const auto source = dicom_source(path);
  ASSERT_TRUE(source);
  EXPECT_EQ(source->files.size(), 4u);
  EXPECT_EQ(source->files.front().filename(), "image004");
  EXPECT_TRUE(source->slices_are_source_slices);
}

TEST_F(FileList, wrong_entries_are_refused_with_their_line) {
  fs::create_directory(folder_ / "folder");
  ASSERT_EQ(::mkfifo((folder_ / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(refusal(list("")), HasSubstr("names no files"));
  EXPECT_THAT(refusal(list("a/image001\na/absent\n")), AllOf(HasSubstr("list.txt: line 2"), HasSubstr("not exist")));
  EXPECT_THAT(refusal(list("a/image001\nnotes\n")), AllOf(HasSubstr("line 2"), HasSubstr("no DICOM file")));
  EXPECT_THAT(refusal(list("a/image001\n\nfolder\n")), AllOf(HasSubstr("line 3"), HasSubstr("no regular file")));
  EXPECT_THAT(refusal(list("fifo\n")), AllOf(HasSubstr("line 1"), HasSubstr("no regular file")));
  EXPECT_THAT(refusal(list("a/image001\na/image002\n./a/image001\n")), HasSubstr("line 3 names the file of line 1"));
  EXPECT_THAT(refusal(list("a/image001\nb/image001\n")), AllOf(HasSubstr("several series"), HasSubstr("9.9")));
  EXPECT_THAT(refusal(list("a/image001\n")), HasSubstr("1 slice"));
  EXPECT_THAT(refusal(list(std::string("a/image\0001", 10))), HasSubstr("line 1"));
}

TEST_F(FileList, other_objects_are_refused) {
  DicomImage capture;
  capture.sop_class = "1.2.840.10008.5.1.4.1.1.7";
  write_dicom(folder_ / "capture", capture);
  EXPECT_THAT(refusal(list("a/image001\ncapture\n")),
              AllOf(HasSubstr("capture is no CT image"), HasSubstr("1.2.840.10008.5.1.4.1.1.7")));
}

TEST(DicomStudyFolders, one_study_is_one_folder) {
  const TemporaryFolder folder;
  EXPECT_THAT(dicom_study_folders(folder.path()), IsEmpty());
  put_file(folder / "slice.dcm", "a name is not enough");
  EXPECT_THAT(dicom_study_folders(folder.path()), IsEmpty());
  write_study(folder.path() / "a" / "1", 2, "1.1", "1.1.1");
  EXPECT_THAT(dicom_study_folders(folder.path()), ElementsAre(folder.path()));
  write_study(folder.path() / "a" / "2", 2, "1.1", "1.1.2");
  write_study(folder.path() / "b", 2, "1.1", "1.1.3");
  EXPECT_THAT(dicom_study_folders(folder.path()), ElementsAre(folder.path()));
}

TEST(DicomStudyFolders, several_studies_are_told_apart) {
  const TemporaryFolder folder;
  write_study(folder.path() / "p1" / "s1" / "a", 2, "1.1", "1.1.1");
  write_study(folder.path() / "p1" / "s1" / "b", 2, "1.1", "1.1.2");
  write_study(folder.path() / "p1" / "s2", 2, "1.2");
  write_study(folder.path() / "p2", 2, "2.1");
  write_study(folder.path() / "p3", 2, "");
  fs::create_directories(folder.path() / "p4");
  put_file(folder.path() / "p4" / "damaged", get_file(folder.path() / "p2" / "image001").substr(0, 200));
  fs::create_directories(folder.path() / "p5");
  const fs::path f = folder.path();
  EXPECT_THAT(dicom_study_folders(f), ElementsAre(f / "p1" / "s1", f / "p1" / "s2", f / "p2", f / "p3", f / "p4"));
  write_study(f, 2, "3.1");
  EXPECT_THAT(dicom_study_folders(f), ElementsAre(f));
}

}  // namespace
}  // namespace twintrack

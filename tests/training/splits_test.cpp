// Folds: scikit-learn's numbers, what every split must keep, and files written by others.
#include "twintrack/training/splits.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "support/error_message.hpp"
#include "support/temporary_folder.hpp"
#include "twintrack/core/files.hpp"

namespace twintrack {
namespace {

using test::error_message;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> names_of(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("case_{:03}", i));
  return names;
}

void put(const std::filesystem::path& path, std::string_view text) { std::ofstream(path) << text; }

// Expected: sklearn.model_selection.KFold(5, shuffle=True, random_state=12345) of 12 and of 7 (scikit-learn 1.9.1).
TEST(Splits, AreNnUNetsOwn) {
  const auto twelve = cross_validation_splits(names_of(12));
  ASSERT_EQ(twelve.size(), 5u);
  EXPECT_THAT(twelve[0].validation, ElementsAre("case_000", "case_003", "case_008"));
  EXPECT_THAT(twelve[1].validation, ElementsAre("case_007", "case_010", "case_011"));
  EXPECT_THAT(twelve[2].validation, ElementsAre("case_006", "case_009"));
  EXPECT_THAT(twelve[3].validation, ElementsAre("case_001", "case_004"));
  EXPECT_THAT(twelve[4].validation, ElementsAre("case_002", "case_005"));
  const auto seven = cross_validation_splits(names_of(7));
  EXPECT_THAT(seven[0].validation, ElementsAre("case_003", "case_006"));
  EXPECT_THAT(seven[4].validation, ElementsAre("case_002"));
  const auto many = cross_validation_splits(names_of(103));
  EXPECT_EQ(many[0].validation.back(), "case_087");
  EXPECT_THAT(many[3].validation, testing::Contains("case_102"));
}

TEST(Splits, EveryCaseIsHeldOutOnceAndTrainedOnOtherwise) {
  for (const std::size_t count : {2, 3, 4, 5, 6, 11, 40}) {
    const auto splits = cross_validation_splits(names_of(count));
    EXPECT_EQ(splits.size(), std::min<std::size_t>(count, 5));
    std::vector<std::string> held_out;
    for (const Split& split : splits) {
      std::vector<std::string> all = split.training;
      all.insert(all.end(), split.validation.begin(), split.validation.end());
      std::sort(all.begin(), all.end());
      EXPECT_EQ(all, names_of(count));
      held_out.insert(held_out.end(), split.validation.begin(), split.validation.end());
    }
    std::sort(held_out.begin(), held_out.end());
    EXPECT_EQ(held_out, names_of(count));
  }
}

TEST(Splits, DoNotDependOnTheOrderOfTheNames) {
  auto names = names_of(9);
  const auto splits = cross_validation_splits(names);
  std::reverse(names.begin(), names.end());
  const auto again = cross_validation_splits(names);
  for (std::size_t fold = 0; fold < splits.size(); ++fold) {
    EXPECT_EQ(splits[fold].training, again[fold].training);
    EXPECT_EQ(splits[fold].validation, again[fold].validation);
  }
}

TEST(Splits, OneCaseAndRepeatedNamesAreRefused) {
  EXPECT_THAT(error_message([] { cross_validation_splits({"a"}); }), HasSubstr("needs 2; fold 'all' trains on all"));
  EXPECT_THAT(error_message([] { cross_validation_splits({"a", "b", "a"}); }), HasSubstr("case 'a' is there twice"));
}

TEST(Splits, AreWrittenOnceAndReadAfterwards) {
  const TemporaryFolder folder;
  const auto file = folder / "new/splits_final.json";
  const auto written = open_splits(file, names_of(8));
  const std::string text = read_file(file, 10'000);
  const auto read = open_splits(file, names_of(8));
  ASSERT_EQ(read.size(), written.size());
  EXPECT_EQ(read[3].training, written[3].training);
  EXPECT_EQ(read[3].validation, written[3].validation);
  EXPECT_EQ(read_file(file, 10'000), text);
  EXPECT_THAT(text, HasSubstr("\"train\": ["));
}

TEST(Splits, AFileOfNnUNetDecides) {
  const TemporaryFolder folder;
  put(folder / "splits_final.json", R"([{"train": ["b", "a"], "val": ["c"]}, {"train": ["c"], "val": ["a"]}])");
  const auto split = open_split(folder / "splits_final.json", {"a", "b", "c", "d"}, 0);
  EXPECT_THAT(split.training, ElementsAre("b", "a"));
  EXPECT_THAT(split.validation, ElementsAre("c"));
  EXPECT_THAT(error_message([&] {
                open_split(folder / "splits_final.json", {"a", "b", "c"}, 2);
              }),
              HasSubstr("there is no fold 2; it has folds 0 to 1"));
  EXPECT_THROW(open_split(folder / "splits_final.json", {"a", "b", "c"}, -1), InputError);
}

TEST(Splits, AFileThatCannotBeIsNamedWithItsEntry) {
  const TemporaryFolder folder;
  const auto message = [&](const char* text) {
    put(folder / "s.json", text);
    return error_message([&] { open_splits(folder / "s.json", {"a", "b"}); });
  };
  EXPECT_THAT(message(R"([{"train": ["a", "x"], "val": ["b"]}])"),
              HasSubstr("s.json: [0].train[1]: there is no case 'x' in the dataset"));
  EXPECT_THAT(message(R"([{"train": ["a"], "val": ["a"]}])"), HasSubstr("[0].val[0]: case 'a' appears twice"));
  EXPECT_THAT(message(R"([{"train": ["a"], "val": []}])"), HasSubstr("[0].val: no case"));
  EXPECT_THAT(message(R"([{"train": ["a"]}])"), HasSubstr("val"));
  EXPECT_THAT(message("[]"), HasSubstr("no fold"));
  EXPECT_THAT(message("{}"), HasSubstr("s.json"));
  EXPECT_THAT(message("[{\"train\": ["), HasSubstr("line 1"));
}

TEST(Splits, AllTrainsAndValidatesOnEveryCaseAndNeedsNoFile) {
  const TemporaryFolder folder;
  const auto split = open_split(folder / "splits_final.json", {"a"}, std::nullopt);
  EXPECT_THAT(split.training, ElementsAre("a"));
  EXPECT_THAT(split.validation, ElementsAre("a"));
  EXPECT_EQ(folder.entries(), 0u);
}

}  // namespace
}  // namespace twintrack

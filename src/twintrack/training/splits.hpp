// Which cases a fold trains on and which it is judged by.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

struct Split {
  std::vector<std::string> training;
  std::vector<std::string> validation;
};

// nnU-Net's split for these names, to the case (scikit-learn's KFold, shuffled with seed 12345, of the sorted names): 5
// folds, or as many as there are cases. Each list is sorted. Throws InputError for fewer than 2 names or a repeated
// one.
std::vector<Split> cross_validation_splits(std::vector<std::string> case_names);

// The splits in `file` (nnU-Net's splits_final.json: a list of {"train": [...], "val": [...]}); when there is no such
// file, cross_validation_splits, which are written there first. Throws InputError naming file and entry for a name that
// is not among `case_names` or appears twice in a fold, and for an empty list.
std::vector<Split> open_splits(const std::filesystem::path& file, const std::vector<std::string>& case_names);

// The split of one fold. No fold stands for nnU-Net's "all": every case on both sides, and no file is read or written.
// Throws InputError for a fold that the file does not have.
Split open_split(const std::filesystem::path& file, const std::vector<std::string>& case_names,
                 const std::optional<int>& fold);

}  // namespace twintrack

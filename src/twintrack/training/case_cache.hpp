// Preprocessed training cases in a folder, one memory-mapped file each: made once, read without a copy. A file says
// what it was made from and how: one of other sources or rules is made anew, silently; a damaged one with a warning.
#pragma once

#include "twintrack/core/shape.hpp"
#include "twintrack/nnunet/plans.hpp"
#include "twintrack/planning/training_dataset.hpp"
#include "twintrack/training/case_file.hpp"
#include "twintrack/volume/volume.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace twintrack {

class CaseCache {
 public:
  CaseCache(std::vector<MappedFile> files, std::vector<CachedCase> cases, std::vector<std::string> warnings)
      : files_(std::move(files)), cases_(std::move(cases)), warnings_(std::move(warnings)) {}

  // In the order they were wanted in.
  const std::vector<CachedCase>& cases() const { return cases_; }
  // One line for each file that was damaged and had to be made anew.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::vector<MappedFile> files_;
  std::vector<CachedCase> cases_;
  std::vector<std::string> warnings_;
};

// The part of a case that is trained on: a box of its volume, axes z, y, x in the file's order.
using TrainingBox = std::function<Box3(const TrainingCase&, const Volume<std::uint16_t>& labels)>;

struct CacheRequest {
  TrainingDataset dataset;
  Plans plans;
  std::filesystem::path folder;  // created when absent

  TrainingBox box;       // absent: the whole volume
  std::string box_rule;  // what `box` does, with its numbers, in words: part of a case's identity. Needed with `box`.

  // Files that raters marked tumour in, by the name of the case; cases without an entry have no `soft`.
  std::map<std::string, std::vector<std::filesystem::path>> raters;
  std::vector<int> tumor_labels;  // of the raters' files: those that count as tumour; empty: 1 (as read_raters)
};

// Called after each case.
using CacheProgress = std::function<void(std::int64_t done, std::int64_t total)>;

// Makes what is missing, one case after the other (memory for one case: three times its volume or so), and maps all
// wanted cases. Every file is checked once, when it is opened. A case that is complete stays when a later one fails or
// the process is killed. Throws InputError naming the case (a name the dataset lacks, files that cannot be, labels that
// the dataset does not know, an empty box) and ResourceError when the disk is full.
CaseCache open_case_cache(const CacheRequest& request, const std::vector<std::string>& wanted_cases,
                          const CacheProgress& progress = {});

}  // namespace twintrack

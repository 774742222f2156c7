// A dataset seen as one organ against the rest: what a localiser is trained on.
#pragma once

#include "twintrack/planning/training_dataset.hpp"

#include <string>
#include <vector>

namespace twintrack {

// The same files with other labels: `organ` (a new name) is where any of `parts` (names of the dataset) is, "other" the
// remaining foreground labels, as regions where several labels come together. Throws InputError for names that the
// dataset does not have.
TrainingDataset organ_dataset(const TrainingDataset& dataset, const std::string& organ,
                              const std::vector<std::string>& parts);

}  // namespace twintrack

// An nnU-Net v2 raw dataset, from which a network is trained: dataset.json, imagesTr/<case>_0000<ending>,
// labelsTr/<case><ending>.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/nnunet/dataset.hpp"
#include "twintrack/volume/volume.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace twintrack {

struct TrainingCase {
  std::string name;
  std::filesystem::path image;
  std::filesystem::path labels;
};

struct TrainingDataset {
  std::filesystem::path folder;
  Json document;  // dataset.json as it is
  Dataset dataset;
  std::string file_ending;
  std::vector<TrainingCase> cases;  // by name, ascending

  std::string name() const;  // the folder's
  std::filesystem::path json_path() const { return folder / "dataset.json"; }
};

// Whether some of the cases are kept apart for validation; then there must be two at least.
enum class Validation { none, held_out };

// Finds the cases; their files are not opened. Throws InputError naming file and field: a dataset that is not as
// described above, another number of cases than numTraining, an image without labels, more than one input channel, a
// kind of file or a reader that this project does not have, dataset.json's `dataset` key.
TrainingDataset read_training_dataset(const std::filesystem::path& folder, Validation validation);

// Reads both files of a case, streamed. Throws InputError naming file and voxel: damaged files, values that are not
// finite, labels on another grid than the image (see require_same_grid), a value that dataset.json does not name.
void check_training_case(const TrainingDataset& dataset, const TrainingCase& item);

// The values a label map may have are set.
std::vector<bool> known_labels(const LabelScheme& labels);

}  // namespace twintrack

// A training set in a few numbers, from which its network is planned: nnU-Net v2's dataset_fingerprint.json.
#pragma once

#include "twintrack/planning/intensity_sample.hpp"
#include "twintrack/planning/training_box.hpp"
#include "twintrack/planning/training_dataset.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace twintrack {

struct Fingerprint {
  std::vector<Spacing3> spacings_mm;      // per case; z, y, x as files store them
  std::vector<Shape3> shapes_after_crop;  // per case, of the box of voxels that are not 0
  IntensityStatistics foreground;         // of voxels with a label other than 0, an ignore label's included
  double relative_size_after_crop = 1;    // median over cases
  std::optional<CropToLabels> crop;       // every case as if it were cut to its training_box
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

struct FingerprintOptions {
  std::optional<CropToLabels> crop;
  std::int64_t samples = 100'000'000;  // intensities drawn, shared equally among the cases
};

// Reads and checks every case (as check_training_case does), several at once; calls case_done after each. The result
// does not depend on the number of threads. Throws InputError also where no case has foreground.
Fingerprint extract_fingerprint(const TrainingDataset& dataset, const FingerprintOptions& options,
                                const std::function<void()>& case_done = {});

// As nnU-Net writes it, and the crop where there is one.
Json to_json(const Fingerprint& fingerprint);
// Throws InputError naming file and field.
Fingerprint parse_fingerprint(const JsonView& document);
Fingerprint read_fingerprint(const std::filesystem::path& path);
void write_fingerprint(const std::filesystem::path& path, const Fingerprint& fingerprint);

}  // namespace twintrack

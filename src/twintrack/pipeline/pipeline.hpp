// TwinTrack's pipeline: localise -> region of interest -> members -> mean of probabilities -> tumour vs. rest ->
// calibrate.
#pragma once

#include "twintrack/core/json.hpp"
#include "twintrack/nnunet/predictor.hpp"
#include "twintrack/pipeline/bundle.hpp"
#include "twintrack/pipeline/region_of_interest.hpp"
#include "twintrack/volume/volume.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace twintrack {

// A case as it is read, which may happen while another one is computed.
struct CaseInput {
  Volume<float> ct;
  std::string path;    // as the user gave it
  std::string sha256;  // of the file, or of a series' files in name order
  std::optional<Preprocessed> localizer_input;
  double read_seconds = 0;
  std::vector<std::string> warnings;  // of reading
};

struct StageTime {
  std::string stage;
  double seconds = 0;
};

struct CaseResult {
  Volume<float> probability;        // calibrated (when the bundle has a calibrator), 0 outside the region of interest
  std::vector<float> uncalibrated;  // same grid; empty without calibrator or when not kept
  RegionOfInterest region;
  std::vector<std::string> warnings;  // those of reading first
  std::vector<StageTime> times;
};

// Called before the first tile of each stage and after every tile with what runs ("localiser", "member 2 of 3"), tiles
// done and all tiles; may throw to stop.
using StageProgress = std::function<void(const std::string& stage, std::int64_t done, std::int64_t total)>;

class Pipeline {
 public:
  // Reads and checks all models of the bundle.
  Pipeline(Bundle bundle, const InferenceOptions& options);

  const Bundle& bundle() const { return bundle_; }
  std::string engine_name() const { return members_.front().engine_name(); }

  // Reads the CT and prepares it for the localiser. May run in another thread than predict().
  CaseInput read(const std::filesystem::path& path, const std::optional<std::string>& series_uid) const;
  // The same from a CT in memory, checked as check_volume does; `name` stands for its path in messages.
  CaseInput prepare(Volume<float> ct, const std::string& name) const;

  CaseResult predict(CaseInput& input, bool keep_uncalibrated, const StageProgress& progress);

 private:
  RegionOfInterest locate(CaseInput& input, const StageProgress& progress);
  void calibrate(CaseResult& result, bool keep_uncalibrated) const;

  Bundle bundle_;
  std::optional<Predictor> localizer_;
  std::int64_t localizer_channel_ = 0;
  std::vector<Predictor> members_;
  std::vector<std::vector<std::int64_t>> tumor_channels_;  // per member
};

}  // namespace twintrack

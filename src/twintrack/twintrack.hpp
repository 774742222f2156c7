/// \file
/// TwinTrack's public C++ interface.
///
/// \mainpage C++ interface
///
/// `#include <twintrack/twintrack.hpp>` and link `twintrack::twintrack`: everything a program needs that has volumes in
/// memory and wants tumour maps, calibrators and metrics.
///
/// - predict: twintrack::TumorPredictor, with a bundle as `twintrack bundle create` makes it
/// - calibrate: twintrack::CalibrationCohort, twintrack::Calibrator, twintrack::write_calibrator()
/// - evaluate: twintrack::evaluate(), twintrack::summarise_cohort()
/// - files: twintrack::read_volume(), twintrack::write_volume()
///
/// **Research use only.** Not a medical device and not for diagnosis: twintrack::kResearchUse says what a probability
/// is and what it is not, and belongs wherever a person reads a result.
///
/// Voxels are stored with x fastest; twintrack::Geometry says where they lie in the patient (LPS millimetres, as ITK).
///
/// **Errors** are exceptions: twintrack::UsageError for an argument that makes no sense, twintrack::InputError for data
/// or files that are not what they should be, twintrack::ResourceError when memory, disk or a device is missing; all
/// derive from twintrack::Error, and `what()` names the argument, file or voxel and what would be right.
/// `std::bad_alloc` is passed on.
///
/// **Threads.** Functions may be called from several threads at a time, and so may different objects. One
/// twintrack::TumorPredictor may be shared, its predictions then run one after the other; of one
/// twintrack::CalibrationCohort, only `const` functions may be called at the same time. All computing is spread over
/// the OpenMP threads of the calling thread. A process that was forked after computing must not compute again in the
/// child (OpenMP does not survive a fork).
#pragma once

#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/research_use.hpp"
#include "twintrack/evaluation/bootstrap.hpp"
#include "twintrack/volume/io.hpp"
#include "twintrack/volume/volume.hpp"
#include "twintrack/volume/volume_view.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace twintrack {

/// Version of the library, such as "0.1.0".
std::string version();

/// A binary map on the grid of the map it is given with: a byte a voxel, 0 or 1, x fastest. Belongs to the caller.
using MaskView = std::span<const std::uint8_t>;

/// Called with what runs ("localiser", "member 2 of 3"), how many of its tiles are done, and how many it has. May throw
/// to cancel (Interrupted is meant for that): the exception reaches the caller of the function that calls back.
using ProgressFunction = std::function<void(const std::string& stage, std::int64_t done, std::int64_t total)>;

/// What a bundle says of itself. A bundle is a folder with everything a prediction needs (docs/formats.md).
struct BundleInfo {
  std::filesystem::path folder;  ///< Where it lies.
  std::string name;              ///< Name, as its author gave it.
  std::string trained_on;        ///< Data the networks were trained on, in the author's words.
  std::string intended_use;      ///< In the author's words.
  std::string sha256;            ///< Identity of the bundle: SHA-256 of its bundle.json, lower-case hexadecimal.
  std::string networks_sha256;   ///< Identity of what makes the uncalibrated probabilities.
  std::size_t members = 0;       ///< Networks whose probabilities are averaged.
  bool has_localizer = false;    ///< A network finds the pancreas first; else the members see the whole body.
  std::vector<std::string> tumor_labels;  ///< Labels of the members' that are tumour.
  std::array<double, 3> roi_margin_mm{};  ///< How far around the pancreas the members look: x, y, z.
  double threshold = 0.5;                 ///< Probability from which a voxel is segmented as tumour.
  std::optional<Calibrator> calibrator;   ///< Nothing when its probabilities are the networks' own.
};

/// Reads a bundle's description and checks every file of it against its SHA-256.
/// \throws InputError naming the file and field that is wrong.
BundleInfo read_bundle_info(const std::filesystem::path& folder);

/// How to predict.
struct PredictOptions {
  /// "fp32", "bf16" (bfloat16 on the CPU, float16 on a GPU), or "auto": bf16 where the processor or device has it
  /// natively.
  std::string precision = "auto";
  /// "cpu"; "cuda:N" for a GPU or "torch" for libtorch's CPU kernels, where TwinTrack was built with libtorch.
  std::string device = "cpu";
  /// Average over mirrored inputs where the networks were trained so: up to 8 times slower, slightly more accurate.
  bool mirroring = true;
  /// Step of the sliding window as a part of the patch, above 0 and at most 1.
  double step_size = 0.5;
  /// Threads to compute on, up to 1024; 0: as OpenMP is set for the calling thread, which by default is all processors.
  int threads = 0;
  /// Used in place of the bundle's calibrator; must belong to the same networks when it says which.
  std::optional<Calibrator> calibrator = {};
};

/// What a prediction is; all maps lie on the CT's grid.
struct Prediction {
  /// Probability of tumour in [0, 1]; when `calibrated`, the share of experts who are expected to mark the voxel. 0
  /// outside the region of interest.
  Volume<float> probability;
  /// The networks' mean before calibration, when it was asked for and there is a calibrator.
  std::optional<Volume<float>> uncalibrated;
  Volume<std::uint8_t> segmentation;             ///< 1 where the probability reaches the bundle's threshold.
  Volume<std::uint8_t> region_of_interest;       ///< 1 where the networks looked.
  bool calibrated = false;                       ///< A calibrator was applied.
  double tumor_volume_mm3 = 0;                   ///< Of the segmentation.
  double expected_volume_mm3 = 0;                ///< Sum of probability times the voxel's volume.
  std::array<double, 5> agreement_volume_mm3{};  ///< Where at least k of 5 experts are expected to agree, k = 1 ... 5.
  float maximum_probability = 0;                 ///< Largest value of `probability`.
  std::vector<std::string> warnings;             ///< For a person: what the maps cannot be relied on for. Show them.
  std::vector<std::pair<std::string, double>> seconds;  ///< Time by stage, in order.
  std::string summary;  ///< JSON text, as the program's CASE.json but for paths (docs/formats.md).
};

/// A bundle, loaded: its networks stay in memory between predictions.
class TumorPredictor {
 public:
  /// Reads and checks the bundle and packs its networks for this processor (seconds).
  /// \throws InputError for a bundle that is damaged or a calibrator of other networks, UsageError for options out of
  /// range, ResourceError for a device that is not there.
  explicit TumorPredictor(const std::filesystem::path& bundle, const PredictOptions& options = {});
  ~TumorPredictor();
  TumorPredictor(TumorPredictor&&) noexcept;             ///< The moved-from object can only be assigned or destroyed.
  TumorPredictor& operator=(TumorPredictor&&) noexcept;  ///< As the constructor.

  const BundleInfo& bundle() const;  ///< The bundle, with the calibrator that is used.
  std::string engine() const;        ///< What computes: "AMX bf16", "oneDNN fp32", ...

  /// Runs the pipeline on a CT in Hounsfield units: localise, members, mean, calibrate. Move the CT in (`std::move`) to
  /// keep no second copy of it. Needs some 20 bytes a voxel besides and what the networks take.
  /// \param ct voxels finite, spacing 0.001 to 1000 mm, orthonormal direction, any orientation
  /// \param progress called before the first tile and after every one, on the calling thread; may throw to cancel
  /// \param keep_uncalibrated also return the probabilities before calibration (4 bytes a voxel)
  /// \throws InputError for a volume that cannot be a CT, UsageError when called from its own `progress`, and what
  /// `progress` throws.
  Prediction predict(Volume<float> ct, const ProgressFunction& progress = {}, bool keep_uncalibrated = false);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A fitted calibrator with what is known of the fit.
struct CalibrationFit {
  Calibrator calibrator;              ///< Ready to apply().
  std::vector<std::string> warnings;  ///< For a person: what the curve cannot be relied on for.
  std::string document;               ///< The calibrator.json with diagnostics and bootstrap band (docs/formats.md).
};

/// The cases that a calibrator is fitted to, as sufficient statistics: memory does not grow with voxels, the order of
/// cases does not matter, and cohorts that cannot meet can be merged.
class CalibrationCohort {
 public:
  /// \param target "mhr" (share of raters who marked the voxel), "rater:K" (from 1), "majority" or "staple"
  /// \param equal_case_weight every case counts the same; else every voxel does
  /// \throws UsageError for another target.
  explicit CalibrationCohort(const std::string& target = "mhr", bool equal_case_weight = false);
  /// Statistics that write() or `twintrack calibrate --statistics-out` wrote. \throws InputError
  static CalibrationCohort read(const std::filesystem::path& file);
  ~CalibrationCohort();
  CalibrationCohort(CalibrationCohort&&) noexcept;  ///< Moved-from objects can only be assigned or destroyed.
  CalibrationCohort& operator=(CalibrationCohort&&) noexcept;  ///< As the constructor.

  /// Adds a case; nothing is kept of the arrays.
  /// \param name unique in the cohort
  /// \param probability uncalibrated, in [0, 1]
  /// \param raters 1 to 64 maps of what each rater marked
  /// \param region voxels that the fit is over; absent: the box of probabilities above 0 and raters' marks, grown by 20
  /// voxels
  /// \throws InputError naming the case and what is wrong with it.
  void add(const std::string& name, const VolumeView<float>& probability, std::span<const MaskView> raters,
           const std::optional<MaskView>& region = {});
  /// Adds all cases of another cohort. \throws InputError when target or weighting differ or a case is in both.
  void merge(const CalibrationCohort& other);
  std::size_t size() const;                             ///< Number of cases.
  void write(const std::filesystem::path& file) const;  ///< For read(); no voxel is in it. \throws ResourceError

  /// The isotonic fit.
  /// \param replicates of the bootstrap over cases that the 95 % band comes from
  /// \param seed the same seed gives the same band
  /// \throws UsageError without cases or replicates.
  CalibrationFit fit(int replicates = 1000, std::uint64_t seed = 0) const;

 private:
  struct Impl;
  explicit CalibrationCohort(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Writes calibrator.json, complete or not at all, replacing one that is there. \throws ResourceError
void write_calibrator(const std::filesystem::path& file, const CalibrationFit& fit);
/// The same for a curve alone. \throws UsageError for a curve that is none (see Calibrator).
void write_calibrator(const std::filesystem::path& file, const Calibrator& calibrator);

/// A probability map with what it is measured against.
struct EvaluationCase {
  VolumeView<float> probability;              ///< In [0, 1].
  std::vector<MaskView> raters;               ///< 1 to 64 maps of what each rater marked.
  std::optional<MaskView> segmentation = {};  ///< Absent: the voxels whose probability reaches `threshold`.
  double threshold = 0.5;                     ///< In [0, 1].
  /// Label map of vessels: 1 portal vein, 2 superior mesenteric vein, 3 aorta, 4 celiac trunk, 5 superior mesenteric
  /// artery, other labels are passed over. When given, vascular involvement is measured too.
  std::optional<std::span<const std::uint8_t>> vessels = {};
};

/// The metrics of a case by the names of metrics.json (docs/metrics.md).
struct CaseEvaluation {
  std::map<std::string, double> metrics;  ///< All single numbers: "tdsc", "ece_mean", "brier.score"; NaN for no value.
  std::string document;                   ///< JSON text of all, with lists and reliability bins.
};

/// All metrics of a case. Needs a bit a voxel and map besides its arguments.
/// \throws InputError when sizes differ, values are no probabilities or no masks, or there is no rater.
CaseEvaluation evaluate(const EvaluationCase& item);

/// Bootstrap mean over cases with its 95 % interval, of every metric that any case has.
/// \throws UsageError without replicates.
std::map<std::string, Estimate> summarise_cohort(std::span<const CaseEvaluation> cases, int replicates = 1000,
                                                 std::uint64_t seed = 0);

}  // namespace twintrack

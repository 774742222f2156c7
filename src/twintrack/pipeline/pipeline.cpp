#include "twintrack/pipeline/pipeline.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/pipeline/cases.hpp"
#include "twintrack/pipeline/input_identity.hpp"
#include "twintrack/volume/io.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

namespace twintrack {
namespace {

constexpr std::int64_t kBlock = 1 << 15;
constexpr double kOutsideSupport = 0.001;  // of the region's voxels; more are worth a warning

// Appends the time since its construction when it goes out of scope.
class StageTimer {
 public:
  StageTimer(std::vector<StageTime>& times, std::string stage) : times_(times), stage_(std::move(stage)) {}
  ~StageTimer() {
    times_.push_back({stage_, std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count()});
  }
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;

 private:
  std::vector<StageTime>& times_;
  std::string stage_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Box3 whole(const Volume<float>& volume) { return {{0, 0, 0}, volume.geometry.shape()}; }

// Adds `share` times the summed probability of the channels to the map.
RowFunction add_channels(std::vector<float>& map, const std::vector<std::int64_t>& channels, float share) {
  return [&map, channels, share](const ProbabilityRow& row) {
    for (const std::int64_t c : channels) {
      for (std::int64_t i = 0; i < row.voxels; ++i) {
        map[row.offset + i * row.step] += share * row.probabilities[c * row.voxels + i];
      }
    }
  };
}

void clear_outside(std::vector<float>& map, const std::vector<std::uint8_t>& mask) {
  parallel_for_blocks(static_cast<std::int64_t>(map.size()), kBlock, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) map[i] = mask[i] != 0 ? map[i] : 0.0F;
  });
}

}  // namespace

Pipeline::Pipeline(Bundle bundle, const InferenceOptions& options) : bundle_(std::move(bundle)) {
  if (bundle_.localizer) {
    const Model model = read_bundled_model(bundle_, bundle_.localizer->model);
    localizer_channel_ = model.labels.channel(bundle_.localizer->label, model.source);
    localizer_.emplace(model, options);
  }
  members_.reserve(bundle_.members.size());
  for (const BundledModel& member : bundle_.members) {
    const Model model = read_bundled_model(bundle_, member);
    tumor_channels_.push_back(tumor_channels(model.labels, bundle_.tumor_labels, model.source));
    members_.emplace_back(model, options, members_.empty() ? nullptr : &members_.back());
  }
}

CaseInput Pipeline::read(const std::filesystem::path& path, const std::optional<std::string>& series_uid) const {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::string> warnings;
  CaseInput input = prepare(read_volume(path, series_uid, warnings), path.string());
  input.sha256 = sha256_of_input(path);
  input.warnings = std::move(warnings);
  input.read_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return input;
}

CaseInput Pipeline::prepare(Volume<float> ct, const std::string& name) const {
  const auto start = std::chrono::steady_clock::now();
  CaseInput input{std::move(ct), name, "", {}, 0, {}};
  if (localizer_) {
    input.localizer_input = naming(name, [&] { return preprocess(input.ct, whole(input.ct), localizer_->plans()); });
  }
  input.read_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return input;
}

RegionOfInterest Pipeline::locate(CaseInput& input, const StageProgress& progress) {
  if (!localizer_) return body_region(input.ct);
  const LabelScheme& labels = localizer_->labels();
  const std::int64_t channel = localizer_channel_;
  std::vector<std::uint8_t> organ(input.ct.voxels.size(), 0);
  localizer_->predict(
      *input.localizer_input, {},
      [&](const ProbabilityRow& row) {
        for (std::int64_t i = 0; i < row.voxels; ++i) {
          const bool inside = labels.regions ? row.probabilities[channel * row.voxels + i] > 0.5F
                                             : row.labels[i] == labels.output_labels[channel];
          organ[row.offset + i * row.step] = inside ? 1 : 0;
        }
      },
      [&](std::int64_t done, std::int64_t total) { progress("localiser", done, total); });
  input.localizer_input.reset();
  const BundledLocalizer& l = *bundle_.localizer;
  return region_around_organ(organ, input.ct, {l.minimal_volume_mm3, l.maximal_volume_mm3, l.minimal_component_share},
                             bundle_.roi_margin_mm);
}

CaseResult Pipeline::predict(CaseInput& input, bool keep_uncalibrated, const StageProgress& progress) {
  CaseResult result;
  result.times.push_back({"read", input.read_seconds});
  {
    const StageTimer timer(result.times, "localise");
    result.region = locate(input, progress);
  }
  result.warnings = input.warnings;
  std::ranges::copy(result.region.warnings, std::back_inserter(result.warnings));
  if (!bundle_.calibrator) {
    result.warnings.push_back(
        "the bundle has no calibrator: probabilities are the networks' own, not expected expert agreement");
  }

  result.probability = {input.ct.geometry, std::vector<float>(input.ct.voxels.size(), 0.0F)};
  const auto share = 1.0F / static_cast<float>(members_.size());
  Preprocessed image;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (i == 0 || !preprocess_alike(members_[i].plans(), members_[i - 1].plans())) {
      const StageTimer timer(result.times, fmt::format("preprocess for member {}", i + 1));
      image = {};
      image = naming(input.path, [&] { return preprocess(input.ct, result.region.box, members_[i].plans()); });
    }
    const StageTimer timer(result.times, fmt::format("member {}", i + 1));
    const auto needed = needed_voxels(image, members_[i].plans(), result.region.mask);
    members_[i].predict(image, needed, add_channels(result.probability.voxels, tumor_channels_[i], share),
                        [&](std::int64_t done, std::int64_t total) {
                          progress(fmt::format("member {} of {}", i + 1, members_.size()), done, total);
                        });
  }

  calibrate(result, keep_uncalibrated);
  return result;
}

void Pipeline::calibrate(CaseResult& result, bool keep_uncalibrated) const {
  const StageTimer timer(result.times, "calibrate");
  std::vector<float>& map = result.probability.voxels;
  clear_outside(map, result.region.mask);
  if (!bundle_.calibrator) return;
  const double outside = bundle_.calibrator->share_outside_support(map, result.region.mask);
  if (outside > kOutsideSupport) {
    const auto [low, high] = *bundle_.calibrator->support;
    result.warnings.push_back(fmt::format(
        "{:.2f} % of the region of interest has probabilities outside {:g} to {:g}, which the calibrator was fitted to",
        100 * outside, low, high));
  }
  if (keep_uncalibrated) result.uncalibrated = map;
  bundle_.calibrator->apply(map);
  clear_outside(map, result.region.mask);
}

}  // namespace twintrack

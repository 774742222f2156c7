#include "twintrack/api/bundle_info.hpp"
#include "twintrack/api/in_memory.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/pipeline/pipeline.hpp"
#include "twintrack/pipeline/summary.hpp"
#include "twintrack/twintrack.hpp"
#include "twintrack/volume/check.hpp"

#include <atomic>
#include <mutex>
#include <thread>

namespace twintrack {
namespace {

constexpr int kMostThreads = 1024;
constexpr const char* kInput = "the CT";  // how messages name it

Precision chosen_precision(const PredictOptions& o) {
  if (o.precision == "fp32") return Precision::fp32;
  if (o.precision == "bf16") return Precision::bf16;
  if (o.precision != "auto") throw UsageError("precision '{}': auto, fp32 or bf16 is right", o.precision);
  return o.device.starts_with("cuda") || has_native_bfloat16() ? Precision::bf16 : Precision::fp32;
}

InferenceOptions checked(const PredictOptions& o) {
  if (!(o.step_size > 0.0 && o.step_size <= 1.0))
    throw UsageError("step_size {}: above 0 and at most 1 is right", o.step_size);
  if (o.threads < 0 || o.threads > kMostThreads)
    throw UsageError("threads {}: 0 (all) to {} is right", o.threads, kMostThreads);
  if (o.device != "cpu" && o.device != "torch" && !o.device.starts_with("cuda"))
    throw UsageError("device '{}': cpu, cuda:N or torch is right", o.device);
  if (o.device != "cpu" && !has_torch_plugin())
    throw UsageError("device '{}': needs libtorch, which this build does not have; cpu works", o.device);
  return {o.step_size, o.mirroring, chosen_precision(o), o.device};
}

Bundle calibrated_bundle(const std::filesystem::path& folder, const std::optional<Calibrator>& calibrator) {
  Bundle bundle = read_bundle(folder);
  if (calibrator) bundle.calibrator = calibrator;
  if (bundle.calibrator) {
    require_made_for(*bundle.calibrator, bundle,
                     calibrator ? "the calibrator given" : (folder / kBundleCalibratorFile).string());
  }
  return bundle;
}

// The summary without what only a case that was read from a file has.
Json summary_in_memory(const CaseInput& input, const CaseResult& result, const std::vector<std::uint8_t>& segmentation,
                       const Bundle& bundle, const RunFacts& facts) {
  Json summary = case_summary("", input, result, segmentation, bundle, facts);
  summary.erase("case");
  summary["input"].erase("path");
  summary["input"].erase("sha256");
  return summary;
}

void set_figures(Prediction& prediction, const Json& summary) {
  prediction.tumor_volume_mm3 = summary["tumor_volume_mm3"];
  prediction.expected_volume_mm3 = summary["expected_volume_mm3"];
  prediction.maximum_probability = summary["maximum_probability"];
  for (std::size_t k = 0; const auto& volume : summary["agreement_volume_mm3"])
    prediction.agreement_volume_mm3.at(k++) = volume;
}

}  // namespace

struct TumorPredictor::Impl {
  Impl(Bundle bundle, const PredictOptions& o)
      : options(o), inference(checked(o)), pipeline(std::move(bundle), inference), info(describe(pipeline.bundle())) {}

  RunFacts facts() const {
    RunFacts facts;
    facts.engine = pipeline.engine_name();
    facts.device = options.device;
    facts.precision = inference.precision == Precision::bf16 ? "bf16" : "fp32";
    facts.threads = thread_count();
    facts.step_size = options.step_size;
    facts.mirroring = options.mirroring;
    facts.threshold = info.threshold;
    return facts;
  }

  PredictOptions options;
  InferenceOptions inference;
  Pipeline pipeline;
  BundleInfo info;
  std::mutex mutex;  // the networks' activations serve one prediction at a time
  std::atomic<std::thread::id> working;
};

TumorPredictor::TumorPredictor(const std::filesystem::path& bundle, const PredictOptions& options) {
  checked(options);  // before the bundle's files are hashed
  const ThreadScope threads(options.threads);
  impl_ = std::make_unique<Impl>(calibrated_bundle(bundle, options.calibrator), options);
}
TumorPredictor::~TumorPredictor() = default;
TumorPredictor::TumorPredictor(TumorPredictor&&) noexcept = default;
TumorPredictor& TumorPredictor::operator=(TumorPredictor&&) noexcept = default;

const BundleInfo& TumorPredictor::bundle() const { return impl_->info; }
std::string TumorPredictor::engine() const { return impl_->pipeline.engine_name(); }

Prediction TumorPredictor::predict(Volume<float> ct, const ProgressFunction& progress, bool keep_uncalibrated) {
  if (impl_->working == std::this_thread::get_id())
    throw UsageError("predict: called from its own progress function, before the first prediction is done");
  check_volume(ct, kInput);
  const std::lock_guard lock(impl_->mutex);
  struct Working {
    explicit Working(std::atomic<std::thread::id>& id) : id_(id) { id_ = std::this_thread::get_id(); }
    ~Working() { id_ = std::thread::id(); }
    std::atomic<std::thread::id>& id_;
  } const working(impl_->working);
  const ThreadScope threads(impl_->options.threads);

  CaseInput input = impl_->pipeline.prepare(std::move(ct), kInput);
  CaseResult result = impl_->pipeline.predict(
      input, keep_uncalibrated, progress ? progress : [](const std::string&, std::int64_t, std::int64_t) {});
  const Geometry& grid = input.ct.geometry;
  Prediction prediction;
  prediction.segmentation = {grid, threshold_map(result, impl_->info.threshold)};
  const Json summary =
      summary_in_memory(input, result, prediction.segmentation.voxels, impl_->pipeline.bundle(), impl_->facts());
  set_figures(prediction, summary);
  prediction.summary = to_text(summary, 2);
  prediction.calibrated = impl_->info.calibrator.has_value();
  prediction.warnings = std::move(result.warnings);
  for (StageTime& time : result.times) prediction.seconds.emplace_back(std::move(time.stage), time.seconds);
  prediction.probability = std::move(result.probability);
  prediction.region_of_interest = {grid, std::move(result.region.mask)};
  if (!result.uncalibrated.empty()) prediction.uncalibrated = {grid, std::move(result.uncalibrated)};
  return prediction;
}

}  // namespace twintrack

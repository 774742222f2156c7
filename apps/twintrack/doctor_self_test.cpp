#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <limits>

#include "doctor_checks.hpp"
#include "self_test_network.hpp"
#include "tile_time.hpp"
#include "twintrack/calibration/isotonic.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"
#include "twintrack/core/machine.hpp"
#include "twintrack/core/parallel.hpp"
#include "twintrack/core/system.hpp"
#include "twintrack/network/amx_kernels.hpp"
#include "twintrack/network/torch_plugin.hpp"
#include "twintrack/pipeline/bundle.hpp"
#include "twintrack/resample/resize.hpp"
#include "twintrack/volume/io.hpp"

namespace twintrack::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

const char* const kNotToBeTrusted = "results of this machine are not to be trusted; please report it with this output";

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// An engine that this machine can run, and how far from exact its logits may be (relative L2).
struct Candidate {
  Precision precision;
  double tolerance;
  std::function<std::unique_ptr<Engine>(const Network&, const Shape3&, Precision)> make;
};

bool has_gpu() {
  try {
    torch_plugin().check_device("cuda:0");
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<Candidate> candidates() {
  constexpr double fp32_tolerance = 1e-4;
  constexpr double bf16_tolerance = 3e-2;
  const auto torch = [](const char* device) {
    return [device](const Network& network, const Shape3& patch, Precision precision) {
      return torch_plugin().make_engine(network, patch, precision, device);
    };
  };
  std::vector<Candidate> all{{Precision::fp32, fp32_tolerance, make_onednn_engine}};
  if (has_native_bfloat16()) all.push_back({Precision::bf16, bf16_tolerance, make_onednn_engine});
  if (amx_available()) all.push_back({Precision::bf16, bf16_tolerance, make_cpu_engine});
  if (has_torch_plugin()) all.push_back({Precision::fp32, fp32_tolerance, torch("cpu")});
  if (has_gpu()) all.push_back({Precision::bf16, bf16_tolerance, torch("cuda:0")});
  return all;
}

double relative_error(std::span<const float> logits) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < kKnownLogits.size(); ++i) {
    difference += std::pow(static_cast<double>(logits[known_index(static_cast<std::int64_t>(i))]) - kKnownLogits[i], 2);
    norm += std::pow(kKnownLogits[i], 2);
  }
  const double error = std::sqrt(difference / norm);
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

// Floating-point operations a second, of a larger network.
double operations_a_second(const Candidate& candidate) {
  constexpr Shape3 patch{32, 64, 64};
  constexpr double long_enough_s = 0.7;
  const Network network = u_net({32, 64, 128});
  const auto engine = candidate.make(network, patch, candidate.precision);
  const int weights = engine->load(known_weights(network));
  const std::vector<float> input = known_patch(patch);
  std::vector<float> logits(input.size() * 2);
  engine->run(weights, input, logits);
  int runs = 0;
  const auto start = Clock::now();
  do {
    engine->run(weights, input, logits);
    ++runs;
  } while (seconds_since(start) < long_enough_s);
  return runs * operations(network, patch) / seconds_since(start);
}

Finding network_finding(const Candidate& candidate) {
  const Network network = u_net(kKnownFeatures);
  const auto engine = candidate.make(network, kKnownPatch, candidate.precision);
  const int weights = engine->load(known_weights(network));
  std::vector<float> logits(2 * static_cast<std::size_t>(voxel_count(kKnownPatch)));
  engine->run(weights, known_patch(kKnownPatch), logits);
  const double error = relative_error(logits);
  Finding finding{"network, " + engine->name(),
                  Verdict::ok,
                  "",
                  "",
                  {{"engine", engine->name()}, {"relative_error", number_or_null(error)}}};
  if (!(error <= candidate.tolerance)) {
    finding.verdict = Verdict::failed;
    finding.text =
        fmt::format("logits differ by {:.2g} from the known ones, up to {:g} is right", error, candidate.tolerance);
    finding.advice = kNotToBeTrusted;
    return finding;
  }
  const double speed = operations_a_second(candidate);
  finding.text = fmt::format("as known within {:.1g}; {:.0f} GFLOP/s", error, speed / 1e9);
  finding.values["operations_per_second"] = speed;
  return finding;
}

Finding memory_speed() {
  constexpr std::int64_t large = std::int64_t{1} << 26, small = std::int64_t{1} << 22;  // floats
  const bool has_room = available_memory_bytes().value_or(0) > 8 * large * std::int64_t{sizeof(float)};
  const std::int64_t count = has_room ? large : small;
  std::vector<float> from(static_cast<std::size_t>(count), 1.0F), to(from.size());
  double best = 0;
  for (int i = 0; i < 3; ++i) {
    const auto start = Clock::now();
    parallel_for_blocks(count, 1 << 18, [&](std::int64_t begin, std::int64_t end) {
      std::copy(from.begin() + begin, from.begin() + end, to.begin() + begin);
    });
    best = std::max(best, 2.0 * sizeof(float) * static_cast<double>(count) / seconds_since(start));
  }
  if (from != to) return {"memory, speed", Verdict::failed, "a copy differs from what was copied", kNotToBeTrusted, {}};
  return {"memory, speed",
          Verdict::ok,
          fmt::format("{:.1f} GB/s read and written by a copy", best / 1e9),
          "",
          {{"bytes_per_second", best}}};
}

// A folder for temporary files of its own.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (fs::temp_directory_path() / "twintrack-doctor-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw_cannot_write(pattern, errno);
    path_ = pattern;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  fs::path operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

Finding volumes_written_and_read() {
  Volume<float> volume{{{33, 28, 21}, {0.75, 0.75, 2.5}, {-120.5, -99.25, 1040}, {1, 0, 0, 0, 1, 0, 0, 0, 1}}, {}};
  for (std::int64_t i = 0; i < volume.geometry.voxel_count(); ++i)
    volume.voxels.push_back(static_cast<float>(i * 7919 % 4096) * 0.25F - 1024.0F);
  const ScratchFolder folder;
  for (const char* name : {"volume.nii.gz", "volume.mha", "volume.nrrd"}) {
    write_volume(folder / name, volume);
    const Volume<float> read = read_volume(folder / name);
    if (read.geometry == volume.geometry && read.voxels == volume.voxels) continue;
    return {
        "files", Verdict::failed, fmt::format("{}: what is read is not what was written", name), kNotToBeTrusted, {}};
  }
  return {"files", Verdict::ok, "a volume written as nii.gz, mha and nrrd is read as it was", "", {}};
}

// A plane is a plane on every grid: f = 2 z + 3 y - x, at the centres of the new voxels, constant beyond the outer
// ones.
Finding resampling() {
  constexpr Shape3 shape{24, 30, 20}, finer{36, 60, 50};
  const auto plane = [](double z, double y, double x) { return 2 * z + 3 * y - x; };
  std::vector<float> values;
  for (std::int64_t z = 0; z < shape[0]; ++z)
    for (std::int64_t y = 0; y < shape[1]; ++y)
      for (std::int64_t x = 0; x < shape[2]; ++x)
        values.push_back(
            static_cast<float>(plane(static_cast<double>(z), static_cast<double>(y), static_cast<double>(x))));
  const auto position = [&](int axis, std::int64_t i) {
    return (static_cast<double>(i) + 0.5) * static_cast<double>(shape[axis]) / static_cast<double>(finer[axis]) - 0.5;
  };
  double worst = 0;
  for (const int order : {1, 3}) {
    const double margin = order == 1 ? 0 : 8;  // voxels; a spline feels the edge
    const std::vector<float> found = resize(values, shape, finer, order);
    for (std::int64_t z = 0; z < finer[0]; ++z) {
      for (std::int64_t y = 0; y < finer[1]; ++y) {
        for (std::int64_t x = 0; x < finer[2]; ++x) {
          const std::array<double, 3> at{position(0, z), position(1, y), position(2, x)};
          bool inside = true;
          for (int axis = 0; axis < 3; ++axis)
            inside = inside && at[axis] >= margin && at[axis] <= static_cast<double>(shape[axis] - 1) - margin;
          if (!inside) continue;
          const double error = std::abs(found[(z * finer[1] + y) * finer[2] + x] - plane(at[0], at[1], at[2]));
          worst = std::max(worst, error);
        }
      }
    }
  }
  constexpr double tolerance = 1e-2;  // of values up to 150
  if (!(worst <= tolerance))
    return {"resampling", Verdict::failed, fmt::format("a plane is off by {:.2g}", worst), kNotToBeTrusted, {}};
  return {"resampling", Verdict::ok, fmt::format("a plane stays one within {:.1g}, linear and cubic", worst), "", {}};
}

// 0.1, (0.5, 0.3), 0.9 with weights 1, (3, 1), 1: the two in the middle pool to 0.45.
Finding isotonic_fit() {
  const std::vector<Level> levels{{0.1F, 1, 0.1}, {0.2F, 3, 1.5}, {0.3F, 1, 0.3}, {0.4F, 1, 0.9}};
  const Knots knots = fit_isotonic(levels);
  const std::vector<std::pair<double, double>> expected{{0.0, 0.1},  {0.1, 0.1},    {0.2, 0.45},
                                                        {0.3, 0.45}, {0.35, 0.675}, {0.9, 0.9}};
  double worst = 0;
  for (const auto& [x, y] : expected) worst = std::max(worst, std::abs(curve_at(knots, x) - y));
  if (!(worst <= 1e-6))
    return {"isotonic fit", Verdict::failed, fmt::format("off by {:.2g}", worst), kNotToBeTrusted, {}};
  return {"isotonic fit", Verdict::ok, "as solved by hand", "", {}};
}

Finding guarded(const std::string& check, const std::string& advice, const std::function<Finding()>& test) {
  try {
    return test();
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    return {check, Verdict::failed, error.what(), advice, {}};
  }
}

Finding tile_time(const std::string& what, const Bundle& bundle, const BundledModel& description) {
  const Model model = read_bundled_model(bundle, description);
  const Precision precision = has_native_bfloat16() ? Precision::bf16 : Precision::fp32;
  const TileTime time = measure_tile_time(model, {0.5, true, precision, "cpu"});
  const Shape3& patch = model.plans.patch_size;
  return {what,
          Verdict::ok,
          fmt::format("parameters have their shapes; {:.2f} s a tile of {}x{}x{} ({} run(s) of {:.3f} s)",
                      time.seconds(), patch[0], patch[1], patch[2], time.runs(), time.seconds_a_run),
          "",
          {{"seconds_per_tile", time.seconds()}, {"runs", time.runs()}, {"patch", patch}}};
}

}  // namespace

std::vector<Finding> self_test_findings() {
  std::vector<Finding> findings;
  for (const Candidate& candidate : candidates()) {
    throw_if_interrupted();
    findings.push_back(guarded("network", kNotToBeTrusted, [&] { return network_finding(candidate); }));
  }
  findings.push_back(guarded("memory, speed", "close other programs", memory_speed));
  findings.push_back(guarded("files", "name a folder that can be written to: TMPDIR", volumes_written_and_read));
  findings.push_back(guarded("resampling", kNotToBeTrusted, resampling));
  findings.push_back(guarded("isotonic fit", kNotToBeTrusted, isotonic_fit));
  return findings;
}

std::vector<Finding> bundle_findings(const fs::path& folder) {
  const std::string advice = "copy or make the bundle anew";
  std::vector<Finding> findings;
  Bundle bundle;
  findings.push_back(guarded("bundle", advice, [&]() -> Finding {
    bundle = read_bundle(folder);
    return {"bundle",
            Verdict::ok,
            fmt::format("{}: {} files match their SHA-256", folder.string(), bundle.sha256.size()),
            "",
            {{"sha256", bundle.hash}}};
  }));
  if (findings.front().verdict == Verdict::failed) return findings;
  const auto add = [&](const std::string& what, const BundledModel& model) {
    throw_if_interrupted();
    findings.push_back(guarded(what, advice, [&] { return tile_time(what, bundle, model); }));
  };
  if (bundle.localizer) add("localiser", bundle.localizer->model);
  for (std::size_t i = 0; i < bundle.members.size(); ++i) add(fmt::format("member {}", i + 1), bundle.members[i]);
  return findings;
}

}  // namespace twintrack::cli

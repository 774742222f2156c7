// Calibration statistics from arbitrary bytes, sealed with their SHA-256 so that the parser reaches what they say; what
// is accepted must give a curve from [0, 1] to [0, 1].
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "twintrack/calibration/fit.hpp"
#include "twintrack/calibration/statistics_file.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/files.hpp"

namespace {

void check(const twintrack::FitQuality& quality) {
  constexpr double rounding = 1e-6;
  for (const double figure : {quality.brier, quality.calibration_error, quality.tdsc}) {
    if (!(figure >= 0 && figure <= 1 + rounding)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twintrack;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  bytes += sha256_of(bytes);
  try {
    const CalibrationStatistics statistics = parse_statistics(bytes, "a.stats");
    const CalibratorFit fit = fit_calibrator(statistics, 2, 0);
    const std::string document = to_json(fit, statistics).dump();
    const Json json = parse_json(document, "calibrator.json");
    parse_calibrator(JsonView(json, "calibrator.json"));
    check(fit.diagnostics.before);
    check(fit.diagnostics.after);
    if (fit.diagnostics.leave_one_out) check(*fit.diagnostics.leave_one_out);
  } catch (const InputError&) {
    return 0;
  }
  return 0;
}

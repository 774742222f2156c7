// calibrator.json from arbitrary text; what is accepted must be a curve from [0, 1] to [0, 1].
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "twintrack/calibration/calibrator.hpp"
#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twintrack;
  try {
    const Json document = parse_json(std::string_view(reinterpret_cast<const char*>(data), size), "calibrator.json");
    const Calibrator calibrator = parse_calibrator(JsonView(document, "calibrator.json"));
    constexpr float rounding = 1e-6F;
    float last = calibrator.y.front();
    for (int i = 0; i <= 64; ++i) {
      const float value = calibrator(static_cast<float>(i) / 64.0F);
      if (!(value >= last - rounding && value <= calibrator.y.back() + rounding)) std::abort();
      last = value;
    }
  } catch (const InputError&) {
    return 0;
  }
  return 0;
}

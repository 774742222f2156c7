// A cohort's manifest from arbitrary text; what is accepted has what its readers rely on.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "twintrack/cohort/manifest.hpp"
#include "twintrack/core/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twintrack;
  std::string text(reinterpret_cast<const char*>(data), size);
  std::ranges::replace(text, '/', '_');  // globs shall not search this machine's folders
  const std::array needed{Column::probability, Column::raters};
  try {
    const Manifest manifest = parse_manifest(text, "/nowhere/cases.csv", needed);
    if (manifest.cases.empty()) std::abort();
    for (const CohortCase& item : manifest.cases) {
      if (item.name.empty() || item.probability.empty() || item.raters.empty()) std::abort();
    }
  } catch (const InputError&) {
    return 0;
  }
  return 0;
}

#include "twintrack/pipeline/prediction_record.hpp"

#include "twintrack/core/error.hpp"
#include "twintrack/core/json.hpp"
#include "twintrack/volume/io.hpp"

#include <string_view>

namespace twintrack {

std::optional<PredictionRecord> prediction_record(const std::filesystem::path& probability_file) {
  constexpr std::string_view calibrated = "_probability";
  constexpr std::string_view uncalibrated = "_uncalibrated";
  std::string name = volume_stem(probability_file);
  const bool is_uncalibrated = name.ends_with(uncalibrated);
  if (!is_uncalibrated && !name.ends_with(calibrated)) return std::nullopt;
  name.resize(name.size() - (is_uncalibrated ? uncalibrated : calibrated).size());
  const std::filesystem::path summary = probability_file.parent_path() / (name + ".json");
  if (name.empty() || !std::filesystem::exists(summary)) return std::nullopt;
  try {
    const Json document = read_json(summary);
    const JsonView view(document, summary.string());
    if (view.at("format").as_string() != "twintrack-case/1") return std::nullopt;
    PredictionRecord record{
        view.at("bundle").at("networks_sha256").as_string(), !is_uncalibrated && view.at("calibrated").as_bool(), {}};
    if (const auto warnings = view.find("warnings")) {
      for (const JsonView& warning : warnings->elements()) record.warnings.push_back(warning.as_string());
    }
    return record;
  } catch (const InputError&) {
    return std::nullopt;
  }
}

}  // namespace twintrack
